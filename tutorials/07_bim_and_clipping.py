# %% [markdown]
# # 7. Many small steps, and what clip_{x,eps} does
#
# FGSM treats *J* as a plane, but after a small step the gradient already points in a
# different direction. The **basic iterative method** therefore takes small steps,
# computes the gradient anew after each, and never goes farther than $\varepsilon$.
#
# **You will** watch an attack step by step, see what each of its two clips does, and
# look at the landscape that it climbs.

# %%
import numpy as np

import attacks
from attacks import Threat, clip_to_bounds, fgsm, model_gradient
from attacks.losses import cross_entropy
from attacks.norms import Linf
from minidl import trace
from minidl.data import load_mnist_sample
from tutorials.drag import drag
from tutorials.exercises import check, hint
from tutorials.panels import maps
from tutorials.show import image, new_figure, picture, source, table
from tutorials.trained import network

data = load_mnist_sample()
x = data.x_test[:300].astype(np.float32) / 255
y = data.y_test[:300]
model = network()
gradient = model_gradient(model)
eps, alpha, steps = 0.2, 0.025, 8  # the paper's

# %% [markdown]
# ## The equation
#
# $$x_0 = x, \qquad x_i = \mathrm{clip}_{x,\varepsilon}\bigl(x_{i-1} + \alpha\,
#   \mathrm{sign}\, \nabla_x J(\theta, x_{i-1}, y)\bigr).$$
#
# $\mathrm{clip}_{x,\varepsilon}$ brings each pixel back to within $\varepsilon$ of the
# *original* image, and a second clip keeps it in the range of pixels, $[0, 1]$. All
# images within $\varepsilon$ of $x$ in every pixel form the *ball* around $x$ (for this
# distance it is a box in 784 dimensions).

# %%
source(attacks.bim, Threat.step, Linf.direction)
source(Threat.project, Linf.project, clip_to_bounds)

# %% [markdown]
# ## Step by step


# %%
def costs(images):
    return cross_entropy(model.forward(images), y)[0]


path = [x]
for step in range(1, steps + 1):
    path.append(attacks.bim(gradient, x, y, eps, alpha, step))
one_step = fgsm(gradient, x, y, eps)
table(
    ("", "accuracy", "mean J", "largest change"),
    [
        (
            f"x_{i}",
            (model.predict(images) == y).mean(),
            costs(images).mean(),
            float(abs(images - x).max()),
        )
        for i, images in enumerate(path)
    ]
    + [
        (
            "FGSM, same eps",
            (model.predict(one_step) == y).mean(),
            costs(one_step).mean(),
            float(abs(one_step - x).max()),
        )
    ],
)

# %%
n = int(np.flatnonzero(model.predict(path[-1]) != y)[0])
shown = (0, 2, 4, 5, 6, 8)
figure, axes = new_figure(len(shown), 2, width=8, height=3.2)
for i, step in enumerate(shown):
    p = model.predict_proba(path[step][n : n + 1])[0]
    image(axes[i], path[step][n], f"x_{step}: {p.argmax()}\np = {p.max():.2f}")
    image(axes[len(shown) + i], path[step][n] - x[n], signed=True, limit=eps)
picture(
    figure,
    "One digit after some of the eight steps, with the predicted class, and below it "
    "the perturbation so far, faint at first: a pattern in and around the strokes, red "
    "where pixels became brighter, blue where they became darker.",
)

# %% [markdown]
# **What to notice.** With the same largest change as FGSM, the basic iterative method
# raises *J* much further. The perturbation is a *pattern* rather than noise. It erases
# parts of the stroke and adds others.
#
# ## Back and forth
#
# Go through the steps of the attack, and change its settings. (A notebook has controls
# below the picture; a script shows three settings.)


# %%
def one_attack(figure, step=8, digit=4, eps=0.2, alpha=0.025):
    x_n, y_n = x[[first[digit]]], y[[first[digit]]]
    ball, way = Threat("Linf", eps), [x_n]
    for _ in range(16):
        way.append(ball.step(way[-1], gradient(way[-1], y_n), x_n, alpha))
    J, _ = cross_entropy(model.forward(np.concatenate(way)), y_n.repeat(len(way)))
    now = way[step]
    axes = figure.subplots(1, 4)
    image(axes[0], now[0], f"x_{step}: {model.predict(now)[0]}")
    image(axes[1], (now - x_n)[0], "perturbation", signed=True, limit=eps)
    image(axes[2], gradient(now, y_n)[0], "gradient there", signed=True)
    axes[3].plot(J, color="#d55e00")
    axes[3].plot(step, J[step], "o", color="#d55e00")
    axes[3].set(xlabel="step", title=f"J = {J[step]:.2g}")


