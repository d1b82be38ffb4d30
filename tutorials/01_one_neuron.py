# %% [markdown]
# # 1. One neuron, its gradient by hand
#
# Everything in this library rests on one idea, even the attack that makes a network
# classify a 7 as a 3. A number *J* says how wrong the network is, and a **gradient**
# says how *J* changes if something else changes a little. This chapter works the idea
# out for the smallest possible network. You need the chain rule from school and a
# little NumPy.
#
# **You will** derive the gradient of a neuron, check it against finite differences, and
# see that the same gradient trains the neuron *and* attacks it.

# %%
import numpy as np

from minidl.gradcheck import numerical_gradient
from minidl.kernels import reference
from tutorials.drag import drag
from tutorials.exercises import check, hint
from tutorials.show import new_figure, picture, source, table

rng = np.random.default_rng(0)

# %% [markdown]
# ## Two classes
#
# The data are two clouds of points in the plane. The label *y* of a point, 0 or 1, says
# which cloud it belongs to. The neuron has to classify the points.

# %%
N = 100
y = np.repeat([0, 1], N // 2)
centres = np.array([[-1.0, -0.5], [1.0, 0.7]])
x = centres[y] + rng.normal(0, 0.8, (N, 2))  # (N, 2)
print("x", x.shape, "y", y.shape, "the first point", x[0].round(2), "has label", y[0])

# %% [markdown]
# ## The equations
#
# A neuron multiplies its inputs by weights, adds up the products and a bias, and
# squeezes the sum into a probability:
#
# $$z = w_1 x_1 + w_2 x_2 + b, \qquad p = \sigma(z) = \frac{1}{1 + e^{-z}}.$$
#
# How wrong is the neuron? The **cross-entropy** is the surprise at the true label,
# averaged over all points:
#
# $$J = \frac1N \sum_n -\log p(y_n), \qquad p(1) = p, \quad p(0) = 1 - p.$$


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cost(w, b):
    p = sigmoid(x @ w + b)
    return -np.log(np.where(y == 1, p, 1 - p)).mean()


w, b = np.array([0.5, -1.0]), 0.2
print(f"J = {cost(w, b):.4f}; guessing would cost log 2 = {np.log(2):.4f}")

# %% [markdown]
# ## The gradient, by hand
#
# The gradient is a product of three small derivatives. For a point with $y = 1$:
#
# $$J = -\log p, \qquad \frac{dJ}{dp} = -\frac1p, \qquad
#   \frac{dp}{dz} = p(1-p), \qquad \frac{\partial z}{\partial w_i} = x_i.$$
#
# The product of the first two is $-(1-p) = p - 1$; for $y = 0$ it is $p$. In both cases
#
# $$\frac{dJ}{dz} = p - y,$$
#
# *the probability minus the label*. With the mean over points, and with
# $\partial z/\partial w_i = x_i$ and $\partial z/\partial b = 1$:
#
# $$\frac{\partial J}{\partial w} = \frac1N\, x^T (p - y), \qquad
#   \frac{\partial J}{\partial b} = \frac1N \sum_n (p_n - y_n).$$


# %%
def gradient(w, b):
    p = sigmoid(x @ w + b)
    dz = (p - y) / N
    return x.T @ dz, dz.sum()


dw, db = gradient(w, b)
print("dJ/dw =", dw.round(4), " dJ/db =", round(float(db), 4))

# %% [markdown]
# ## Check every gradient
#
# A derivative is a slope, and a slope can be *measured*. Evaluate *J* a little further
# on and a little further back, and divide the difference by the distance. The library's
# tests check every layer with this function:

# %%
source(numerical_gradient)

# %%
dw_measured = numerical_gradient(lambda: cost(w, b), w)
table(
    ("", "by hand", "measured", "difference"),
    [
        (f"dJ/dw{i + 1}", dw[i], dw_measured[i], abs(dw[i] - dw_measured[i]))
        for i in range(2)
    ],
)

# %% [markdown]
# **What to notice.** Both columns agree to about ten digits. With a wrong formula (try
# `p + y`, or leave out `1 / N`) they differ in the first digit. A gradient check finds
# nearly every mistake in a derivative, which makes it the best test in deep learning.
#
# ## Downhill
#
# The gradient points in the direction in which *J* grows fastest. Training repeatedly
# steps in the opposite direction, $w \leftarrow w - \eta\, \partial J / \partial w$.

# %%
path, costs = [w.copy()], [cost(w, b)]
for _ in range(60):
    dw, db = gradient(w, b)
    w, b = w - 1.0 * dw, b - 1.0 * db
    path.append(w.copy())
    costs.append(cost(w, b))
correct = ((x @ w + b > 0) == y).mean()
print(f"J fell from {costs[0]:.3f} to {costs[-1]:.3f}; accuracy {correct:.0%}")

# %%
grid = np.linspace(-3, 4, 60)
surface = np.array([[cost(np.array([i, j]), b) for i in grid] for j in grid])
figure, (left, right) = new_figure(2, width=8, height=3.6)
left.contourf(grid, grid, surface, 20, cmap="Greys")
left.plot(*np.array(path).T, "o-", ms=3, color="#d55e00")
left.set(xlabel="w1", ylabel="w2", title="J, and the way down")
for label, colour in ((0, "#0072b2"), (1, "#d55e00")):
    right.plot(*x[y == label].T, "o", ms=4, color=colour, label=f"y = {label}")
line = np.array([-3, 3])
right.plot(line, -(w[0] * line + b) / w[1], "k--", label="p = 1/2")
right.set(xlim=(-3, 3), ylim=(-3, 3), xlabel="x1", ylabel="x2")
right.legend(frameon=False, loc="upper right")
picture(
    figure,
    "Left: contours of J over the two weights, with the steps of gradient descent "
    "running downhill. Right: two clouds of points and the line that separates them.",
)

# %% [markdown]
# **What to notice.** The steps are long where *J* is steep, and short at the bottom.
# (The picture shows two of the three parameters; *b* has its final value.) The neuron
# can choose only the position of its straight line.
#
# ## Now turn it round: attack the neuron
#
# *J* also depends on the *input*. $\partial z/\partial x_i = w_i$, so
#
# $$\frac{\partial J}{\partial x} = (p - y)\, w.$$
#
# Train: change *w* so that *J* falls. **Attack: leave *w* alone, and change *x* so that
# *J* grows.** If each coordinate may change by at most $\varepsilon$, the step that
# raises *J* most is $\varepsilon\,\mathrm{sign}(\partial J/\partial x)$. You have just
# understood the *fast gradient sign method* of chapter 6.

# %%
eps = 0.6
dx = np.outer(sigmoid(x @ w + b) - y, w)  # (N, 2), one gradient per point
x_adv = x + eps * np.sign(dx)
before, after = (((points @ w + b > 0) == y).mean() for points in (x, x_adv))
print(f"accuracy before the attack: {before:.0%}, after it: {after:.0%}")

# %%
figure, (panel,) = new_figure(width=6, height=4.4)
for label, colour in ((0, "#0072b2"), (1, "#d55e00")):
    panel.plot(*x[y == label].T, "o", ms=4, color=colour, label=f"y = {label}")
move = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.003}
panel.quiver(*x[::4].T, *(x_adv - x)[::4].T, **move)
panel.plot(line, -(w[0] * line + b) / w[1], "k--", label="p = 1/2")
panel.set(xlim=(-4, 4), ylim=(-4, 4), xlabel="x1", ylabel="x2")
panel.legend(frameon=False)
picture(
    figure,
    "The two clouds again; arrows from some points to where the attack moves them: all "
    "points of a cloud move in the same direction, towards and across the line.",
)

