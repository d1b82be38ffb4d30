# %% [markdown]
# # 4. Pooling, dropout, softmax, cross-entropy, and why logits
#
# Four small pieces complete the paper's networks. Two of them, dropout and the loss,
# can make attacks fail without any error message: dropout by a stale mask, the loss by
# a gradient that rounds to zero where it matters. Both make a network look robust.
#
# **You will** route a gradient through a maximum, watch the gradient of a confident
# network vanish in single precision, and see how the library avoids this.

# %%
import numpy as np

from attacks import bim, model_gradient
from minidl import Dropout, MaxPool2D, kernels, losses
from minidl.data import load_mnist_sample
from minidl.kernels import reference
from minidl.layers import activations
from tutorials.exercises import check, hint
from tutorials.show import image, new_figure, picture, source, table
from tutorials.trained import network

rng = np.random.default_rng(0)
data = load_mnist_sample()
digit = data.x_test[1:2].astype(np.float32) / 255

# %% [markdown]
# ## Max pooling: the winner takes the gradient
#
# $$\mathrm{out} = \max(\text{the four pixels of a 2x2 window}).$$
#
# Only the largest pixel affects the output, so only this pixel gets the gradient. The
# layer must remember its place in the window:

# %%
source(reference.max_pool, MaxPool2D.backward, reference.max_pool_grad)

# %%
pool = MaxPool2D(2)
out = pool.forward(digit)
back = pool.backward(np.ones_like(out))
figure, (left, middle, right) = new_figure(3, width=8, height=2.8)
image(left, digit[0], "x, 28x28")
image(middle, out[0], "max pooled, 14x14")
image(right, back[0], "dJ/dx, if dJ/dout = 1")
picture(
    figure,
    "A digit, the digit at half the size, and the gradient: one white pixel in each "
    "two by two window, at the place of the maximum.",
)

# %% [markdown]
# **What to notice.** Three quarters of the gradient image is zero. In the black
# background all four pixels are equal and the first one wins the tie, which makes a
# regular pattern.
#
# After a convolution, rounding can decide the tie. The compiled kernels add up equal
# windows in different orders (Winograd's algorithm, chapter 10), so their last bits may
# differ. The NumPy kernels multiply each window in the same way. Here an attack, BIM
# (chapter 7), runs in float32 and in float64 with the same network and kernels. In how
# many pixels do its two results differ?


# %%
def under_bim(kind, dtype, count=50):
    x = data.x_test[:count].astype(dtype) / dtype(255)
    gradient = model_gradient(network().astype(dtype))
    with kernels.use(kind):
        return bim(gradient, x, data.y_test[:count], 0.2, 0.025, 8)


for kind in ("numba", "reference"):
    apart = abs(under_bim(kind, np.float32) - under_bim(kind, np.float64)) > 1e-3
    print(f"{kind:>9}: {apart.mean():.1%} of the pixels differ")

# %% [markdown]
# **What to notice.** With ties that rounding decides, many pixels differ; without them,
# hardly any. A difference in the last bit becomes one in the sign of a gradient, and
# the sign is all that BIM sees.
#
# ## Dropout, in training only
#
# In training, each feature is set to 0 with probability *r*. The others are divided by
# $1 - r$, which keeps the mean of every feature unchanged:
#
# $$\mathrm{out} = x \cdot m, \qquad m = 0 \text{ or } \frac{1}{1-r}, \qquad E[m] = 1.$$

# %%
source(Dropout.forward, Dropout.backward, reference.dropout_mask)

# %%
layer = Dropout(0.5)
x = np.ones((1, 8), np.float32)
print("in training:   ", layer.forward(x, rng))
print("its gradient:  ", layer.backward(np.ones_like(x)))
print("in evaluation: ", layer.forward(x))
print("its gradient:  ", layer.backward(np.ones_like(x)))

# %% [markdown]
# **What to notice.** The gradient uses the mask of the *latest* forward pass, and an
# evaluation has no mask. A layer with a stale training mask would compute the gradient
# of a different network from the one that is attacked, and the attack would look weak.
# This is the first classic mistake. Here a random generator switches training mode on,
# and attacks never pass one.
#
# ## Softmax: from scores to probabilities
#
# The last layer returns one number per class, the **logits** $z$, and
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}.$$

# %%
source(activations.softmax)

# %%
z = np.array([[2.0, 1.0, -1.0], [1002.0, 1001.0, 999.0]])
print(activations.softmax(z).round(4))

