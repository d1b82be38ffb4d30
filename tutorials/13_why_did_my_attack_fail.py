# %% [markdown]
# # 13. Why did my attack fail?
#
# "My defence withstands every attack!" Usually the attack is broken. It is easy to
# break: a sign, a clip, a dropout mask left over from training, and the accuracy under
# attack looks splendid. Or the defence hides the gradient that the attack needs. Of
# nine defences of one conference seven did, and with attacks that fit them six fell
# completely and one in part (Athalye et al., *Obfuscated Gradients Give a False Sense
# of Security*, 2018).
#
# **You will** look at five broken attacks, most with a splendid result, and find out
# what is wrong with each: first by the symptoms, then by comparing the gradient with
# what the classifier really does.

# %%
import numpy as np

from attacks import bim, diagnose, model_gradient, report
from attacks.diagnosis.causes import agreement, sign, zero_gradients
from attacks.diagnosis.causes import correlation as library_correlation
from attacks.diagnosis.subject import Subject
from attacks.losses import cross_entropy
from minidl.data import load_mnist_sample
from tutorials.exercises import check
from tutorials.show import new_figure, picture, print_lines, source, table
from tutorials.trained import network

data = load_mnist_sample()
model = network()
for p in model.params[-2:]:  # of the last layer
    p.data *= 4
x = data.x_test[:100].astype(np.float32) / 255
y = data.y_test[:100]
EPS = 0.25


def accuracy(x_adv):
    return (model.predict(x_adv) == y).mean()


# %% [markdown]
# ## A defence
#
# The network above is that of chapter 6, but for one thing: its logits are four times
# as large. It answers the same classes, only much surer. That was once published as a
# defence (*defensive distillation* has this effect), and attacks did fail. Let us see
# what kind of attacks.
#
# ## Five attacks
#
# All are BIM with ten steps, as in chapter 7. Only the gradient, or the attack around
# it, differs. Before you read on: which ones would you publish?


# %%
def ten_steps(gradient, x, y, eps):
    return bim(gradient, x, y, eps, eps / 4, 10)


right_gradient = model_gradient(model)


def gradient_a(x, y):
    """From Keras: probabilities are clipped before the logarithm."""
    p = model.predict_proba(x)
    p_y = p[np.arange(len(y)), y]
    _, dz = cross_entropy(model.forward(x), y)
    dz[(p_y < 1e-7) | (p_y > 1 - 1e-7)] = 0  # the slope of clip
    return model.backward(dz, param_grads=False)


def gradient_b(x, y):
    """From the training loop."""
    z = model.forward(x, np.random.default_rng(1))
    return model.backward(cross_entropy(z, y)[1], param_grads=False)


def gradient_c(x, y):
    """From an optimizer: it goes where J falls."""
    return -right_gradient(x, y)


def gradient_d(x, y):
    """Saves memory."""
    return right_gradient(x, y).astype(np.float16).astype(np.float32)


def attack_e(gradient, x, y, eps):
    """Each step is clipped to the range of pixels."""
    x_adv = x
    for _ in range(10):
        step = np.float32(eps / 4) * np.sign(gradient(x_adv, y))
        x_adv = np.clip(x_adv + step, 0, 1)
    return x_adv


cases = {
    "right": (right_gradient, ten_steps),
    "a": (gradient_a, ten_steps),
    "b": (gradient_b, ten_steps),
    "c": (gradient_c, ten_steps),
    "d": (gradient_d, ten_steps),
    "e": (right_gradient, attack_e),
}
rows = []
for name, (gradient, attack) in cases.items():
    x_adv = attack(gradient, x, y, EPS)
    rows.append((name, accuracy(x_adv), float(abs(x_adv - x).max())))
table(("attack", "accuracy left", "largest change"), rows)

# %% [markdown]
# **What to notice.** *c* would make a wonderful paper, *a* and *d* a good one: the
# defence seems to hold. *b* is only a little weaker than the right attack. And *e* is
# as strong as that one; the last column says how it does it.
#
# ## Symptoms
#
# A broken attack shows itself even if nobody looks at its gradient. In a larger ball it
# must not do worse; with the whole range of pixels hardly an image may be left; many
# steps must beat one; and no attack that is blind may find what it doesn't.

# %%
radii = np.array([0.05, 0.1, 0.2, 0.4, 0.7, 1.0])
figure, (panel,) = new_figure(width=6.5, height=3.6)
for (name, (gradient, attack)), marker in zip(cases.items(), "osv^Dx", strict=True):
    curve = [accuracy(attack(gradient, x, y, float(eps))) for eps in radii]
    panel.plot(radii, curve, marker=marker, label=name)
