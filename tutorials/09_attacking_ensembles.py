# %% [markdown]
# # 9. Attacking an ensemble
#
# A single network has one gradient, but an ensemble has several. Which of them should
# an attack follow? The paper tries two answers, and the result surprised its authors.
# This chapter repeats the experiment and looks for the culprit.
#
# **You will** attack an ensemble through one member and through all, see how well
# perturbations transfer, and solve the case of the paper's surprise: clues, suspects,
# experiments.

# %%
from functools import partial

import numpy as np

from attacks import (
    bim,
    fgsm,
    input_gradient,
    member_gradient,
    normalized_gradient,
    sum_gradient,
)
from ensembles import Ensemble
from minidl.data import load_mnist_sample
from tutorials.anomaly.directions import pairwise_cosines
from tutorials.anomaly.labels.example import DRAWN, make_example
from tutorials.anomaly.labels.figures import draw_path, draw_walks
from tutorials.anomaly.labels.fit import fit
from tutorials.anomaly.labels.measure import read_files
from tutorials.anomaly.labels.readings import BY_LIBRARY, SUSPECT, fixed_readings
from tutorials.anomaly.labels.verdict import AS_STATED, LATER, TIMES_S, is_other
from tutorials.drag import drag
from tutorials.exercises import check, hint
from tutorials.panels import committee, vote_bars
from tutorials.paper import results
from tutorials.paper.experiment.adversaries import (
    ADVERSARIES,
    SUM,
    adversary,
    mean_of_perturbations,
    one_member,
    with_label,
)
from tutorials.paper.paper_numbers import paper_accuracy
from tutorials.show import image, new_figure, picture, source, table
from tutorials.trained import ensemble

data = load_mnist_sample()
x = data.x_test[:300].astype(np.float32) / 255
y = data.y_test[:300]
members = ensemble("random-init")
team = Ensemble(members)


def right(classifier, images):
    return (classifier.predict(images) == y).mean()


print(f"accuracy of the ensemble without an attack: {right(team, x):.1%}")

# %% [markdown]
# ## Two adversaries
#
# **Adv. 1** follows the gradient of the *i*-th member, $\nabla_x J(\theta_i, x, y)$,
# and relies on transfer. **Adv. 2** follows the sum of all members' gradients, $\sum_i
# \nabla_x J(\theta_i, x, y)$.

# %%
source(member_gradient, sum_gradient)

# %%
attack_bim = partial(bim, eps=0.2, alpha=0.025, steps=8)
attack_fgsm = partial(fgsm, eps=0.3)
found = {}
for name, attack in (("FGSM", attack_fgsm), ("BIM", attack_bim)):
    alone = [attack(member_gradient(members, i), x, y) for i in range(3)]
    together = attack(sum_gradient(members), x, y)
    found[name] = (
        np.mean([right(members[i], alone[i]) for i in range(3)]),
        np.mean([right(team, images) for images in alone]),
        right(team, together),
    )
rows = [(name, *columns) for name, columns in found.items()]
table(("", "Adv. 1, single", "Adv. 1, ensemble", "Adv. 2, ensemble"), rows)

# %% [markdown]
# **What to notice.** These are three columns of the paper's Table 2, for three members.
# Attacked through one member, the ensemble is more accurate than this member alone,
# because the other two help. Attacked through all members, it is less accurate.
#
# ## Do perturbations transfer?
#
# Each row is BIM with the gradient of one member. Each column is a classifier, with its
# accuracy on the resulting images.

