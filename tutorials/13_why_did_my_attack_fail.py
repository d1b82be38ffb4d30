# %% [markdown]
# # 13. Why did my attack fail?
#
# If a defence withstands an attack completely, the attack is usually broken. A wrong
# sign, a missing clip or a stale dropout mask is enough to make the accuracy under
# attack look splendid. Or the defence hides the gradient that the attack needs. Seven
# of nine defences at one conference did so, and adaptive attacks broke six of the seven
# completely and one in part (Athalye et al., *Obfuscated Gradients Give a False Sense
# of Security*, 2018).
#
# **You will** look at six broken attacks, most with a splendid result, and find the
# fault in each, first by its symptoms, then by comparing the gradient with the
# behaviour of the classifier. At the end you save adversarial images as files that
# still fool the network.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from attacks import (
    Threat,
    bim,
    deepfool,
    diagnose,
    forwards,
    load_images,
    logits_of,
    model_gradient,
    report,
    save_images,
    vjp_of,
)
from attacks.diagnosis.causes import agreement, sign, zero_gradients
from attacks.diagnosis.causes import correlation as library_correlation
from attacks.diagnosis.labels import changing_label
from attacks.diagnosis.subject import Subject
from attacks.losses import cross_entropy
from attacks.rounding import nearest_in_box
from minidl.data import load_mnist_sample
from tutorials.exercises import check, hint
from tutorials.show import new_figure, picture, print_lines, source, table
from tutorials.trained import network

data = load_mnist_sample()
model = network()
for p in model.params[-2:]:  # of the last layer
    p.data *= 4
x = data.x_test[:100].astype(np.float32) / 255
y = data.y_test[:100]
EPS = 0.25


def accuracy_on(x_adv):
    return (model.predict(x_adv) == y).mean()


# %% [markdown]
# ## A defence
#
# The network above is the network of chapter 6 with logits four times as large. It
# predicts the same classes, but with much more confidence. Defensive distillation, a
# published defence, has this effect, and it made attacks fail. Which ones?
#
# ## Six attacks
#
# All six are BIM with ten steps, as in chapter 7. They differ in the gradient or in
# the code around it. Which of the results would you trust?


# %%
def ten_steps(gradient, x, y, eps):
    return bim(gradient, x, y, eps, eps / 4, 10)


right_gradient = model_gradient(model)


def gradient_a(x, y):
    """Probabilities are clipped before the logarithm, as in Keras."""
    p = model.predict_proba(x)
    p_y = p[np.arange(len(y)), y]
    _, dz = cross_entropy(model.forward(x), y)
    dz[(p_y < 1e-7) | (p_y > 1 - 1e-7)] = 0  # the slope of clip
    return model.backward(dz, param_grads=False)


def gradient_b(x, y):
    """Dropout stays on, as in training."""
    z = model.forward(x, np.random.default_rng(1))
    return model.backward(cross_entropy(z, y)[1], param_grads=False)


def gradient_c(x, y):
    """It points where J falls, as an optimizer's step does."""
    return -right_gradient(x, y)


def gradient_d(x, y):
    """The gradient is in half precision, to save memory."""
    return right_gradient(x, y).astype(np.float16).astype(np.float32)


def attack_e(gradient, x, y, eps):
    """Each step is clipped to the range of pixels."""
    x_adv = x
    for _ in range(10):
        step = np.float32(eps / 4) * np.sign(gradient(x_adv, y))
        x_adv = np.clip(x_adv + step, 0, 1)
    return x_adv


def attack_f(gradient, x, y, eps):
    """The label is the current prediction, as if the true one were unknown."""
    x_adv = x
    for _ in range(10):
        label = model.predict(x_adv)
        step = np.float32(eps / 4) * np.sign(gradient(x_adv, label))
        x_adv = np.clip(np.clip(x_adv + step, x - eps, x + eps), 0, 1)
    return x_adv


cases = {
    "right": (right_gradient, ten_steps),
    "a": (gradient_a, ten_steps),
    "b": (gradient_b, ten_steps),
    "c": (gradient_c, ten_steps),
    "d": (gradient_d, ten_steps),
    "e": (right_gradient, attack_e),
    "f": (right_gradient, attack_f),
}
rows = []
for name, (gradient, attack) in cases.items():
    x_adv = attack(gradient, x, y, EPS)
    rows.append((name, accuracy_on(x_adv), float(abs(x_adv - x).max())))