panel.set(xlabel="eps", ylabel="accuracy", ylim=(-0.03, 1.03))
panel.legend(frameon=False, ncols=2)
picture(
    figure,
    "Accuracy against eps: the right gradient falls to zero, a and d stay above it on "
    "a plateau even where every image is allowed, c stays at one.",
)

# %% [markdown]
# **What to notice.** At eps = 1 *every* image is allowed, a plain grey one too. Whoever
# survives there was not attacked. The plateaus of *a* and *d* are images whose gradient
# is exactly zero: more room doesn't help somebody who stands still.
#
# ## Causes: compare the gradient with the truth
#
# The truth is what the classifier answers. Go a little way $r$ in a random direction,
# and see how the scores change; the gradient promises a change of $\langle g, r
# \rangle$. Near a sure answer $J$ itself is flat, but the log-odds against the label
# aren't, and have the same direction:
#
# $$\nabla \log \frac{1 - p_y}{p_y} = \frac{1}{1 - p_y} \nabla J.$$
#
# For each image the factor is another one: so the two changes are correlated over
# directions $r$, not compared.

# %%
source(Subject.differences.func, agreement, library_correlation)


# %%
def subject(gradient, attack=ten_steps):
    sure = model.predict(x) == y
    return Subject(
        model.predict_proba, gradient, attack, x[sure], y[sure], EPS, (0, 1), 0
    )


figure, panels = new_figure(3, width=10, height=3.2)
for panel, name in zip(panels, ("right", "b", "c"), strict=True):
    examined = subject(cases[name][0])
    changes, promised = examined.differences
    scale = abs(promised).max(axis=0) + 1e-300  # of a sure network 1e-30 and less
    panel.plot(
        (promised / scale)[:, :40].ravel(),
        (changes / abs(changes).max(axis=0))[:, :40].ravel(),
        ".",
        color="#0072b2",
        alpha=0.3,
        ms=4,
    )
    panel.set(title=f"{name}: {agreement(examined).value:.3f}", xlabel="promised")
panels[0].set_ylabel("what happened")
picture(
    figure,
    "Three clouds of points, the change of the scores against the promised one: for "
    "the right gradient they lie on a rising line, for b they scatter around it, for c "
    "they lie on a falling line.",
)

# %% [markdown]
# **What to notice.** The number is the median correlation. The right gradient keeps its
# promises. *b*'s dropout mask has switched off half of the network, the same half every
# time: its gradient is right for a network that nobody attacks. *c* promises the
# opposite of what happens.
#
# For each cause there is such a check:

# %%
source(zero_gradients, sign)

# %% [markdown]
# ## All at once
#
# `diagnose` runs them all, causes first, then symptoms. It needs what you have anyway:
# the classifier's probabilities, your gradient, your attack, and some images.

# %%
for name, (gradient, attack) in cases.items():
    findings = diagnose(model.predict_proba, gradient, x, y, EPS, attack)
    failed = [finding.name for finding in findings if finding.failed]
    print(f"{name:<6} {', '.join(failed) or 'nothing wrong was found'}")

# %%
print_lines(report(diagnose(model.predict_proba, gradient_a, x, y, EPS)))

# %% [markdown]
# **What to notice.** The first failure is the place to begin: what follows is often its
# consequence. And a list without failures is no proof that an attack is as strong as it
# could be: it only rules out the mistakes that people make most.
#
# ## Your turn
#
# **13.1** The log-odds against the label, $\log \frac{1 - p_y}{p_y}$, of probabilities
# p (N, K). Of a sure network $1 - p_y$ rounds to 0; the sum of the other probabilities
# doesn't.


# %%
def log_odds(p, y):
    return ...


check(log_odds)

# %% [markdown]
# **13.2** Which part of the images has a gradient of exactly zero? g is (N, H, W, C).


# %%
def part_without_gradient(g):
    return ...


check(part_without_gradient)

# %% [markdown]
# **13.3** The correlation, for each image (N,), of what the gradient promised with what
# happened, both (R, N) for R directions.


# %%
def correlation(changes, promised):
    return ...


check(correlation)

# %% [markdown]
# **13.4** Repair attack *e*: after each step back into the ball, then into the range.


# %%
def repaired_step(x_adv, x, gradient, eps, alpha):
    return ...


check(repaired_step)

# %% [markdown]
# **The end.** `python -m tutorials.progress` shows which exercises are solved. What
# to do with it all: attack a defence of your own, `python -m tutorials.own_defence`.
