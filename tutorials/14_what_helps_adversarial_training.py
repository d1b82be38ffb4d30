# %% [markdown]
# # 14. What helps: adversarial training
#
# The chapters so far have only broken defences. What does help? One defence has
# withstood all attacks designed against it, and its idea is simple. Show the network
# attacked images while it learns:
#
# $$\min_\theta \; E_{(x, y)} \Big[ \max_{\|r\|_\infty \le \varepsilon}
#   J(\theta, x + r, y) \Big].$$
#
# The optimizer goes downhill in the weights, and an attack goes uphill in the image
# (Madry et al., *Towards Deep Learning Models Resistant to Adversarial Attacks*, 2018).
#
# **You will** train a network on attacked images, see two ways in which this fails,
# find out why, and measure what the defence is worth, alone and in an ensemble.

# %%
import numpy as np

from attacks import (
    ensemble_loss,
    fgsm,
    fgsm_gap,
    fgsm_perturb,
    growing,
    margin,
    mean_probability_gradient,
    model_gradient,
    model_loss,
    pgd,
    pgd_perturb,
    square,
)
from attacks.evaluation.intervals import wilson
from ensembles import Committee, Ensemble, train_together
from minidl import Adam, train
from minidl.data import load_mnist_sample
from minidl.models import MNIST_SHAPE, build, linear, max_pool, relu_conv, relu_linear
from minidl.training import train_epoch
from tutorials.exercises import check, hint
from tutorials.show import image, new_figure, picture, source, table

data = load_mnist_sample()
x = data.x_test[:200].astype(np.float32) / 255
y = data.y_test[:200]
EPS, BATCH, STEPS = 0.3, 32, 125  # 125 batches are 4,000 images, one epoch


def small(rng):
    """Table 1 with a quarter of its filters and units, without dropout."""
    rows = [relu_conv(8), relu_conv(8), max_pool(), relu_linear(32), linear(10)]
    return build(MNIST_SHAPE, rows, rng, pad=0)


# %% [markdown]
# ## One line in the training loop
#
# `train` takes a function `perturb(x, y, rng)`, which replaces each batch before the
# network learns from it, by noise, augmentation, or an attack:

# %%
source(train_epoch)


# %%
def learn(attack, epochs, warm_up=0.5, seed=0):
    """Train a network on attacked batches; return it with each epoch's numbers.

    eps grows to EPS in the first part of the training, the warm-up.
    """
    rng = np.random.default_rng(seed)
    model = small(rng)
    optimizer = Adam(model.params, 4e-3)
    growth = growing(optimizer, max(1, int(warm_up * epochs * STEPS)))
    history = []

    def look(epoch, J):
        eps = EPS * growth()
        history.append((eps, J, under_fgsm(model, eps), under_pgd(model, eps)))

    perturb = attack(model_gradient(model), growth)
    how = epochs, BATCH, rng, [look], perturb
    train(model, data.x_train, data.y_train, optimizer, *how)
    return model, np.array(history)


def accuracy_on(model, x_adv):
    return float((model.predict(x_adv) == y).mean())


def under_fgsm(model, eps):
    return accuracy_on(model, fgsm(model_gradient(model), x, y, eps))


def under_pgd(model, eps, steps=20):
    loss = model_loss(model, margin)
    return accuracy_on(model, pgd(loss, x, y, eps, eps / 4, steps, stop_above=0))


# %% [markdown]
# ## The first try: FGSM
#
# The cheapest attack takes one gradient per batch. The network withstands it after six
# epochs:


# %%
def one_step(gradient, growth):
    return lambda x, y, rng: fgsm(gradient, x, y, EPS * growth())


hopeful, history = learn(one_step, epochs=6)
print(f"clean {accuracy_on(hopeful, x):.2f}, under FGSM {under_fgsm(hopeful, EPS):.2f}")

# %% [markdown]
# Splendid! A network trained on clean images keeps nearly nothing at this eps. Now 20
# small steps instead of a large one:

# %%
print(f"under PGD {under_pgd(hopeful, EPS):.2f}")
print(f"gap {fgsm_gap(model_loss(hopeful, margin), x, y, EPS, EPS / 4, 20):.2f}")
figure, (panel,) = new_figure(width=6.5, height=3.4)
epochs = np.arange(1, len(history) + 1)
panel.plot(epochs, history[:, 2], "o-", label="FGSM")
panel.plot(epochs, history[:, 3], "s-", label="PGD, 20 steps")
panel.plot(epochs, history[:, 0], ":", color="#888", label="eps so far")
panel.set(xlabel="epoch", ylabel="accuracy within the eps so far", ylim=(-0.03, 1.03))
panel.legend(frameon=False)
picture(
    figure,
    "Accuracy by epoch while eps grows to 0.3: under FGSM it falls to 0.44 and rises "
    "again to 0.76, under PGD it falls to zero; at the end the curves are far apart.",
)