first = [int(np.flatnonzero(y == digit)[0]) for digit in range(10)]
drag(
    one_attack,
    "A digit at a step of the attack, the perturbation so far, the gradient there, and "
    "J at all steps with a mark at this one: it climbs, less steeply from step 8 on.",
    size=(9, 2.5),
    step=list(range(17)),
    digit=list(range(10)),
    eps=[0.05, 0.1, 0.15, 0.2, 0.25, 0.3],
    alpha=[0.0125, 0.025, 0.05, 0.1],
)

# %% [markdown]
# **What to notice.** The gradient changes from step to step, which is why many small
# steps lead higher than a large one. At step 16 a third of all pixels are at the edge
# of the ball, and another third at the edge of [0, 1]. They can't go on in the same
# direction, and *J* grows more slowly than at first.
#
# The perturbation is small in the image. What happens to it in the network? Go through
# the layers, and back and forth through the steps.


# %%
def one_layer(figure, layer=1, step=8, digit=4):
    x_n, y_n = x[[first[digit]]], y[[first[digit]]]
    x_adv = attacks.bim(gradient, x_n, y_n, eps, alpha, step) if step else x_n
    clean, attacked = (list(trace(model, v))[layer].output[0] for v in (x_n, x_adv))
    change, limit = attacked - clean, float(abs(clean).max())
    share = np.linalg.norm(change) / np.linalg.norm(clean)
    axes = figure.subplots(1, 3)
    image(axes[0], maps(clean), f"{layer} {model.layers[layer]}", True, limit)
    image(axes[1], maps(attacked), f"after {step} steps", True, limit)
    image(axes[2], maps(change), f"change, {share:.0%}", True, limit)


drag(
    one_layer,
    "A layer's output for a digit and for the attacked digit, and the change, in red "
    "and blue: small at the first layer, nearly as large as the output at the logits.",
    size=(9, 2.2),
    layer=list(range(len(model.layers))),
    step=list(range(9)),
    digit=list(range(10)),
)

# %% [markdown]
# **What to notice.** The perturbation is about a third as long as the image, and it
# stays a third of the output in all convolutions. The fully connected layers add it up
# in the direction that matters. At the logits, the change is about three quarters as
# long as the clean output.

# %% [markdown]
# ## What the ball is for
#
# Without $\mathrm{clip}_{x,\varepsilon}$, eight steps of $\alpha$ reach at most
# $8\alpha = 0.2 = \varepsilon$, so with the paper's numbers the ball never limits the
# attack. With more steps it does:

# %%
rows = []
for count in (8, 20, 40):
    inside = attacks.bim(gradient, x, y, eps, alpha, count)
    far = count * alpha  # the radius of a ball that `count` steps can't leave
    free = attacks.bim(gradient, x, y, far, alpha, count)
    rows.append(
        (
            f"{count} steps",
            float(abs(inside - x).max()),
            (model.predict(inside) == y).mean(),
            float(abs(free - x).max()),
            (model.predict(free) == y).mean(),
        )
    )
table(("", "change", "accuracy", "change, no ball", "accuracy, no ball"), rows)

# %% [markdown]
# **What to notice.** Without the ball the change grows with the number of steps, and
# nothing can be said about robustness against changes of 0.2. The ball makes attacks
# comparable.
#
# ## What the range of pixels is for
#
# Most pixels of a digit are 0 and cannot get darker. An attack that may leave $[0, 1]$
# can move these pixels both ways, but its result isn't an image:

# %%
bounded = attacks.bim(gradient, x, y, eps, alpha, steps)
unbounded = attacks.bim(gradient, x, y, eps, alpha, steps, bounds=None)
table(
    ("", "accuracy", "darkest", "brightest"),
    [
        (
            name,
            (model.predict(images) == y).mean(),
            float(images.min()),
            float(images.max()),
        )
        for name, images in (("pixels in [0, 1]", bounded), ("any pixels", unbounded))
    ],
)

