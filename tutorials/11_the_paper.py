# %% [markdown]
# # 11. The paper, end to end
#
# *Ensemble Methods as a Defense to Adversarial Perturbations Against Deep Neural
# Networks* (Strauss et al., 2017), from configuration to verdict. You know all of its
# pieces by now; this chapter puts them together, on few images so that it runs in
# seconds, and then reads the full results that are part of the repository.
#
# **You will** make a small Table 2, put intervals on its numbers, and judge the paper's
# sentences one by one.

# %%
from pathlib import Path
from textwrap import fill

import numpy as np

import tutorials
from attacks import bim, fgsm, member_gradient, sum_gradient
from attacks.evaluation.intervals import wilson
from ensembles import Ensemble
from minidl.data import load_mnist_sample
from tutorials.exercises import check
from tutorials.paper import results as results_file
from tutorials.paper.claims.comparisons import Comparison, in_each_method
from tutorials.paper.claims.intervals import of_cell, student
from tutorials.paper.claims.sentences import CLAIMS
from tutorials.paper.claims.verdicts import judge
from tutorials.paper.experiment.config import configure
from tutorials.paper.pages.drawings import COLOURS
from tutorials.paper.pages.table2 import tables
from tutorials.paper.paper_numbers import COLUMNS, METHOD_NAMES, paper_accuracy
from tutorials.paper.results.table2 import row
from tutorials.show import new_figure, picture, print_lines, source, table
from tutorials.trained import ensemble

# %% [markdown]
# ## What is run: one object
#
# All settings of a run stand in one configuration, and each has its reason beside it in
# `tutorials/paper/experiment/config.py`.

# %%
config = configure("mnist-sample", "quick")
print_lines("\n".join(f"{name:<16} {value}" for name, value in vars(config).items()))

# %% [markdown]
# ## Table 2, by hand
#
# Its five columns for one method, from what you know: clean and attacked, single and
# ensemble, Adv. 1 and Adv. 2.

# %%
data = load_mnist_sample()
x = data.x_test[:200].astype(np.float32) / 255
y = data.y_test[:200]
ATTACKS = {
    "FGSM": lambda gradient: fgsm(gradient, x, y, **config.attacks["fgsm"]),
    "BIM": lambda gradient: bim(gradient, x, y, **config.attacks["bim"]),
}


def right(classifier, images):
    return float((classifier.predict(images) == y).mean())


def five_columns(members, attack):
    team = Ensemble(members)
    alone = [attack(member_gradient(members, i)) for i in range(len(members))]
    together = attack(sum_gradient(members))
    return (
        np.mean([right(member, x) for member in members]),
        right(team, x),
        np.mean([right(m, x_adv) for m, x_adv in zip(members, alone, strict=True)]),
        np.mean([right(team, x_adv) for x_adv in alone]),
        right(team, together),
    )


rows = []
for method in ("random-init", "gaussian-noise"):
    for name, attack in ATTACKS.items():
        found = five_columns(ensemble(method), attack)
        rows.append((f"{name}, {METHOD_NAMES[method]}", *found))
        paper = [paper_accuracy("mnist", name.lower(), method, c) for c in COLUMNS]
        rows.append(("    the paper's", *paper))
table(("", *COLUMNS.values()), rows)

# %% [markdown]
# **What to notice.** These are 3 members instead of 10, trained on 4,000 images
# instead of 60,000: clean accuracy is lower, and attacks go through more easily. The
# *order* of the columns is what to compare. The library's own version of the same
# columns:

# %%
source(row)

# %% [markdown]
# ## How sure are these numbers?
#
# An accuracy on 200 images is itself random. For one classifier, Wilson's interval says
# which true accuracies fit what was counted. For a mean over members, Student's
# interval says how much depends on which members happened to be trained. Three members
# say little about that: $t$ is 4.3 for them, and 2.3 for ten.

# %%
source(wilson, student)

# %%
figure, (panel,) = new_figure(width=7, height=3)
accuracies = np.linspace(0, 1, 101)
for images, colour in ((50, "#bbb"), (200, "#56b4e9"), (10_000, "#0072b2")):
    ends = [wilson(a, images) for a in accuracies]
    panel.fill_between(
        accuracies,
        [e.low - e.value for e in ends],
        [e.high - e.value for e in ends],
        color=colour,
        label=f"{images:,} images",
    )
