# %% [markdown]
# # 8. Ensembles: four ways to be different, and one vote
#
# Different networks make different mistakes, so the paper lets several of them vote. An
# attack on one network must then fool the others, too. This chapter looks at twelve
# networks, three for each of the paper's four methods. They come with the package and
# are small, with a quarter of the filters and hidden units of Table 1.
#
# **You will** see what makes members different, look at individual votes, and measure
# how confident an ensemble is.

# %%
import numpy as np

from ensembles import METHODS, Ensemble
from ensembles.methods import add_noise, bootstrap_replicate
from minidl.data import load_mnist_sample
from tutorials.drag import drag
from tutorials.exercises import check, hint
from tutorials.panels import ballots, vote_bars
from tutorials.show import image, new_figure, picture, source, table
from tutorials.trained import ensembles, jobs_of

data = load_mnist_sample()
x = data.x_test.astype(np.float32) / 255
y = data.y_test
teams = ensembles(*METHODS)

# %% [markdown]
# ## Four ways to be different
#
# 1. **Random initial weights.** Only the initial weights differ.
# 2. **Mixed models.** The networks differ slightly, by a few more filters or a layer.
# 3. **Bagging.** Each member trains on its own *bootstrap replicate*, as many images as
#    in the training data, drawn with replacement.
# 4. **Gaussian noise.** Each member trains on images with its own small noise. (It is
#    twice as strong here as in the full experiment, so that three members show its
#    effect.)
#
# In the library, a method is a list of *jobs*, which describe what to train:

# %%
jobs = jobs_of(METHODS)
mixed, replicated = jobs["mixed-models"][1], jobs["bagging"][1]
table(
    ("a second member", "mixed models", "bagging"),
    [(name, str(a), str(vars(replicated)[name])) for name, a in vars(mixed).items()],
)

# %% [markdown]
# Drawing the bootstrap replicate takes one line:

# %%
source(bootstrap_replicate)

# %% [markdown]
# A draw misses a given image with probability $1 - 1/m$, and all $m$ draws miss it with
# probability $(1 - 1/m)^m \approx 1/e$. A replicate therefore contains about 63.2 % of
# the images, some of them several times:

# %%
rng = np.random.default_rng(0)
drawn = bootstrap_replicate(4000, rng)
times = np.bincount(np.bincount(drawn, minlength=4000))
print(f"drawn at least once: {1 - times[0] / 4000:.1%}")
print("images drawn 0, 1, 2, ... times:", times)

# %%
noise = jobs["gaussian-noise"][0].sigma
noisy = add_noise(x[:5], noise, rng)
figure, axes = new_figure(5, 2, width=7, height=3)
for i in range(5):
    image(axes[i], x[i], "original")
    image(axes[5 + i], noisy[i], f"noise, {noise:g}")
picture(
    figure,
    "Five digits, and below them the same digits with the grainy noise of method four.",
)

# %% [markdown]
# ## The vote
#
# $$p(x) = \frac1M \sum_i p_i(x), \qquad \text{answer} = \arg\max_k p_k(x).$$
#
# The ensemble averages probabilities instead of counting votes, so an unsure member
# matters less.

# %%
source(Ensemble.predict_proba)

# %%
rows = []
for method, members in teams.items():
    each = [(member.predict(x) == y).mean() for member in members]
    together = (Ensemble(members).predict(x) == y).mean()
    rows.append((method, *each, np.mean(each), together))
table(("", "member 0", "member 1", "member 2", "mean", "ensemble"), rows)

# %% [markdown]
# **What to notice.** On clean images an ensemble of three gains 0.003 to 0.008 over the
# mean of its members, three to eight digits of a thousand. The paper's ensembles of
# ten, whose members are better, gain 0.002 to 0.003 on ten thousand images.
#
# ## Individual votes
#
# These are the images on which the members of the first method disagree most:

# %%
members = teams["random-init"]
p = np.stack([member.predict_proba(x) for member in members])  # (M, N, K)
spread = p.std(axis=0).max(axis=1)
shown = spread.argsort()[::-1][:6]
figure, axes = new_figure(6, 2, width=9, height=3.9)
for column, n in enumerate(shown):
    image(axes[column], x[n], f"{y[n]}, classified as {p[:, n].mean(axis=0).argmax()}")
    vote_bars(axes[6 + column], p[:, n])
    axes[6 + column].set(xticks=range(0, 10, 2), yticks=[])
axes[6].set_ylabel("probability")
figure.legend(*axes[6].get_legend_handles_labels(), loc="outside lower center", ncols=3)
picture(
    figure,
    "Six ambiguous digits, and below each the three members' probabilities for the ten "
    "classes as coloured bars: the members are confident of different answers.",
)

# %% [markdown]
# **What to notice.** Some of these digits are oddly written; others look clear to us.
# The members are *confident* of different answers. If probabilities are averaged, a
# confident member can outvote two unsure ones; if votes are counted, it can't. Which
# rule is better?