# %% [markdown]
# Both rows are equal, since only differences of logits matter. Without the subtraction
# the second row would be inf / inf.
#
# ## Cross-entropy
#
# $$J = \frac1N\sum_n -\log p_n(y_n) = \frac1N \sum_n \Bigl(\log\sum_j e^{z_{nj}} -
#   z_{n y_n}\Bigr), \qquad \frac{\partial J}{\partial z} = \frac{p -
#   \mathrm{onehot}(y)}{N}.$$
#
# The gradient is the probability minus the label, as in chapter 1. The second form of
# *J* doesn't need any probability, which matters more than it seems. The library
# returns cost and gradient per image, $p - \mathrm{onehot}(y)$, and training divides by
# $N$.

# %%
source(reference.log_softmax, reference.cross_entropy)

# %% [markdown]
# ## Why logits: the second classic mistake
#
# Suppose that a network is confident, as well-trained networks are. The logit of the
# right class leads by a margin of 5, 10, 20 or more. How much of its gradient is left
# if the code first computes $p$ in single precision, and then $p - 1$?

# %%
margins = np.arange(0, 41, 1, dtype=np.float32)
z = np.zeros((len(margins), 10), np.float32)
z[:, 0] = margins
y = np.zeros(len(z), int)
ours = -losses.cross_entropy(z, y)[1][:, 0]  # 1 - p, as the library computes it
naive = 1 - activations.softmax(z)[:, 0]
exact = 9 / (np.exp(margins.astype(np.float64)) + 9)
clipped = np.where(exact < 1e-7, 0, exact)  # of log(clip(p, 1e-7, 1 - 1e-7)), float64
table(
    ("margin", "exact", "from logits", "1 - p", "exact, p clipped"),
    [
        tuple(f"{v[i]:.3g}" for v in (margins, exact, ours, naive, clipped))
        for i in (1, 5, 10, 15, 18, 20, 30, 40)
    ],
)

# %%
figure, (panel,) = new_figure(width=7, height=3.4)
panel.semilogy(margins, ours, color="#0072b2", lw=3, label="from logits")
visible = naive > 0
panel.semilogy(margins[visible], naive[visible], "x", color="#d55e00", label="1 - p")
panel.semilogy(margins, exact, "k:", label="exact")
panel.set(xlabel="margin of the right class", ylabel="size of the gradient")
panel.legend(frameon=False)
picture(
    figure,
    "The gradient at the right class against the margin, on a logarithmic scale: the "
    "exact and the library's fall along a straight line; the one of 1 - p ends at 18.",
)

# %% [markdown]
# **What to notice.** Beyond a margin of 18 the naive gradient at the right class is
# *exactly* zero, while the entries of the other classes, $p_k$, are not. The part of
# the gradient that lowers the right class is lost, the attack goes astray, and the
# network only looks robust. Computed from logits, the entry is tiny but correct, and
# FGSM needs only its *sign*. A library that clips *p* before the logarithm, as many
# did, loses the whole gradient. Where the last column is zero, *J* is constant and all
# entries are zero. The sign of zero is zero, so the attack doesn't move at all, in any
# precision. (Chapter 9 tests whether such clipping explains the paper's surprise.)
#
# ## Your turn
#
# **4.1** Max pooling with 2x2 windows: x (N, H, W, C), H and W even.


# %%
def max_pool(x):
    return ...


check(max_pool)

# %% [markdown]
# **4.2** Its backward pass. (On random inputs there are no ties.)


# %%
def max_pool_backward(x, dout):
    return ...


check(max_pool_backward)

# %% [markdown]
# **4.3** Inverted dropout; `kept` (bool) is True for the features that stay. The result
# has the type of x.


# %%
def dropout(x, kept, rate):
    return ...


check(dropout)

# %% [markdown]
# **4.4** The softmax of z (N, K), for huge logits, too.


# %%
def softmax(z):
    return ...


check(softmax)

# %% [markdown]
# **4.5** The cross-entropy of logits; it must never take the logarithm of 0.


# %%
def cross_entropy(z, y):
    return ...


check(cross_entropy)

# %% [markdown]
# **4.6** Its gradient.


# %%
def cross_entropy_gradient(z, y):
    return ...


check(cross_entropy_gradient)

# %% [markdown]
# **Next:** training the network of Table 1, in
# [chapter 5](05_training.ipynb).