# %% [markdown]
# ## The landscape
#
# The next figure shows *J* around an image, in the plane spanned by the direction of
# FGSM and a direction of random signs.

# %%
rng = np.random.default_rng(0)
uphill = np.sign(gradient(x[n : n + 1], y[n : n + 1]))
sideways = rng.choice([-1.0, 1.0], size=uphill.shape).astype(np.float32)
s = np.linspace(-0.25, 0.25, 25, dtype=np.float32)
places = np.concatenate(
    [x[n : n + 1] + a * uphill + b * sideways for b in s for a in s]
)
labels = np.full(len(places), y[n])
surface = cross_entropy(model.forward(places), labels)[0].reshape(25, 25)
figure, (left, right) = new_figure(2, width=8, height=3.4)
shades = left.contourf(s, s, surface, 20, cmap="Greys")
left.set(xlabel="along the gradient's sign", ylabel="along random signs", title="J")
figure.colorbar(shades)
right.plot(s, surface[12], color="#d55e00", label="along the gradient's sign")
right.plot(s, surface[:, 12], color="#999", label="along random signs")
right.set(xlabel="step", ylabel="J")
right.legend(frameon=False)
picture(
    figure,
    "Left: contours of the cost around an image, nearly vertical. Right: two cuts; "
    "along the gradient's sign the cost climbs, along random signs it stays at zero.",
)

# %% [markdown]
# **What to notice.** Near the image *J* is flat. Along random signs it stays flat, but
# along the gradient's sign it bends upwards and keeps climbing. The network is robust
# against noise and helpless against an attack.
#
# ## Another ball
#
# The ball so far limits the largest change of a pixel, the $L_\infty$ norm. Another
# common ball is round. It limits the $L_2$ norm, the root of the sum of squares. The
# attack remains the same except for two functions. A step goes along the gradient
# itself, scaled to the length $\alpha$, and an image outside the ball is projected back
# along the straight line to $x$ (exercise 7.3):


# %%
def l2_attack(x, y, eps, alpha, steps):
    ball, x_adv = Threat("L2", eps), x
    for _ in range(steps):
        x_adv = ball.step(x_adv, gradient(x_adv, y), x, alpha)
    return x_adv


round_one = l2_attack(x, y, eps=2.0, alpha=0.4, steps=10)
figure, axes = new_figure(5, width=8, height=1.9)
image(axes[0], x[n], "x")
image(axes[1], bounded[n], f"L-infinity: {model.predict(bounded[n : n + 1])[0]}")
image(axes[2], (bounded - x)[n], "what was added", signed=True)
image(axes[3], round_one[n], f"L2: {model.predict(round_one[n : n + 1])[0]}")
image(axes[4], (round_one - x)[n], "what was added", signed=True)
picture(
    figure,
    "A digit, attacked in two balls: in the ball of the largest change the pattern "
    "covers most of the image; in the Euclidean ball it is concentrated on few pixels.",
)
correct = (model.predict(round_one) == y).mean()
print(f"accuracy under attack in the L2 ball of radius 2: {correct:.2f}")

# %% [markdown]
# **What to notice.** In the first ball, the box, every pixel may move by $\varepsilon$,
# so the attack spreads over most of them (black pixels can't get darker). In the round
# ball it pays to spend the change where the gradient is largest.
#
# ## Your turn
#
# **7.1** $\mathrm{clip}_{x,\varepsilon}$.


# %%
def clip_to_ball(x_adv, x, eps):
    return ...


check(clip_to_ball)

# %% [markdown]
# **7.2** The basic iterative method, where `gradient(x, y)` is a function. Pixels stay
# in [0, 1].


# %%
def bim(gradient, x, y, eps, alpha, steps):
    return ...


check(bim)

# %% [markdown]
# **7.3** The Euclidean ball: project each image to within $\varepsilon$ of its
# original.


# %%
def l2_project(x_adv, x, eps):
    return ...


check(l2_project)

# %% [markdown]
# **Next:** a single network is easily fooled, but what about ten that vote? See
# [chapter 8](08_ensembles.ipynb).
