# %% [markdown]
# # 15. Defences and how they broke
#
# Hundreds of defences have been published since 2014. Most looked splendid in their
# papers, and most fell to an *adaptive attack*, which is designed for the defence and
# goes through it or around it (Tramèr et al., *On Adaptive Attacks to Adversarial
# Example Defenses*, 2020).
#
# **You will** see five published defences hold, find out what each one hides, and break
# it. For two of them you write the attack yourself.

# %%
from functools import partial

import numpy as np

from attacks import bpda, cross_entropy, ensemble_loss, loss_of, margin, network, pgd
from ensembles import Committee, Ensemble, adp, train_together
from ensembles.architectures import build_architecture
from minidl import Adam, Round, Sequential, accuracy
from minidl.data import load_mnist_sample
from tutorials import trained
from tutorials.defences.denoised import trained_autoencoder
from tutorials.defences.detector import trained_detector, undetected_margin
from tutorials.defences.distilled import distil
from tutorials.exercises import check, hint
from tutorials.show import image, new_figure, picture, source, table

data = load_mnist_sample()
x = data.x_test[:200].astype(np.float32) / 255
y = data.y_test[:200]
model = trained.network()  # undefended, a small twin of Table 1's
small = partial(build_architecture, "mnist-cnn-small")  # the same, untrained
EPS = 0.25


def attacked(loss, steps=40):
    """Return the test images after PGD on a loss."""
    return pgd(loss, x, y, EPS, EPS / 8, steps)


plain = attacked(loss_of(network(model)))
print(f"undefended: {accuracy(model, x, y):.2f}, PGD {accuracy(model, plain, y):.2f}")
results = []


def judge(name, defence, unaware, adaptive):
    """Print the defence's accuracies, and keep them for the end."""
    pictures = x, unaware, adaptive
    results.append((name, *(accuracy(defence, images, y) for images in pictures)))
    print("{}: clean {:.2f}, unaware {:.2f}, adaptive {:.2f}".format(*results[-1]))


# %% [markdown]
# ## Distillation: a gradient that rounds to zero
#
# A student learns a teacher's probabilities, both at a temperature T = 100: softmax(z /
# T). Afterwards the student predicts at T = 1 (Papernot et al., 2016). Their attack
# succeeded on 0.5 % of the digits instead of 95 %.

# %%
source(distil)

# %%
rng = np.random.default_rng(0)
settings = {"temperature": 100, "epochs": 6, "lr": 4e-3}
student = distil(small, data.x_train, data.y_train, rng, **settings)
z = student.forward(x)
_, dz = cross_entropy(z, y)
print(f"largest logits: median {np.median(z.max(axis=1)):.0f}")
print(f"images without any gradient: {(abs(dz).max(axis=1) == 0).mean():.0%}")
judge(
    "distillation",
    student,
    attacked(loss_of(network(student))),
    attacked(loss_of(network(student), margin)),
)

# %% [markdown]
# **What to notice.** At T = 1 the student's logits are far too large. For most images
# the probability of the label rounds to 1, $p - \mathrm{onehot}(y)$ is exactly 0, and
# the attack doesn't move. Nothing protects the logits themselves. The gradient of a
# margin, $\max_{k \ne y} z_k - z_y$, doesn't vanish for large logits (Carlini & Wagner,
# 2016).
#
# ## Rounding: a derivative that is zero
#
# Pixels are rounded to four levels before the network sees them, so that small changes
# disappear (Xu et al., *Feature Squeezing*, 2018). The derivative of rounding is 0
# nearly everywhere.

# %%
rounded = Sequential([Round(4), *model.layers], model.input_shape)
judge(
    "rounding",
    rounded,
    attacked(loss_of(network(rounded))),
    attacked(loss_of(bpda(network(model), Round(4).forward))),
)

# %% [markdown]
# The adaptive attack goes forward through the rounding, t(x), and on the way back
# treats it as the identity, because $t(x) \approx x$. This is the *backward pass
# differentiable approximation* (BPDA; Athalye et al., 2018). Exercise 15.2 is the whole
# idea. The library's version also accepts derivatives other than the identity's:

# %%
source(bpda)

# %% [markdown]
# ## An autoencoder: an attack that ignores the defence
#
# A denoising autoencoder in front of the network has learned to remove noise (Gu &
# Rigazio, 2014). It removes an adversarial perturbation, too, as long as the attack
# ignores the autoencoder.

# %%
rng = np.random.default_rng(0)
encoder = trained_autoencoder(data.x_train[:3000], rng)
denoised = Sequential([encoder, model], model.input_shape)
through = attacked(loss_of(network(denoised)))
judge("autoencoder", denoised, plain, through)
figure, axes = new_figure(5, width=8, height=2)
for panel, (title, shown) in zip(
    axes,
    {
        "x": x,
        "unaware": plain,
        "cleaned": encoder.forward(plain),
        "adaptive": through,
        "cleaned ": encoder.forward(through),
    }.items(),
    strict=True,
):
    image(panel, shown[0].clip(0, 1), title)
picture(
    figure,
    "A digit; the digit attacked without regard to the autoencoder; the autoencoder's "
    "output, nearly the clean digit; the digit attacked through the autoencoder; and "
    "the output, a digit of another shape.",
)

# %% [markdown]
# **What to notice.** Autoencoder and network together are one network, with one
# gradient. With this gradient, the attack finds changes that the autoencoder keeps, and
# even strengthens. A defence isn't tested by images that were made for another network.
#
# ## A detector: two classifiers to fool
#
# If adversarial images can't be classified, perhaps they can be recognised and
# rejected. A second head looks at the activations inside the network (Metzen et al.,
# 2017). It has learned from attacked training images, and rejects 5 % of clean images.

# %%
rng = np.random.default_rng(0)
x_seen = data.x_train[:1000].astype(np.float32) / 255
x_seen_adv = pgd(loss_of(network(model)), x_seen, data.y_train[:1000], EPS, EPS / 8, 10)
x_validation = data.x_test[500:].astype(np.float32) / 255
detector = trained_detector(model, 5, x_seen, x_seen_adv, x_validation, rng)


def not_fooled(images):
    """Return the share of images that are classified correctly or rejected."""
    return float((~detector.fooled(images, y)).mean())


both = pgd(
    loss_of(detector.forward, undetected_margin),
    x,
    y,
    EPS,
    EPS / 20,
    100,
    restarts=2,
    rng=rng,
    stop_above=0,
)
results.append(
    ("detector", accuracy(detector, x, y), not_fooled(plain), not_fooled(both))
)
print("{}: clean {:.2f}, unaware {:.2f}, adaptive {:.2f}".format(*results[-1]))
figure, (panel,) = new_figure(width=6.5, height=3)
scores = {"clean": x, "attacked": plain, "attacked, adaptive": both}
for name, images in scores.items():
    panel.hist(detector.scores(images), np.arange(-10, 31), alpha=0.6, label=name)
panel.axvline(0, color="black", lw=1)
panel.set(xlabel="score of the detector, above 0 is rejected", ylabel="images")
panel.legend(frameon=False)
picture(
    figure,
    "Histograms of the detector's score: most clean images lie below 0, attacked "
    "images far above 0, and adaptively attacked images just below 0.",
)

# %% [markdown]
# The attack has two goals at once, a wrong class and no rejection. Carlini & Wagner
# (*Adversarial Examples Are Not Easily Detected*, 2017) join both into one classifier
# with K + 1 classes. Here the logit of the last class, "rejected", is $\max_k z_k + s$
# with the detector's score s, so it is the largest logit exactly where s > 0. (They
# take $(1 + s) \max_k z_k$, which needs positive logits.) The loss is then a margin:

# %%
source(undetected_margin)

# %% [markdown]
# ## Diversity: an attack with too few steps
#
# ADP (Pang et al., 2019) trains three members together, and rewards them for different
# probabilities of the wrong classes. Its paper attacked with few steps; Tramèr et al.
# (2020) broke it with many.