table(("attack", "accuracy", "largest change"), rows)

# %% [markdown]
# **What to notice.** Under *c* the defence seems perfect, and under *a* and *d* it
# seems to hold. *b* is only a little weaker than the right attack. *e* is as strong as
# the right attack; the last column shows how it cheats. *f* differs from the right
# attack in one line only, and leaves a third of the images correctly classified.
#
# ## Symptoms
#
# A broken attack has symptoms that you can see without looking at the gradient. A sound
# attack is at least as strong in a larger ball, fools nearly every image if it may use
# the whole range of pixels, gains from more steps, and beats attacks without gradients.

# %%
radii = np.array([0.05, 0.1, 0.2, 0.4, 0.7, 1.0])
figure, (panel,) = new_figure(width=6.5, height=3.6)
for (name, (gradient, attack)), marker in zip(cases.items(), "osv^DxP", strict=True):
    curve = [accuracy_on(attack(gradient, x, y, float(eps))) for eps in radii]
    panel.plot(radii, curve, marker=marker, label=name)
panel.set(xlabel="eps", ylabel="accuracy", ylim=(-0.03, 1.03))
panel.legend(frameon=False, ncols=2)
picture(
    figure,
    "Accuracy against eps: the right gradient falls to zero, a and d stay above it on "
    "a plateau even where every image is allowed, f falls late, c stays at one.",
)

# %% [markdown]
# **What to notice.** At eps = 1 *every* image is allowed, even a plain grey one. An
# image that is still classified correctly there was never attacked. The plateaus of *a*
# and *d* consist of images whose gradient is exactly zero. A larger ball doesn't help
# an attack that doesn't move. *f* moves, but back and forth, because the step after a
# misclassification climbs away from the wrong class (chapter 9).
#
# ## Causes: compare the gradient with the classifier
#
# The scores of the classifier show whether a gradient is right. Take a small step $r$
# in a random direction and measure how the scores change. The gradient predicts a
# change of $\langle g, r \rangle$. Near a confident prediction $J$ itself is flat, but
# the log-odds against the label are not, and their gradient has the same direction:
#
# $$\nabla \log \frac{1 - p_y}{p_y} = \frac{1}{1 - p_y} \nabla J.$$
#
# The factor differs from image to image, so the check correlates the two changes over
# many directions $r$ instead of comparing them.

# %%
source(Subject.differences, agreement, library_correlation)


# %%
def subject(gradient, attack=ten_steps):
    sure = model.predict(x) == y
    return Subject(
        model.predict_proba, gradient, attack, x[sure], y[sure], EPS, (0, 1), 0
    )


figure, panels = new_figure(3, width=10, height=3.2)
for panel, name in zip(panels, ("right", "b", "c"), strict=True):
    examined = subject(cases[name][0])
    changes, predicted = examined.differences
    scale = abs(predicted).max(axis=0) + 1e-300  # it can be as small as 1e-30
    panel.plot(
        (predicted / scale)[:, :40].ravel(),
        (changes / abs(changes).max(axis=0))[:, :40].ravel(),
        ".",
        color="#0072b2",
        alpha=0.3,
        ms=4,
    )
    panel.set(title=f"{name}: {agreement(examined).value:.3f}", xlabel="predicted")
panels[0].set_ylabel("measured")
picture(
    figure,
    "Three clouds of points, the measured change of the scores against the predicted "
    "change: for the right gradient they lie on a rising line, for b they scatter "
    "around it, for c they lie on a falling line.",
)

# %% [markdown]
# **What to notice.** The number is the median correlation. The right gradient predicts
# the changes. In *b* a dropout mask has switched off half of the network, the same half
# every time, so the gradient belongs to a different network from the one that is
# attacked. *c* predicts the opposite of what happens.
#
# The library has such a check for each cause:

# %%
source(zero_gradients, sign, changing_label)

# %% [markdown]
# ## All checks at once
#
# `diagnose` runs all checks, causes first, then symptoms. It takes the classifier's
# probabilities, your gradient, your attack, and some images.

# %%
for name, (gradient, attack) in cases.items():
    findings = diagnose(model.predict_proba, gradient, x, y, EPS, attack)
    failed = [finding.name for finding in findings if finding.failed]
    print(f"{name:<6} {', '.join(failed) or 'no check failed'}")

# %%
print_lines(report(diagnose(model.predict_proba, gradient_a, x, y, EPS)))