# %%
alone = [attack_bim(member_gradient(members, i), x, y) for i in range(3)]
transfer = np.array([[right(m, images) for m in (*members, team)] for images in alone])
figure, (panel,) = new_figure(width=6.5, height=2.8)
panel.imshow(transfer, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
for i, j in np.ndindex(transfer.shape):
    panel.text(j, i, f"{transfer[i, j]:.2f}", ha="center", va="center")
panel.set_xticks(range(4), ["member 0", "member 1", "member 2", "ensemble"])
panel.set_yticks(range(3), [f"from member {i}" for i in range(3)])
picture(
    figure,
    "A table of accuracies as shades of blue: nearly white on the diagonal, where a "
    "member is attacked with its own gradient; darker for the other members.",
)

# %% [markdown]
# **What to notice.** The diagonal is nearly zero, because every member is fooled by its
# own gradient. Off the diagonal, accuracy is a half to two thirds. Many perturbations
# also fool networks that they weren't made for, which limits what ensembles can do.
#
# ## Individual votes under attack

# %%
both = attack_bim(sum_gradient(members), x, y)
outvoted = (team.predict(alone[0]) == y) & (team.predict(both) != y)
n = int(np.flatnonzero(outvoted)[0])
figure, axes = new_figure(3, 2, width=9, height=4.4)
images = {"clean": x, "Adv. 1, member 0": alone[0], "Adv. 2": both}
for column, (name, x_adv) in enumerate(images.items()):
    image(axes[column], x_adv[n], f"{name}: {team.predict(x_adv[n : n + 1])[0]}")
    p = np.stack([member.predict_proba(x_adv[n : n + 1])[0] for member in members])
    vote_bars(axes[3 + column], p)
axes[3].set_ylabel("probability")
axes[3].legend(frameon=False, fontsize=8)
picture(
    figure,
    "One digit three times, clean and under both attacks, and below it the members' "
    "probabilities: under Adv. 1 the attacked member is fooled and outvoted.",
)

# %% [markdown]
# ## Three gradients and their sum
#
# Here are the gradients behind the votes. Choose whose gradient BIM follows, go through
# its steps, and watch which members change their prediction. (A notebook has controls
# below the picture; a script shows three settings.)


# %%
def one_step(figure, whose="sum", steps=8, digit=3, eps=0.2):
    x_n, y_n = x[[first[digit]]], y[[first[digit]]]
    rule = sum_gradient(members)
    if whose != "sum":
        rule = member_gradient(members, int(whose[-1]))
    x_adv = bim(rule, x_n, y_n, eps, eps / 8, steps) if steps else x_n
    g = np.concatenate([input_gradient(member, x_adv, y_n) for member in members])
    p = np.concatenate([member.predict_proba(x_adv) for member in members])
    committee(figure, x_n[0], x_adv[0], g, g.sum(axis=0), p)


first = [int(np.flatnonzero(y == digit)[0]) for digit in range(10)]
drag(
    one_step,
    "An attacked digit, the three members' gradients and their sum in red and blue, "
    "and below each its vote: one member's gradient fools this member, their sum fools "
    "all three.",
    size=(9, 4),
    whose=["member 0", "member 1", "member 2", "sum"],
    steps=list(range(9)),
    digit=list(range(10)),
    eps=[0.05, 0.1, 0.15, 0.2, 0.25, 0.3],
)

# %% [markdown]
# **What to notice.** Each gradient is drawn to its own scale, and $|g|$ is its length.
# The sum looks like the longest of the three gradients, which outweighs the others. In
# the first steps the longest can be a hundred times as long as the shortest.

# %% [markdown]
# ## The case: the paper's surprise
#
# One result surprised the paper's authors. These are the accuracies of its ensemble of
# ten members, with random initial weights. The last row is our ensemble of three small
# members:

# %%
columns = ("adv1_single", "adv1_ensemble", "adv2_ensemble")
rows = [
    (
        f"the paper, {half}, {name}",
        *(paper_accuracy(dataset, name.lower(), "random-init", c) for c in columns),
    )
    for dataset, half in (("mnist", "MNIST"), ("cifar10", "CIFAR-10"))
    for name in ("FGSM", "BIM")
]
rows.append(("here, BIM", *found["BIM"]))
table(("", "Adv. 1, single", "Adv. 1, ensemble", "Adv. 2, ensemble"), rows)

# %% [markdown]
# Attacking all members at once should be *stronger* than attacking one of them. Under
# FGSM it is. Under BIM it is weaker, in the paper, on both data sets. These are the
# clues:
#
# 1. **One step behaves as expected.** The surprise needs several steps.
# 2. **BIM works on one network.** A single member is fooled on most images by its own
#    gradient.
# 3. **Only the attack on all members is affected**, and it is on both data sets.
#
# And these are the suspects. Before you read on, write down which one you would arrest
# and which experiment would convict it:
#
# - *The gradients.* The members' gradients may point against each other, so that their
#   sum leads nowhere. This is the paper's own suspicion: they "block each other".
# - *The sum.* The code may have added up something other than the gradients.
# - *The label.* In $\nabla_x J(\theta_i, x, y)$, the attack needs a label $y$. Whose?
#
# ## The first suspect: do the gradients block each other?
#
# If they did, the cosine between two members' gradients would be negative.

# %%
rows, x_adv = [], x
for step in range(9):
    g = np.stack([input_gradient(member, x_adv, y) for member in members])
    cosines, there = pairwise_cosines(g)
    longest = np.sqrt((g**2).sum(axis=(2, 3, 4)))
    share = (longest.max(axis=0) / (longest.sum(axis=0) + 1e-30)).mean()
    rows.append((f"{step}", cosines[there].mean(), (cosines[there] < 0).mean(), share))
    x_adv = attack_bim(sum_gradient(members), x, y, steps=step + 1)
table(("step", "mean cosine", "share below 0", "share of the longest"), rows)

# %%
steps = [int(row[0]) for row in rows]
figure, (panel,) = new_figure(width=6.5, height=3.2)
panel.plot(
    steps,
    [row[1] for row in rows],
    "o-",
    color="#0072b2",
    label="mean cosine of two members",
)
panel.plot(
    steps,
    [row[3] for row in rows],
    "^-",
    color="#d55e00",
    label="share of the longest gradient",
)
panel.axhline(0, color="#888", lw=1)
panel.set(xlabel="steps taken", ylim=(-0.1, 1))
panel.legend(frameon=False)
picture(
    figure,
    "Two curves over the steps of the attack: the mean cosine between two members' "
    "gradients stays well above zero; the longest gradient's share begins at 0.7 and "
    "falls in the second half.",
)

# %% [markdown]
# **What to notice.** At all steps the mean cosine is positive, and hardly any pair has
# a negative cosine, so the gradients help each other. At first, however, a single
# member contributes most of the sum's length. It is the least confident member, as the
# length of a gradient grows with $1 - p_y$. Adv. 2 therefore begins as an attack on
# this member. This makes Adv. 2 weaker than it could be, but not weaker than Adv. 1.
# The first suspect goes free.
#
# ## The second suspect: another sum
#
# Perhaps the paper's code computed something other than its formula. Here are five
# readings of "all members' gradients", each of a few lines. Two of them are:

# %%
source(mean_of_perturbations, normalized_gradient)

# %%
attacks = (attack_fgsm, attack_bim)
one = [
    np.mean([right(team, a(member_gradient(members, i), x, y)) for i in range(3)])
    for a in attacks
]
rows = [("Adv. 1 (mean)", *one)]
for name, rule in ADVERSARIES.items():
    rows.append((name, *(right(team, rule(members, a, x, y)) for a in attacks)))
table(("accuracy under attack", "FGSM", "BIM"), rows)

# %% [markdown]
# - **sum of gradients** is the paper's formula, Adv. 2 as above;
# - **sum from clipped probabilities** computes the loss from probabilities clipped at
#   $10^{-7}$, as libraries of the time did, so a confident member has gradient zero
#   (chapter 4);
# - **mean of perturbations** attacks each member separately and adds the mean of the
#   three perturbations;
# - **ensemble's own loss** follows $-\log$ of the mean probability. By the chain rule
#   its gradient is a weighted sum, $\sum_i w_i \nabla J_i$ with $w_i = p_i(y) / \sum_j
#   p_j(y)$, in which members that are already fooled hardly count;
# - **normalised gradients** gives each member one vote.
#
# **What to notice.** The mean of perturbations is by far the weakest. Where members
# disagree about a pixel, the mean moves it only part of the way. It is also the only
# reading that is weaker than Adv. 1 under BIM. But it is weaker under FGSM, too, which
# contradicts the first clue. Ten members on all of MNIST give the same picture
# (`results/anomaly`). The second suspect goes free.
#
# ## The third suspect: the label
#
# The paper doesn't say what $y$ is in an attack. Today attacks use the true label. In
# 2017 some functions used the network's *prediction*, because training on attacks that
# know the label had side effects ("label leaking", Kurakin et al., 2017;
# `results/labels` says which libraries did what). For a single step the choice hardly
# matters. But what if such a function is called eight times, and predicts anew each
# time? Think of an image that has just been misclassified. Which class does the next
# step climb away from, and where does it lead? Guess first, then run:

# %%
rows = []
for rule in DRAWN:
    row = [rule]
    for attack in attacks:
        one = [adversary(with_label(one_member(i), rule)) for i in range(3)]
        every = adversary(with_label(SUM, rule))
        row.append(np.mean([right(team, a(members, attack, x, y)) for a in one]))
        row.append(right(team, every(members, attack, x, y)))
    rows.append(row)
head = [f"{a}, {who}" for a in ("FGSM", "BIM") for who in ("Adv. 1", "Adv. 2")]
table(("whose label", *head), rows)

# %% [markdown]
# **What to notice.** Under FGSM the four rules differ by a few hundredths. Under BIM, a
# label that is predicted anew at every step saves many images, and a label that is
# predicted once saves few. Now combine two rows. If Adv. 1 keeps the true label and
# Adv. 2 takes each member's current prediction, Adv. 2 is the stronger attack under
# FGSM and the weaker one under BIM. Both orders are the paper's, and they fit all three
# clues.
#
# How does it happen? Here is one image, step by step, and below it all 300 images:

# %%
example = make_example()
picture(
    draw_path(example),
    "The margin of an image's label over the steps: with a fixed label it falls far "
    "below zero, with a label predicted anew it crosses zero again and again.",
)

# %%
right_at, back_at = (
    {trail.rule: getattr(trail, name) for trail in example.trails}
    for name in ("right", "back")
)
picture(
    draw_walks(right_at, back_at, example.images),
    "Two panels of lines over the steps: with labels predicted anew, accuracy stays "
    "higher, and each step pushes more images back; with other labels, hardly any.",
)

# %% [markdown]
# **What to notice.** As soon as the image is misclassified, its label is the wrong
# class. The next step climbs away from this class, and the nearest way leads back. The
# attack undoes itself. In its second half, each step pushes 7 to 22 % of all images
# back. Chapter 13 shows how to detect this fault in an attack of your own.
#
# ## The verdict
#
# The third suspect fits, but a good detective doesn't stop at the first suspect who
# fits. The authors' code isn't known. This reading was found on one row of Table 2, so
# this row can't prove it. Before any other row was measured, 162 readings were written
# down: all combinations of labels, each with what it should show on the other rows. The
# third suspect is reading 84. In it Adv. 1 keeps the true label, Adv. 2 takes each
# member's current prediction, and all perturbations are multiplied by one factor s,
# chosen to make one number of one row fit. A fair comparison changes one thing at a
# time. So the table has two controls, on every row measured so far: both adversaries
# keep the true label, once with perturbations as stated, and once with perturbations
# times s. It shows how many of the paper's two orders come out, and the mean distance
# from the paper's accuracies. Two relatives of the suspect stand beside them. Reading
# 85 differs from it in one step: Adv. 2's label is the true one in the first step, and
# each member's current prediction from the second step on. Reading 93 differs in Adv.
# 1, whose label is the attacked member's first prediction. This was the default of the
# usual library of 2017.

# %%
labels = results.published("labels")
measured = [(p.name, row) for p in sorted(labels.glob("*/")) for row in read_files(p)]
readings = fixed_readings(labels).readings
relatives = SUSPECT, LATER, BY_LIBRARY
shown = [readings[n - 1] for n in (AS_STATED, TIMES_S, *relatives)]
names = "true label", "true label, times s", *(f"reading {n}" for n in relatives)
rows = [
    (name, row.method, *(str(fit(reading, [row])) for reading in shown))
    for name, row in measured
]
table(("networks", "method", *names), rows)
others = [row for _, row in measured if is_other(row)]
fits = [fit(reading, others) for reading in readings]
for number in relatives:
    own = fits[number - 1]
    alike = sum(found.shown >= own.shown for found in fits) - 1
    nearer = sum(found.difference < own.difference for found in fits)
    print(
        f"On all that the suspect wasn't found on, reading {number} shows {own.shown} "
        f"of {own.asked} orders.\n{alike} other readings show as many or more, and "
        f"{nearer} are nearer to the paper's accuracies."
    )

# %% [markdown]
# **What to notice.** On MNIST the factor s brings the accuracies nearer to the paper's,
# but with the true label only the order under FGSM comes out, whatever the factor. The
# next three columns differ in nothing but Adv. 2's label, and a label that moves brings
# the second order, and accuracies that are nearer still. The suspect was found on
# random initial weights. For bagging nothing was chosen, and the suspect fits there,
# too: both orders come out, and the accuracies are near the paper's. On the paper's own
# network (`literal`) with Gauss noise, the orders come out, but its accuracies are
# farthest from the paper's.
#
# On CIFAR-10 the suspect is caught. There many images are misclassified before any
# step. A label that follows the prediction pushes them back in FGSM's only step. With
# random initial weights the order under FGSM is lost, and with Gauss noise hardly
# anything is left of it. In reading 85 FGSM has the true label, and only BIM's label
# moves. In reading 93 both adversaries push such images back, so that neither has an
# advantage. Both readings show all orders on both data sets. This was expected before
# it was measured: the list of readings says so.
#
# The suspect has accomplices, though. More than twenty other readings show as many
# orders. What they share is a label of Adv. 2 that is predicted anew during the attack.
# So the orders speak for such a label. They don't say whose prediction it is, or what
# Adv. 1 does. `results/labels` has all 162 readings.
#
# Even if this reading holds, it doesn't explain everything. On MNIST the paper's
# accuracies under attack are higher than ours in *every* row and column with plain
# logits, and in 22 of 24 places with the paper's own network (chapter 11). The end of
# `results/labels` says by how much.
#
# ## Your turn
#
# **9.1** The direction of Adv. 2 from the members' gradients (M, N, H, W, C).


# %%
def adv2_direction(gradients):
    return ...


check(adv2_direction)

# %% [markdown]
# **9.2** The weights of the ensemble's own gradient, from the members' costs J (M, N),
# which may be large.


# %%
def ensemble_weights(J):
    return ...


check(ensemble_weights)

# %% [markdown]
# **9.3** The sum of the members' gradients, each scaled to length 1; a gradient of zero
# adds nothing.


# %%
def normalized_sum(gradients):
    return ...


check(normalized_sum)

# %% [markdown]
# **9.4** This BIM has the third suspect's flaw. `gradient(x, y)` and `predict(x)`
# belong to one network, and y holds the true labels.


# %%
def unsteady_bim(gradient, predict, x, y, eps, alpha, steps):
    x_adv = x
    for _ in range(steps):
        label = predict(x_adv)
        x_adv = x_adv + alpha * np.sign(gradient(x_adv, label))
        x_adv = np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1)
    return x_adv


# %% [markdown]
# Find the line, and write the function without the flaw.


# %%
def steady_bim(gradient, predict, x, y, eps, alpha, steps):
    return ...


check(steady_bim)

# %% [markdown]
# **Next:** where the speed comes from, in [chapter 10](10_three_speeds.ipynb), or
# whether the defence holds, in [chapter 12](12_does_the_defence_hold.ipynb).
