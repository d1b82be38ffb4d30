# %% [markdown]
# # 1. One neuron, its gradient by hand
#
# Everything in this library, up to the attack that makes a network read a 7 as a 3, is
# one idea: a number *J* says how wrong the network is, and a **gradient** says how *J*
# changes if something else changes a little. This chapter does it for the smallest
# network there is. You need the chain rule from school and a little NumPy.
#
# **You will** derive the gradient of a neuron, check it against differences, and see
# that the same gradient trains the neuron *and* attacks it.

# %%
import numpy as np

from minidl.gradcheck import numerical_gradient
from minidl.kernels import reference
from tutorials.exercises import check, hint
from tutorials.show import new_figure, picture, source, table

rng = np.random.default_rng(0)

# %% [markdown]
# ## A question with two answers
#
# Two clouds of points in the plane. The neuron is to tell which cloud a point belongs
# to: its label *y* is 0 or 1.

# %%
N = 100
y = np.repeat([0, 1], N // 2)
centres = np.array([[-1.0, -0.5], [1.0, 0.7]])
x = centres[y] + rng.normal(0, 0.8, (N, 2))  # (N, 2)
print("x", x.shape, "y", y.shape, "the first point", x[0].round(2), "has label", y[0])

# %% [markdown]
# ## The equations
#
# A neuron weighs its inputs, adds them up, and squeezes the sum into a probability:
#
# $$z = w_1 x_1 + w_2 x_2 + b, \qquad p = \sigma(z) = \frac{1}{1 + e^{-z}}.$$
#
# How wrong is it? The **cross-entropy** is the surprise of the true label,
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
# Three small derivatives, multiplied. For a point with $y = 1$:
#
# $$J = -\log p, \qquad \frac{dJ}{dp} = -\frac1p, \qquad
#   \frac{dp}{dz} = p(1-p), \qquad \frac{\partial z}{\partial w_i} = x_i.$$
#
# The product of the first two is $-(1-p) = p - 1$; for $y = 0$ it is $p$. Both are
#
# $$\frac{dJ}{dz} = p - y$$
#
# and that is the whole secret: *the probability minus the truth*. With the mean over
# points, and $\partial z/\partial w_i = x_i$, $\partial z/\partial b = 1$:
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
# ## Never believe a gradient that you haven't checked
#
# A derivative is a slope, and a slope can be *measured*: go a little forwards, go a
# little back, and see how much *J* differs. The library does that for every layer in
# its tests, with these lines:

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
# **What to notice.** They agree to about ten digits. A wrong formula (try `p + y`, or
# leave out `1 / N`) agrees to none. That is why a gradient check is the best test in
# deep learning: there is hardly a mistake that it doesn't see.
#
# ## Downhill
#
# The gradient points to where *J* grows fastest, so training goes the other way:
# $w \leftarrow w - \eta\, \partial J / \partial w$, again and again.

# %%
path, costs = [w.copy()], [cost(w, b)]
for _ in range(60):
    dw, db = gradient(w, b)
    w, b = w - 1.0 * dw, b - 1.0 * db
    path.append(w.copy())
    costs.append(cost(w, b))
accuracy = ((x @ w + b > 0) == y).mean()
print(f"J fell from {costs[0]:.3f} to {costs[-1]:.3f}; {accuracy:.0%} are right")

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
# (The picture has two of the three parameters; *b* has its last value.) The neuron's
# only freedom is where it puts a straight line.
#
# ## Now turn it round: attack the neuron
#
# *J* also depends on the *input*. $\partial z/\partial x_i = w_i$, so
#
# $$\frac{\partial J}{\partial x} = (p - y)\, w.$$
#
# Train: change *w* so that *J* falls. **Attack: leave *w* alone, and change *x* so that
# *J* grows.** The step that changes no coordinate by more than $\varepsilon$ and raises
# *J* most is $\varepsilon\,\mathrm{sign}(\partial J/\partial x)$: the *fast gradient
# sign method* of chapter 6, which you have just understood.

# %%
eps = 0.6
dx = np.outer(sigmoid(x @ w + b) - y, w)  # (N, 2), one gradient a point
x_adv = x + eps * np.sign(dx)
before, after = (((points @ w + b > 0) == y).mean() for points in (x, x_adv))
print(f"right before the attack: {before:.0%}, after it: {after:.0%}")

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
# **What to notice.** All points of one class move the same way: for a *linear* model
# the direction is the same everywhere. Networks are curved, but much less than one
# would hope, and that is why one step can fool them too.
#
# ## The library's version
#
# The library computes *J* from $z$, not from $p$: for a sure neuron $p$ rounds to 1,
# and $\log(1 - p)$ would be $-\infty$. It has one $z$ for each class (chapter 4), and
# returns each point's own cost and gradient: whoever wants the mean divides by $N$.

# %%
source(reference.cross_entropy, reference.log_softmax)

# %% [markdown]
# ## Your turn
#
# Fill in each function and run its cell: `check` tries it on hidden random cases and,
# if something is wrong, tells you what. `hint("neuron")` helps, more each time.
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
# **1.3** The slope of any function *f* of a vector *x* along its *i*-th coordinate,
# measured.


# %%
def slope(f, x, i):
    return ...


check(slope)
hint("slope")

# %% [markdown]
# **Next:** many neurons, many layers, and how a gradient finds its way back through all
# of them: [chapter 2](02_layers_and_the_chain_rule.ipynb).