# %% [markdown]
# **What to notice.** Begin with the first failure, because the others often follow from
# it. A report without failures only rules out the most common mistakes. It doesn't
# prove that the attack is as strong as possible.
#
# ## Images that survive saving
#
# An attack can also be lost after it has succeeded. A PNG file stores each pixel k /
# 255 as a whole number k from 0 to 255. Rounding moves each pixel by up to half a
# shade. DeepFool stops just beyond the decision boundary, and half a shade can lead
# back across it. BIM goes as far as the ball allows, and half a shade can lead out of
# the ball.

# %%
forward = forwards.network(model)
attacked = {
    "BIM": (bim(right_gradient, x, y, 0.1, 0.0125, 8), Threat("Linf", 0.1)),
    "DeepFool": (deepfool(logits_of(forward), vjp_of(forward), x, y), Threat("L2", 4)),
}
rows = []
with TemporaryDirectory() as folder:
    for name, (x_adv, threat) in attacked.items():
        nearest = np.rint(255 * x_adv) / np.float32(255)
        saved = save_images(x_adv, x, y, Path(folder) / name, threat, model)
        inside, _, _ = load_images(Path(folder) / name)
        rows.append(
            (
                f"{name}, {threat.norm} <= {threat.eps:g}",
                saved.before.value,
                accuracy_on(nearest),
                float(threat.distances(nearest, x).max()),
                saved.after.value,
                float(threat.distances(inside, x).max()),
            )
        )
head = ("attack", "floats", "nearest shade", "distance", "save_images", "distance")
table(head, rows)

# %%
start, eps = 100, 25.5  # shades: eps is 0.1
figure, (panel,) = new_figure(width=6.5, height=1.5)
panel.axvspan(start - eps, start + eps, color="#0072b2", alpha=0.15, label="the ball")
panel.plot(np.arange(119, 131), np.zeros(12), "|", color="black", ms=14)
panel.plot(start + eps, 0, "o", color="#d55e00", label="BIM's pixel")
panel.plot(start + 26, 0, "x", color="black", ms=9, label="nearest shade")
panel.plot(start + 25, 0, "s", color="#009e73", label="nearest in the ball")
panel.set(xlim=(118.5, 130.5), ylim=(-1, 1), yticks=[], xlabel="shade of a pixel, k")
panel.legend(frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1))
picture(
    figure,
    "Shades from 119 to 130 as strokes on a line; the ball around shade 100 ends at "
    "125.5, where BIM's pixel lies: shade 126 is outside, shade 125 inside the ball.",
)

# %%
source(nearest_in_box)

# %% [markdown]
# **What to notice.** Nobody sees the difference between 0.1 and 0.10196, but the second
# image is outside the threat model, so it says nothing about a defence that claims to
# hold up to 0.1. `save_images` rounds inside the ball, and reports the classifier's
# accuracy before and after. DeepFool's images can't be repaired by rounding. An attack
# whose images will be saved must go well beyond the decision boundary.
#
# ## Your turn
#
# **13.1** The log-odds against the label, $\log \frac{1 - p_y}{p_y}$, of probabilities
# p (N, K). For a confident network, $1 - p_y$ rounds to 0, but the sum of the other
# probabilities doesn't.


# %%
def log_odds(p, y):
    return ...


check(log_odds)

# %% [markdown]
# **13.2** The fraction of images whose gradient is exactly zero: g (N, H, W, C).


# %%
def part_without_gradient(g):
    return ...


check(part_without_gradient)

# %% [markdown]
# **13.3** The correlation, per image (N,), between the measured changes and those
# promised by the gradient, both (R, N) for R directions.


# %%
def correlation(changes, promised):
    return ...


check(correlation)

# %% [markdown]
# **13.4** Repair attack *e*: clip to the ball after each step, then to the range of
# pixels.


# %%
def repaired_step(x_adv, x, gradient, eps, alpha):
    return ...


check(repaired_step)

# %% [markdown]
# **13.5** Round adversarial images x_adv to pixels k / 255, where k is a whole number.
# Each pixel goes to the nearest one within eps of x. All images are in [0, 1], shape
# (N, H, W, C).


# %%
def rounded_inside(x_adv, x, eps):
    return ...


check(rounded_inside)

# %% [markdown]
# **Next:** what helps, in
# [chapter 14](14_what_helps_adversarial_training.ipynb).