panel.set(xlabel="accuracy that was counted", ylabel="interval around it")
panel.set_ylim(-0.2, 0.16)
panel.legend(frameon=False, ncols=3, loc="lower center")
picture(
    figure,
    "Three bands, the 95 % interval around an accuracy for 50, 200 and 10,000 images: "
    "widest in the middle, lopsided at the ends, much narrower for more images.",
)

# %% [markdown]
# **What to notice.** With 200 images, differences of a few percent can be chance. The
# full run attacks all 10,000.
#
# ## The full results
#
# They are in `results/mnist-full`, made by
#
#     python -m tutorials.paper run table2 figures report --dataset mnist --profile full
#
# in two or three hours on two cores. Nothing below is trained now; it is read.

# %%
checkout = Path(tutorials.__file__).parents[1]
full = results_file.read(checkout / "results/mnist-full")
print_lines("\n\n".join(table.text() for table in tables(full)))

# %%
figure, (panel,) = new_figure(width=8, height=3.4)
for i, (column, name) in enumerate(COLUMNS.items()):
    cells = [cells[column] for cells in full.table2["bim"].values()]
    ours = [of_cell(cell) for cell in cells]
    places = np.arange(len(ours)) + 0.17 * (i - 2)
    panel.bar(places, [e.value for e in ours], 0.15, color=COLOURS[column], label=name)
    theirs = [paper_accuracy("mnist", "bim", m, column) for m in full.table2["bim"]]
    panel.plot(places, theirs, "kD", ms=4, fillstyle="none")
panel.set_xticks(range(len(full.methods)), [METHOD_NAMES[m] for m in full.methods])
panel.set(ylabel="accuracy", title="BIM: ours as bars, the paper's as diamonds")
panel.legend(
    frameon=False, ncols=3, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.1)
)
picture(
    figure,
    "Bars of our accuracies under BIM for each method, with the paper's as diamonds: "
    "equal on clean images; attacked, the paper's lie higher, most under Adv. 2.",
)

# %% [markdown]
# **What to notice.** Clean accuracies agree to less than a thousandth. Under attack
# fewer of our images survive. FGSM is one formula with one eps, so something else must
# differ: the networks (ours have no ReLU on the logits, see `mnist_cnn`, and the paper
# doesn't name its optimizer), or how their gradients were computed. And under BIM,
# Adv. 2 is stronger than Adv. 1, not weaker: chapter 9 and `results/anomaly` ask why.
#
# ## The claims, one by one
#
# A sentence such as "ensembles outperform single classifiers" is a set of comparisons.
# Each holds if the whole interval of the difference lies above 0, does not hold if it
# lies below, and is undecided if it contains 0:

# %%
claim = next(claim for claim in CLAIMS if claim.topic.startswith("BIM, the surprise"))
print_lines(f"{claim.topic}:\n{fill(claim.mnist, 80)}")
print_lines("\n".join(f"{c.verdict}: {c}" for c in claim.compare(full)))
source(Comparison, in_each_method)

# %% [markdown]
# A claim makes several comparisons, one for each method or attack. It holds if *all*
# come out as the paper says, it does not hold if *one* clearly comes out the other way,
# and else it is undecided:

# %%
print_lines("\n".join(f"{v.verdict:>13}: {v.topic}" for v in judge(full)))

# %% [markdown]
# **What to notice.** Only the direction is judged. "Attacks carry over only in part"
# holds because a member withstands another's perturbation better than its own; most
# images that fool one member fool others all the same (chapter 9). And what holds under
# the paper's attacks may not hold under others (chapter 12).

# %% [markdown]
# ## What now?
#
# - Run it yourself, with another seed or more members: `python -m tutorials.paper
#   --help`.
# - Ask the anomaly another question: `python -m tutorials.anomaly --help`.
# - Write an attack of your own: any function that takes a gradient function. Write a
#   defence of your own: anything with `predict_proba`.
#
# ## Your turn
#
# **11.1** Adv. 1's two columns: `members[i, j]` is the accuracy of member j under
# member i's gradient, `ensemble[i]` that of the ensemble. Return (single, ensemble).


# %%
def table2_row(members, ensemble):
    return ...


check(table2_row)

# %% [markdown]
# **11.2** Wilson's 95 % interval of `correct` right answers among `images`.


# %%
def wilson_interval(correct, images):
    return ...


check(wilson_interval)

# %% [markdown]
# **11.3** How often two members disagree, one right and one wrong: wrong (M, N) bool.


# %%
def disagreement(wrong):
    return ...


check(disagreement)

# %% [markdown]
# **Next:** these are the paper's attacks. Would others do better?
# [Chapter 12](12_does_the_defence_hold.ipynb).
