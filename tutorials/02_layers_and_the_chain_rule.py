# %% [markdown]
# # 2. Layers and the chain rule: forward and backward as twins
#
# A network is a chain of functions. Its gradient is a product of their derivatives,
# multiplied from the last function to the first. This chapter takes the library's
# layers apart. Each is a `forward` of a few lines and its twin, `backward`.
#
# **You will** follow a batch through a network and back, see why a network needs
# nonlinear layers, and write the backward pass of two layers.

# %%
import numpy as np

from minidl import Adam, Linear, ReLU, Sequential, cross_entropy, trace
from minidl.gradcheck import check_layer
from minidl.kernels import reference
from tutorials.exercises import check, hint
from tutorials.show import new_figure, picture, source, table, walk

rng = np.random.default_rng(0)

# %% [markdown]
# ## The twins
#
# A layer gets `x` and returns `out`. On the way back it gets the derivative of *J* by
# its output, `dout` $= \partial J/\partial\,$`out`, and returns $\partial J/\partial
# x$, which is the `dout` of the layer before. It doesn't need to know what *J* is, or
# which layers follow.
#
# A fully connected layer is many neurons side by side, without their sigmoids:
#
# $$\mathrm{out} = x W + b$$
#
# $$\frac{\partial J}{\partial x} = \mathrm{dout}\, W^T, \qquad
#   \frac{\partial J}{\partial W} = x^T \mathrm{dout}, \qquad
#   \frac{\partial J}{\partial b} = \sum_n \mathrm{dout}_n.$$
#
# You needn't memorise these, as **the shapes leave only one possibility**. With x (N,
# D), W (D, M) and dout (N, M), the product of shape (N, D) can only be dout @ W.T.
# Whatever the derivative needs from the forward pass is stored by `remember` and
# returned by `recall`:

# %%
source(Linear.forward, Linear.backward)

# %% [markdown]
# Two linear layers in a row are one linear layer, $(xW_1)W_2 = x(W_1W_2)$, so a
# nonlinear function must stand between them. The **ReLU** is the simplest, $\max(x,
# 0)$. Its derivative is 1 where $x > 0$ and 0 elsewhere. (Since $x > 0$ exactly where
# $\mathrm{out} > 0$, the layer stores only its output.) Operations that are compiled
# for speed also exist in plain NumPy, in `kernels/reference.py`:

# %%
source(ReLU.forward, ReLU.backward, reference.relu_grad)

# %% [markdown]
# ## Checking the layers
#
# `check_layer` compares `backward` with measured slopes, for the input and for all
# parameters, in float64.

# %%
linear = Linear(5, 3, rng=rng).astype(np.float64)
for layer, shape in ((linear, (4, 5)), (ReLU(), (4, 6))):
    errors = check_layer(layer, rng.standard_normal(shape), rng)
    print(layer, {name: f"{error:.0e}" for name, error in errors.items()})

# %% [markdown]
# ## The chain
#
# `Sequential` runs through its layers forwards, and then through the same layers
# backwards. Backpropagation is no more than these lines. (`fused` holds the layers,
# some of them joined for speed. A layer without parameters has only one gradient to
# compute.)

# %%
source(Sequential.backward)

# %% [markdown]
# ## Watch it
#
# No straight line separates two spirals, but a network with two hidden layers of 32
# neurons does. First, follow a batch through the untrained network and back:

# %%
N = 200
y = np.repeat([0, 1], N // 2)
t = np.tile(np.linspace(0.3, 1, N // 2), 2)
angle = 8 * t + np.pi * y
x = (t * np.stack([np.cos(angle), np.sin(angle)])).T + rng.normal(0, 0.02, (N, 2))
x = x.astype(np.float32)
model = Sequential(
    [
        Linear(2, 32, rng=rng),
        ReLU(),
        Linear(32, 32, rng=rng),
        ReLU(),
        Linear(32, 2, rng=rng),
    ],
    input_shape=(2,),
)
walk(model, x, y)

# %% [markdown]
# **What to notice.** Half of each ReLU's outputs are zero, and where the output is zero
# no gradient passes. The gradients in the last column are small, because *J* is a mean
# over 200 points and each point contributes one two-hundredth of it.
#
# ## Train it

# %%
optimizer = Adam(model.params, lr=0.01)
J = []
for _ in range(300):
    costs, dz = cross_entropy(model.forward(x), y)  # per point
    J.append(costs.mean())
    model.backward(dz / N, input_grad=False)
    optimizer.step()
right = (model.predict(x) == y).mean()
print(f"J from {J[0]:.3f} to {J[-1]:.4f}; accuracy {right:.0%}")

# %%
grid = np.linspace(-1.2, 1.2, 120, dtype=np.float32)
places = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
p = model.predict_proba(places)[:, 1].reshape(120, 120)
_, dz = cross_entropy(model.forward(x), y)
arrows = model.backward(dz, param_grads=False)  # dJ/dx, (N, 2)
figure, (left, right_panel) = new_figure(2, width=8, height=4)
for panel in (left, right_panel):
    panel.contourf(grid, grid, p, 20, cmap="RdBu_r", alpha=0.5)
    panel.plot(*x[y == 0].T, "o", ms=3, color="#0072b2")
    panel.plot(*x[y == 1].T, "o", ms=3, color="#a33c00")
    panel.set(xticks=[], yticks=[], aspect="equal")
left.set_title("probability of y = 1")
unit = arrows / (np.linalg.norm(arrows, axis=1, keepdims=True) + 1e-30)
right_panel.quiver(*x.T, *unit.T, width=0.003)
right_panel.set_title("dJ/dx, where J grows")
picture(
    figure,
    "Two interleaved spirals on the learned probability, a bent boundary between them. "
    "On the right, arrows: the gradient of J at each point, towards the boundary.",
)

# %% [markdown]
# **What to notice.** The boundary is made of straight pieces, and each hidden neuron
# adds a crease. The arrows are $\partial J/\partial x$. Training doesn't use them (with
# `input_grad=False` they aren't even computed), but an attack follows them.
#
# ## The gradient on its way back
#
# The weights of each linear layer shrink or stretch the gradient, and each ReLU sets
# parts of it to zero. This table shows the gradient's length, the root of the sum of
# squares:

# %%
steps = list(trace(model, x, y))
table(
    ("layer", "|dJ/doutput|", "|dJ/dinput|"),
    [
        (s.name, float(np.linalg.norm(s.doutput)), float(np.linalg.norm(s.dinput)))
        for s in reversed(steps)
    ],
)

# %% [markdown]
# ## Your turn
#
# **2.1** The forward pass of a linear layer: x (N, D), W (D, M), b (M,).


# %%
def linear_forward(x, W, b):
    return ...


check(linear_forward)

# %% [markdown]
# **2.2** Its backward pass: return dx, dW and db.


# %%
def linear_backward(x, W, dout):
    return ...


check(linear_backward)

# %% [markdown]
# **2.3** The backward pass of a ReLU.


# %%
def relu_backward(x, dout):
    return ...


check(relu_backward)

# %% [markdown]
# **2.4** The chain rule: $\partial J/\partial x$ for $\mathrm{out} = \max(x W_1, 0)\,
# W_2$.


# %%
def two_layers_input_gradient(x, W1, W2, dout):
    return ...


check(two_layers_input_gradient)

# %% [markdown]
# **Next:** images, and how a convolution becomes one matrix product, in
# [chapter 3](03_convolution_as_im2col.ipynb).