# %%
votes = p.argmax(axis=2)  # (M, N)
counted = np.array([np.bincount(v, minlength=10).argmax() for v in votes.T])
averaged = p.mean(axis=0).argmax(axis=1)
differ = counted != averaged
table(
    ("", "all images", "where the rules differ"),
    [
        ("votes counted", (counted == y).mean(), (counted == y)[differ].mean()),
        (
            "probabilities averaged",
            (averaged == y).mean(),
            (averaged == y)[differ].mean(),
        ),
    ],
)
print(f"the rules differ on {differ.sum()} of {len(y)} images")

# %% [markdown]
# **What to notice.** Both rules nearly always agree. Where they differ, the mean is
# right more often, but there are far too few such images to call it better. The mean of
# probabilities has a gradient that an attack can follow; a count of votes has none.
# Counting is still no defence, because an attack can follow the mean instead, which
# nearly always gives the same answer (chapter 13 is about such flat functions).
#
# Look at the images on which the members disagree most, method by method. A little
# noise is often enough to change a vote. (A notebook has controls below the picture; a
# script shows three settings.)


# %%
def one_vote(figure, noise=0.0, method="random-init", image_number=0):
    p = np.stack([member.predict_proba(x) for member in teams[method]])
    n = p.std(axis=0).max(axis=1).argsort()[::-1][image_number]
    x_n = x[[n]]
    if noise:
        x_n = add_noise(x_n, noise, np.random.default_rng(0))
    axes = figure.subplots(1, 5)
    image(axes[0], x_n[0], f"a {y[n]}")
    ballots(axes[1:], np.concatenate([m.predict_proba(x_n) for m in teams[method]]))


drag(
    one_vote,
    "An ambiguous digit, the probabilities of three members and their mean, for three "
    "levels of noise on the image: the members disagree, and noise changes votes.",
    size=(9, 2.2),
    noise=[0.0, 0.05, 0.1, 0.15, 0.2, 0.3],
    method=list(METHODS),
    image_number=list(range(10)),
)

# %% [markdown]
# ## Are the members different enough?
#
# Two members *disagree* on an image if exactly one of them misclassifies it. If all
# members made the same mistakes, voting would be useless.

# %%
rows = []
for method, team in teams.items():
    right = np.stack([member.predict(x) == y for member in team])
    pairs = [(right[i] != right[j]).mean() for i in range(3) for j in range(i)]
    wrong = (~right).sum(axis=0)
    rows.append((method, np.mean(pairs), *(int((wrong == k).sum()) for k in range(4))))
table(("", "disagreement", "0 wrong", "1 wrong", "2 wrong", "3 wrong"), rows)

# %% [markdown]
# **What to notice.** Most of the misclassified images fool only one or two members, and
# two correct members can outvote a wrong one. Voting can't help where all three are
# wrong.
#
# ## The margin
#
# $$\mathrm{margin} = p_y - \max_{k \ne y} p_k.$$
#
# The image is classified correctly if the margin is above 0. An attack has to push it
# below 0.

# %%
rows_of = np.arange(len(y))


def margins(p):
    others = p.copy()
    others[rows_of, y] = -np.inf
    return p[rows_of, y] - others.max(axis=1)


single, together = margins(p[0]), margins(p.mean(axis=0))
figure, (panel,) = new_figure(width=7, height=3.2)
bins = np.linspace(-1, 1, 41)
style = {"bins": bins, "log": True}
panel.hist(single, color="#e69f00", alpha=0.6, label="member 0", **style)
panel.hist(together, histtype="step", lw=2, color="#0072b2", label="ensemble", **style)
panel.axvline(0, color="black", lw=1)
panel.set(xlabel="margin", ylabel="images")
panel.legend(frameon=False, loc="upper left")
picture(
    figure,
    "Histogram of margins on a logarithmic scale: nearly all images lie at a margin of "
    "one, for a member and the ensemble; at minus one, the ensemble has fewer.",
)
table(
    ("", "margin < 0", "margin < -0.9", "margin > 0.9"),
    [
        (name, *(int(part.sum()) for part in (m < 0, m < -0.9, m > 0.9)))
        for name, m in (("member 0", single), ("ensemble", together))
    ],
)

# %% [markdown]
# **What to notice.** A single network can be *very* confident and wrong, here in about
# one of four mistakes. The ensemble is rarely confident when it is wrong, and about as
# often confident as its member when it is right.
#
# ## Your turn
#
# **8.1** The classes predicted by the ensemble, from the members' probabilities p
# (M, N, K).


# %%
def ensemble_predict(p):
    return ...


check(ensemble_predict)

# %% [markdown]
# **8.2** The class that most members choose; in a tie, the smallest.


# %%
def majority_vote(p):
    return ...


check(majority_vote)

# %% [markdown]
# **8.3** The margin of p (N, K) for labels y (N,).


# %%
def margin(p, y):
    return ...


check(margin)

# %% [markdown]
# **8.4** The mean fraction of m images that a bootstrap replicate contains.


# %%
def bootstrap_fraction(m):
    return ...


check(bootstrap_fraction)

# %% [markdown]
# **Next:** attacks on an ensemble, by the gradient of one member and of all members, in
# [chapter 9](09_attacking_ensembles.ipynb).
