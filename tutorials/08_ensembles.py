# %% [markdown]
# # 8. Ensembles: four ways to be different, and one vote
#
# The paper's idea: several networks make different mistakes, so let them vote. An
# attack on one of them then meets the others, too. This chapter looks at twelve
# networks, three for each of the paper's four methods. (The first time it trains them,
# which takes a minute or two; then they are kept.)
#
# **You will** see what makes members different, look at single votes, and measure how
# sure an ensemble is.

# %%
import numpy as np

from ensembles import METHODS, Ensemble
from ensembles.methods import add_noise, bootstrap_replicate
from minidl.data import load_mnist_sample
from tutorials.exercises import check
from tutorials.show import image, new_figure, picture, source, table
from tutorials.trained import ensembles, jobs_of

data = load_mnist_sample()
x = data.x_test.astype(np.float32) / 255
y = data.y_test
teams = ensembles(*METHODS)

# %% [markdown]
# ## Four ways to be different
#
# 1. **Random initial weights.** Equal networks, equal data; only the start differs.
# 2. **Mixed models.** Similar networks: some more filters here, a layer more there.
# 3. **Bagging.** Each member gets its own *bootstrap replicate*: as many images as
#    there are, drawn with replacement.
# 4. **Gaussian noise.** Each member gets its own small noise on the training images.
#
# In the library, a method is a list of *jobs*, descriptions of what to train:

# %%
jobs = jobs_of(METHODS, 3)
mixed, replicated = jobs["mixed-models"][1], jobs["bagging"][1]
table(
    ("a second member", "mixed models", "bagging"),
    [(name, str(a), str(vars(replicated)[name])) for name, a in vars(mixed).items()],
)

# %% [markdown]
# The bootstrap replicate is one line:

# %%
source(bootstrap_replicate)

# %% [markdown]
# A draw misses a given image with probability $1 - 1/m$; all $m$ draws miss it with
# $(1 - 1/m)^m \approx 1/e$. So a replicate contains about 63.2 % of the images, some of
# them several times:

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
    "Five digits, and below them the same with the grainy noise of method four.",
)

# %% [markdown]
# ## The vote
#
# $$p(x) = \frac1M \sum_i p_i(x), \qquad \text{answer} = \arg\max_k p_k(x).$$
#
# Probabilities are averaged, not votes counted: who is unsure counts for less.

# %%
source(Ensemble.predict_proba)

# %%
rows = []
for method, members in teams.items():
    each = [(member.predict(x) == y).mean() for member in members]
    together = (Ensemble(members).predict(x) == y).mean()
    rows.append((method, *each, np.mean(each), together))
table(("", "member 0", "member 1", "member 2", "their mean", "ensemble"), rows)

# %% [markdown]
# **What to notice.** On clean images there is little to gain for an ensemble of three:
# less than 0.003, which is three digits of a thousand, and it can lose as much. The
# paper's ensembles of ten gain 0.002 to 0.003, on ten thousand.
#
# ## Single votes
#
# Here are the images on which the members of the first method disagree most.

# %%
members = teams["random-init"]
p = np.stack([member.predict_proba(x) for member in members])  # (M, N, K)
spread = p.std(axis=0).max(axis=1)
shown = spread.argsort()[::-1][:6]
figure, axes = new_figure(6, 2, width=9, height=3.9)
colours = ("#56b4e9", "#0072b2", "#d55e00")
for column, n in enumerate(shown):
    image(axes[column], x[n], f"a {y[n]}; read as {p[:, n].mean(axis=0).argmax()}")
    panel = axes[6 + column]
    for i, colour in enumerate(colours):
        bars = panel.bar(np.arange(10) + 0.27 * (i - 1), p[i, n], 0.27, color=colour)
        bars.set_label(f"member {i}")
    panel.set(xticks=range(0, 10, 2), yticks=[], ylim=(0, 1))
axes[6].set_ylabel("probability")
figure.legend(*axes[6].get_legend_handles_labels(), loc="outside lower center", ncols=3)
picture(
    figure,
    "Six ambiguous digits, and below each the three members' probabilities for the ten "
    "classes as coloured bars: the members are sure of different answers.",
)

# %% [markdown]
# **What to notice.** Some of these digits are oddly written; others look plain to us.
# The members are *sure*, of different answers. Averaging lets one that is sure outvote
# two that are not; counting votes wouldn't. Which is better?

# %%
votes = p.argmax(axis=2)  # (M, N)
counted = np.array([np.bincount(v, minlength=10).argmax() for v in votes.T])
averaged = p.mean(axis=0).argmax(axis=1)
differ = counted != averaged
table(
    ("", "all images", "where both differ"),
    [
        ("votes counted", (counted == y).mean(), (counted == y)[differ].mean()),
        (
            "probabilities averaged",
            (averaged == y).mean(),
            (averaged == y)[differ].mean(),
        ),
    ],
)
print(f"they differ on {differ.sum()} of {len(y)} images")

# %% [markdown]
# **What to notice.** Both rules nearly always agree, and the few images on which they
# don't are far too few to say which is better. The mean has a gradient that an attack
# can follow, and a count of votes has none; but that is no defence: an attack follows
# the mean all the same, and both nearly always agree (chapter 13 is about such flats).
#
# ## Are the members different enough?
#
# Two members *disagree* on an image if one is right and the other wrong. If all made
# the same mistakes, voting would be useless.

# %%
rows = []
for method, team in teams.items():
    right = np.stack([member.predict(x) == y for member in team])
    pairs = [(right[i] != right[j]).mean() for i in range(3) for j in range(i)]
    wrong = (~right).sum(axis=0)
    rows.append((method, np.mean(pairs), *(int((wrong == k).sum()) for k in range(4))))
table(("", "disagreement", "0 wrong", "1 wrong", "2 wrong", "3 wrong"), rows)

# %% [markdown]
# **What to notice.** Most images that fool anybody fool one or two members, not all
# three: there the others can help. Where all three are wrong, no vote does.
#
# ## How sure is it? The margin
#
# $$\mathrm{margin} = p_y - \max_{k \ne y} p_k.$$
#
# Above 0 the answer is right. An attack has to push the margin below 0.

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
    "Histogram of margins, logarithmic: nearly all images lie at a margin of one, for "
    "a member and the ensemble; at minus one, the ensemble has fewer.",
)
table(
    ("", "margin < 0", "margin < -0.9", "margin > 0.9"),
    [
        (name, *(int(part.sum()) for part in (m < 0, m < -0.9, m > 0.9)))
        for name, m in (("member 0", single), ("ensemble", together))
    ],
)

# %% [markdown]
# **What to notice.** A single network can be *very* sure and wrong: so it is in about
# one mistake of four. The ensemble is more often unsure: its mistakes are less extreme,
# and so are its right answers.
#
# ## Your turn
#
# **8.1** The ensemble's answers from the members' probabilities p (M, N, K).


# %%
def ensemble_predict(p):
    return ...


check(ensemble_predict)

# %% [markdown]
# **8.2** The class that most members choose; of two with equal votes, the smaller.


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
# **8.4** How much of m images does a bootstrap replicate contain on average?


# %%
def bootstrap_fraction(m):
    return ...


check(bootstrap_fraction)

# %% [markdown]
# **Next:** what happens to an ensemble that is attacked, by one member's gradient and
# by all of them: [chapter 9](09_attacking_ensembles.ipynb).