# %% [markdown]
# **What to notice.** All points of a class move in the same direction, because the
# gradient of a *linear* model points the same way everywhere. Networks are curved, but
# only slightly, so one step can fool them, too.
#
# ## Train it and attack it yourself
#
# Choose the weights and $\varepsilon$. On the left, the arrow shows the next step
# downhill; on the right you see the attacked points. (A notebook has controls below the
# picture; a script shows three settings.)


# %%
def try_it(figure, eps=0.0, w1=1.5, w2=1.0):
    w = np.array([w1, w2])
    dw, _ = gradient(w, b)
    moved = x + eps * np.sign(np.outer(sigmoid(x @ w + b) - y, w))
    left, right = figure.subplots(1, 2)
    left.contourf(grid, grid, surface, 20, cmap="Greys")
    left.quiver(w1, w2, *-dw, color="#d55e00", **move | {"width": 0.01})
    left.plot(w1, w2, "o", color="#d55e00")
    left.set(xlabel="w1", ylabel="w2", title=f"J = {cost(w, b):.2f}")
    for label, colour in ((0, "#0072b2"), (1, "#d55e00")):
        right.plot(*moved[y == label].T, "o", ms=4, color=colour)
    right.axline((-b * w1 / (w @ w), -b * w2 / (w @ w)), (w2, -w1), c="k", ls="--")
    right.set(xlim=(-4, 4), ylim=(-4, 4), xlabel="x1", ylabel="x2")
    right.set_title(f"accuracy {((moved @ w + b > 0) == y).mean():.0%}")


drag(
    try_it,
    "Left: J over the two weights, an arrow downhill. Right: the two clouds, moved "
    "by the attack, and the neuron's line; the larger eps, the more points cross it.",
    size=(8, 3.6),
    eps=[0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2],
    w1=[-2.0, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0],
    w2=[-2.0, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0],
)

# %% [markdown]
# ## The library's version
#
# The library computes *J* from $z$ instead of $p$. If the neuron is confident, $p$
# rounds to 1, and $\log(1 - p)$ would be $-\infty$. There is one $z$ per class (chapter
# 4). The function returns the cost and the gradient per point; to get the mean, divide
# by $N$.

# %%
source(reference.cross_entropy, reference.log_softmax)

# %% [markdown]
# ## Your turn
#
# Fill in each function and run its cell. `check` tests it on hidden random cases, and
# names the mistake if it finds one. Each call of `hint("neuron")` gives another hint.
#
# **1.1** The probability *p* of a neuron for a batch: x (N, D), w (D,), b a number.


# %%
def neuron(x, w, b):
    return ...


check(neuron)

# %% [markdown]
# **1.2** Its gradient, $\partial J/\partial w$ and $\partial J/\partial b$, with labels
# y (N,).


# %%
def neuron_gradient(x, y, w, b):
    return ...


check(neuron_gradient)

# %% [markdown]
# **1.3** The slope of a function *f* of a vector *x* along its *i*-th coordinate, by
# finite differences. In a cell of its own, `hint("slope")` gives a hint.


# %%
def slope(f, x, i):
    return ...


check(slope)

# %% [markdown]
# **Next:** many neurons, many layers, and how the gradient gets back through all of
# them, in [chapter 2](02_layers_and_the_chain_rule.ipynb).