# %% [markdown]
# **What to notice.** After the first epoch, at a small eps, the curves are still close.
# Then they separate, because the network learns to withstand FGSM and nothing else.
# This is *catastrophic overfitting* (Wong et al., *Fast is Better than Free*, 2020).
# The training loss doesn't show it, but the gap does. Called in a callback, `fgsm_gap`
# reveals the overfitting in the epoch in which it happens.
#
# ## Why? The same distance in smaller steps
#
# FGSM jumps to the corner $x + \varepsilon\, \mathrm{sign}(g)$ of the ball. k steps of
# length eps / k have the same total length, but each computes the gradient anew.

# %%
many_steps, rising = learn(
    lambda gradient, growth: pgd_perturb(gradient, EPS, 0.4 * EPS, 4, growth=growth), 6
)


def in_steps(model, k):
    """Return the accuracy after k steps of EPS / k."""
    return accuracy_on(model, pgd(model_loss(model), x, y, EPS, EPS / k, k))


figure, (panel,) = new_figure(width=6.5, height=3.4)
counts = [1, 2, 3, 5, 10, 20]
for name, model, marker in (("FGSM", hopeful, "o"), ("PGD", many_steps, "s")):
    curve = [in_steps(model, k) for k in counts]
    panel.plot(counts, curve, f"{marker}-", label=f"trained on {name}")
panel.set(xlabel="steps k, each of eps / k", ylabel="accuracy", ylim=(-0.03, 1.03))
panel.set_xscale("log")
panel.set_xticks(counts, counts)
panel.minorticks_off()
panel.legend(frameon=False)
picture(
    figure,
    "Accuracy against the number of steps of the same total length: the network "
    "trained on FGSM falls from three quarters to less than a tenth, the network "
    "trained on PGD hardly changes.",
)

# %% [markdown]
# **What to notice.** The network trained on FGSM has bent J. A little further on, the
# gradient points elsewhere, and the corner to which the gradient at x leads is one of
# the few harmless ones. The network hides its gradient, as the defences of chapter 13
# did, though nobody asked it to. For the other network, one step is nearly as good as
# twenty.
#
# ## Two cures
#
# A *random start* in the ball before the step shows FGSM points between x and the
# corners. It costs nothing and it helps, with some seeds far more than with others.
# *Many steps* help reliably. PGD with four steps takes four gradients per batch.

# %%
source(pgd_perturb)

# %%
random_start, _ = learn(
    lambda gradient, growth: fgsm_perturb(gradient, EPS, growth=growth), 6
)
networks = {
    "FGSM": hopeful,
    "FGSM, random start": random_start,
    "PGD, 4 steps": many_steps,
}
rows = [
    (name, accuracy_on(m, x), under_fgsm(m, EPS), under_pgd(m, EPS, 40))
    for name, m in networks.items()
]
table(("trained on", "clean", "FGSM", "PGD-40"), rows)

# %% [markdown]
# ## The second failure: too much at once
#
# In all trainings so far, eps grew during the first half. What happens if PGD may use
# the full eps from the first batch on?

# %%
_, stuck = learn(
    lambda gradient, growth: pgd_perturb(gradient, EPS, 0.4 * EPS, 4),
    epochs=2,
    warm_up=0,
)
figure, (panel,) = new_figure(width=6.5, height=3)
panel.plot(np.arange(1, 7), rising[:, 1], "s-", label="eps grows to 0.3 in 3 epochs")
panel.plot([1, 2], stuck[:, 1], "o-", label="eps is 0.3 from the start")
panel.axhline(np.log(10), color="#888", ls=":", lw=1)
panel.text(6, np.log(10), "log 10", ha="right", va="bottom", color="#666")
panel.set(xlabel="epoch", ylabel="mean J of the attacked batches", ylim=(0, 2.6))
panel.legend(frameon=False, loc="lower right")
picture(
    figure,
    "Mean J by epoch: with eps growing it rises a little and then falls; at full eps "
    "from the start it stays at 2.30, the logarithm of 10, a dotted line.",
)

# %% [markdown]
# **What to notice.** J stays at $\log 10 = 2.30$, the cost of answering "each class has
# probability 0.1". A network that knows nothing yet loses more by guessing than by not
# guessing, because the attack turns each guess into a mistake. It learns to ignore the
# image, and then it has no gradient that leads away from this answer. A small eps first
# lets it learn what digits look like.
#
# ## What is it worth?

# %%
radii = [0.05, 0.1, 0.2, 0.3, 0.4]
plain, _ = learn(lambda gradient, growth: lambda x, y, rng: x, 3)
figure, (panel,) = new_figure(width=6.5, height=3.4)
for (name, model), marker in zip(
    {"clean images": plain, "PGD, 4 steps": many_steps}.items(), "os", strict=True
):
    curve = [accuracy_on(model, x), *(under_pgd(model, eps) for eps in radii)]
    panel.plot([0, *radii], curve, f"{marker}-", label=f"trained on {name}")
panel.axvline(EPS, color="#888", lw=1, ls=":")
panel.set(xlabel="eps of the attack", ylabel="accuracy under PGD", ylim=(-0.03, 1.03))
panel.legend(frameon=False)
picture(
    figure,
    "Accuracy under PGD against eps: the plain network falls to zero at 0.2, the "
    "adversarially trained network stays high up to 0.3 and is at zero at 0.4.",
)