# %%
source(adp)

# %%
rng = np.random.default_rng(0)
committee = Committee([small(rng) for _ in range(3)])
optimizer, training = Adam(committee.params), (data.x_train, data.y_train)
train_together(committee, *training, optimizer, 5, 32, rng, loss=adp)
diverse = Ensemble(committee.members)
loss = ensemble_loss(diverse.members)
one_step = pgd(loss, x, y, EPS / 2, EPS / 2, 1)
many = attacked(ensemble_loss(diverse.members, margin))
judge("ADP", diverse, one_step, many)
members = trained.ensemble()  # three that were trained separately, without ADP
x_adv = pgd(ensemble_loss(members), x, y, EPS / 2, EPS / 2, 1)
print(
    f"three plain members, the same step: {accuracy(Ensemble(members), x_adv, y):.2f}"
)

# %% [markdown]
# **What to notice.** The weak attack is one step in a ball of half the radius, and
# leaves most images correct. Many steps in the whole ball leave almost none. The last
# line shows a second mistake. The undefended ensemble withstands the weak attack just
# as well. Without this comparison, the first number shows nothing.
#
# ## What is left

# %%
table(("defence", "clean", "unaware attack", "adaptive attack"), results)
figure, (panel,) = new_figure(width=6.5, height=3)
places = np.arange(len(results))
for i, (label, colour) in enumerate(
    {"clean": "#bbb", "unaware attack": "#0072b2", "adaptive attack": "#d55e00"}.items()
):
    heights = [row[i + 1] for row in results]
    panel.bar(places + 0.27 * (i - 1), heights, 0.25, label=label, color=colour)
panel.set_xticks(places, [row[0].replace(", ", ",\n") for row in results], fontsize=8)
panel.set(ylabel="accuracy", ylim=(0, 1.25))
panel.legend(frameon=False, ncols=3, loc="upper center")
picture(
    figure,
    "Bars for five defences: clean accuracy is high, accuracy under the unaware attack "
    "half to just as high, accuracy under the adaptive attack near zero.",
)

# %% [markdown]
# **What to notice.** Every defence holds, in whole or in part, against an attack that
# doesn't know it. This proves nothing. Four questions expose all five. Is a gradient
# zero, or rounded away (chapter 13)? Does the attack go through *all* of the defence?
# Does its loss say what the adversary wants? Would more steps help? Adversarial
# training (chapter 14) keeps most images correct even when all four are asked.
#
# ## Your turn
#
# **15.1** Soft labels: the probabilities (N, K) of logits z at a temperature. Logits
# may be in the thousands.


# %%
def soft_labels(z, temperature):
    return ...


check(soft_labels)

# %% [markdown]
# **15.2** The gradient that BPDA follows at x, given the network's `gradient(x, y)` and
# a `defence(x)` in front of the network. On the way back, the defence counts as the
# identity.


# %%
def straight_through(x, y, defence, gradient):
    return ...


check(straight_through)

# %% [markdown]
# **15.3** The K + 1 logits of classifier and detector: z (N, K), and the detector's
# scores s (N,). The last logit is the largest exactly where s > 0.


# %%
def with_rejection(z, s):
    return ...


check(with_rejection)

# %% [markdown]
# **15.4** The combined loss (N,) of these K + 1 logits, and its gradient (N, K + 1).
# The loss is the largest logit of a wrong class minus the larger of the label's logit
# and the last one. An image is misclassified and not rejected if its loss is above 0.


# %%
def combined_loss(z, y):
    return ...


check(combined_loss)

# %% [markdown]
# **The end.** `python -m tutorials.progress` shows the exercises that you have solved.
# `python -m tutorials.defences run table` measures these defences, and others, with
# Table 1, more images and more attacks; `results/defences` has the table.
# `python -m tutorials.own_defence` is a pattern for a defence of your own. Attack it as
# if it were somebody else's.