# %%
figure, axes = new_figure(6, width=9, height=1.9)
for n, pair in enumerate((axes[:2], axes[2:4], axes[4:])):
    for panel, (name, model) in zip(
        pair, {"plain": plain, "adversarial": many_steps}.items(), strict=True
    ):
        g = model_gradient(model)(x[n : n + 1], y[n : n + 1])[0]
        image(panel, g, f"{y[n]}, {name}", signed=True)
picture(
    figure,
    "Gradients of three digits, each of the plain and the adversarially trained "
    "network: patterns over most of the image beside few pixels on the strokes.",
)

# %%
zeros = (model_gradient(many_steps)(x, y) == 0).mean()
print(f"pixels without a gradient: {zeros:.0%}")
rng, loss = np.random.default_rng(0), model_loss(many_steps, margin)
few, labels = x[:100], y[:100]
how = {"restarts": 5, "rng": rng, "stop_above": 0}
attacks = {
    "PGD-40": pgd(loss, few, labels, EPS, EPS / 4, 40, stop_above=0),
    "PGD-40, 5 restarts": pgd(loss, few, labels, EPS, EPS / 4, 40, **how),
    "Square": square(many_steps.predict_proba, few, labels, EPS, rng, queries=500),
}
right = {name: many_steps.predict(found) == labels for name, found in attacks.items()}
right["PGD-40 and Square"] = right["PGD-40"] & right["Square"]
right["worst case"] = np.all(list(right.values()), axis=0)
table(("attack", "accuracy"), [(name, r.mean()) for name, r in right.items()])

# %% [markdown]
# **What to notice.** The network withstands attacks in the norm and up to the eps of
# its training, and no others. Its gradient is exactly zero in most pixels. Madry et al.
# found that the first filters become thresholds, which a change of 0.3 in a black or
# white pixel doesn't reach. The zeros hide a little: random restarts find a few images
# that one run of PGD misses. Square (chapter 12), which needs no gradient, finds hardly
# any. Most images withstand all of them together. The price is paid in training. Each
# gradient of the weights takes four gradients of the images here, and 40 in the
# training of Madry et al.
#
# ## And ensembles?
#
# The paper expects (section 5) that ensembles combined with adversarial training are
# more robust. Members can be trained separately, each against its own gradient, or
# together, all against the gradient of the ensemble's prediction:

# %%
rng = np.random.default_rng(0)
committee = Committee([small(rng) for _ in range(3)])
optimizer = Adam(committee.params, 4e-3)
perturb = fgsm_perturb(
    mean_probability_gradient(committee.members), EPS, growth=growing(optimizer, 250)
)
how = 5, BATCH, rng, (), perturb
train_together(committee, data.x_train, data.y_train, optimizer, *how)
team = Ensemble(committee.members)
loss = ensemble_loss(committee.members, margin)
rows = [
    (name, accuracy_on(one, x), str(wilson(accuracy_on(one, x_adv), len(y))))
    for name, one, x_adv in (
        (
            "three together",
            team,
            pgd(loss, x, y, EPS, EPS / 4, 40, stop_above=0),
        ),
        *(
            (
                f"member {i} alone",
                member,
                pgd(model_loss(member, margin), x, y, EPS, EPS / 4, 40, stop_above=0),
            )
            for i, member in enumerate(committee.members)
        ),
    )
]
table(("", "clean", "PGD-40 [95 %]"), rows)

# %% [markdown]
# **What to notice.** The ensemble is as robust as its best member, and no more robust
# than the single network above that was trained with random starts. Three members
# instead of one helped less than four steps instead of one. But 200 images, five epochs
# and small networks prove little. `python -m tutorials.defences run table` measures all
# of this with Table 1 and a suite of attacks; `results/defences` has the table.
#
# ## Your turn
#
# **14.1** The lowest J that a network can reach if it gives all images the same
# probabilities. The best choice is each class's share of the labels. The labels y (N,)
# are whole numbers.


# %%
def constant_cost(y):
    return ...


check(constant_cost)

# %% [markdown]
# **14.2** FGSM with a random start. `u` holds a number from 0 to 1 for each pixel.
# Start at x + eps (2 u − 1), clipped to [0, 1]. Take one step of length alpha along the
# sign of the gradient at this point; `gradient` is a function of x. End in the ball
# around x, and in [0, 1].


# %%
def one_step_from(x, u, gradient, eps, alpha):
    return ...


check(one_step_from)

# %% [markdown]
# **14.3** The eps after t steps of the optimizer. It grows evenly, from eps / steps at
# the first batch (t = 0) to the full eps at t = steps − 1, and then stays.


# %%
def grown_eps(t, eps, steps):
    return ...


check(grown_eps)

# %% [markdown]
# **14.4** The first epoch, counted from 1, after which the accuracy under FGSM is more
# than `gap` above the accuracy under PGD; E + 1 if there is no such epoch. Both are
# arrays (E,).


# %%
def first_collapse(under_fgsm, under_pgd, gap):
    return ...


check(first_collapse)

# %% [markdown]
# **Next:** defences that looked splendid, in
# [chapter 15](15_defences_and_how_they_broke.ipynb).
