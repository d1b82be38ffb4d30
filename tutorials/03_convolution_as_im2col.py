# %% [markdown]
# # 3. Convolution as a matrix product, and its transpose
#
# A convolution slides a small filter over an image. Written as loops it takes a few
# lines and is very slow. Written as **one matrix product** it is fast, and its backward
# pass is simply the transpose of each step.
#
# **You will** see the matrix, write `im2col` and its transpose, and understand why the
# gradient of a pixel is a *sum* over all windows that contain it.

# %%
import numpy as np

from minidl import Conv2D, kernels
from minidl.data import load_mnist_sample
from minidl.gradcheck import check_layer
from minidl.kernels import reference
from tutorials.exercises import check, hint
from tutorials.show import image, new_figure, picture, source, table

rng = np.random.default_rng(0)
data = load_mnist_sample()
digit = data.x_test[:1].astype(np.float32) / 255  # (1, 28, 28, 1)
print("one image (N, H, W, C):", digit.shape, "with the label", data.y_test[0])

# %% [markdown]
# ## The equation
#
# At each place $(h, w)$ the filter covers a window of the image. Multiply the two
# element by element, and add up the products:
#
# $$\mathrm{out}_{nhwf} = b_f + \sum_{i, j, c} x_{n,\,h+i,\,w+j,\,c}\, W_{ijcf}.$$
#
# (Strictly speaking this is a cross-correlation, as a convolution would flip the
# filter. Since networks learn their filters, the flip makes no difference.)
#
# In a row of 28 pixels, a window of 3 can begin at 26 places, 0 to 25. The same holds
# for a column, so $OH = OW = 26$. Two options change this size. **Padding** is a frame
# of zeros around the image; one pixel of it keeps the output of a 3x3 filter at the
# size of the image. **Stride** is the number of pixels by which the window moves.
#
# This filter is easy to read. It responds where the image gets brighter to the right:

# %%
edge = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)


def convolve_with_loops(x, W):
    """x (H, W), W (3, 3), without padding."""
    H, width = x.shape
    out = np.zeros((H - 2, width - 2), x.dtype)
    for h in range(H - 2):
        for w in range(width - 2):
            out[h, w] = (x[h : h + 3, w : w + 3] * W).sum()
    return out


answer = convolve_with_loops(digit[0, :, :, 0], edge)
figure, (left, middle, right) = new_figure(3, width=8, height=2.8)
image(left, digit[0], "x")
image(middle, edge, "W", signed=True)
image(right, answer, "out", signed=True)
picture(
    figure,
    "A digit, a three by three filter that is negative on the left and positive on the "
    "right, and its answer: red at left edges of the strokes, blue at right ones.",
)

# %% [markdown]
# ## im2col: every window becomes a row
#
# The sum over $i, j, c$ is the inner product of a window and the filter, if each is
# written as one long vector. So copy *every window* of the image into a row of a
# matrix. A single product then computes the outputs for all places, images and filters:
#
# $$\mathrm{col} \in \mathbb{R}^{N\,OH\,OW \times KH\,KW\,C}, \qquad
#   \mathrm{out} = \mathrm{col}\; W + b.$$

# %%
source(reference.im2col)

# %%
small = np.arange(16, dtype=np.float64).reshape(1, 4, 4, 1)
with kernels.use("reference"):
    col = kernels.im2col(small, (3, 3), stride=1, pad=0)
print("the image:\n", small[0, :, :, 0])
print("its four windows as rows:\n", col)

# %%
figure, (left, right) = new_figure(2, width=9, height=2.8)
image(left, small[0] / 15, "a 4x4 image")
right.imshow(col, cmap="gray")
right.set_title("col: 4 windows, 9 pixels each", fontsize=9)
right.set(xlabel="pixel of the window", ylabel="window")
right.set_xticks(range(9))
right.set_yticks(range(4))
picture(
    figure,
    "A four by four image of growing brightness, and the matrix of its four windows: "
    "four rows of nine pixels, each row a little brighter than the one above.",
)

# %% [markdown]
# **What to notice.** Pixel 5 occurs four times, because all four windows contain it.
# The matrix is up to nine times as large as the image. This memory is the price of one
# large product, the operation that processors do best.

# %%
with kernels.use("reference"):
    col = kernels.im2col(digit, (3, 3), stride=1, pad=0)
    product = (col @ edge.reshape(9, 1)).reshape(26, 26)
print("largest difference from the loops:", abs(product - answer).max())

# %% [markdown]
# ## The backward pass: col2im
#
# The backward pass takes the transpose of each step, in reverse order.
#
# | forward | backward |
# |---|---|
# | col = im2col(x) | dx = **col2im**(dcol) |
# | out = col W | dW = colᵀ dout, dcol = dout Wᵀ |
#
# What is the transpose of *copying*? If a pixel is copied to four places, changing it
# acts on all four, so its gradient is the **sum** of the four gradients. `col2im` adds
# every window back to the place it came from:

# %%
source(reference.col2im)

# %%
with kernels.use("reference"):
    ones = np.ones((4, 9))
    counts = kernels.col2im(ones, (1, 4, 4, 1), (3, 3), stride=1, pad=0)
print("how many windows contain each pixel:\n", counts[0, :, :, 0])

# %% [markdown]
# Transposes can be tested without derivatives. Two linear maps $A$ and $B$ are each
# other's transpose if $\langle A x, u\rangle = \langle x, B u\rangle$ for all $x$ and
# $u$:

# %%
x = rng.standard_normal((2, 6, 7, 3))
with kernels.use("reference"):
    col = kernels.im2col(x, (3, 3), stride=1, pad=1)
    u = rng.standard_normal(col.shape)
    back = kernels.col2im(u, x.shape, (3, 3), stride=1, pad=1)
print(f"<im2col(x), u> = {(col * u).sum():.10f}")
print(f"<x, col2im(u)> = {(x * back).sum():.10f}")

# %% [markdown]
# ## The layer
#
# `Conv2D` holds W and b. The reference kernels contain the matrix products:

# %%
source(reference.conv2d, reference.conv2d_grads)

# %%
layer = Conv2D(3, 4, 3, pad=1, rng=rng).astype(np.float64)
errors = check_layer(layer, rng.standard_normal((2, 5, 6, 3)), rng)
table(("gradient of", "relative error"), [(k, f"{e:.0e}") for k, e in errors.items()])

# %% [markdown]
# ## The receptive field
#
# Which pixels does one number of the output depend on? Its gradient with respect to the
# image shows them: a 3x3 window after one layer, a 5x5 window after two, and the whole
# image after the last layer of a network, where an attack can change every pixel.

# %%
figure, axes = new_figure(4, width=9, height=2.6)
layers = []
channels = 1
for depth, axis in enumerate(axes, start=1):
    layers.append(Conv2D(channels, 8, 3, pad=1, rng=rng))
    channels = 8
    out = digit
    with kernels.use("reference"):  # faster kernels leave rounding errors outside
        for conv in layers:
            out = conv.forward(out)
        dout = np.zeros_like(out)
        dout[0, 14, 14, 0] = 1  # one number in the middle
        for conv in reversed(layers):
            dout = conv.backward(dout, param_grads=False)
    middle = dout[0, 8:21, 8:21]
    count = int((dout != 0).sum())
    image(axis, middle, f"layer {depth}: {count} pixels", signed=True)
picture(
    figure,
    "Four gradient images, their middle: the pixels that one number of the output "
    "depends on, a square of three by three for one layer, and wider by two with each "
    "further layer.",
)

# %% [markdown]
# **What to notice.** The square grows by two pixels per layer: 3, 5, 7, 9. Many paths
# lead from its middle to the output, but few from its edge, where the colours are
# faint.
#
# ## Your turn
#
# **3.1** How many windows of width `kernel` fit into a row of `length` pixels, with
# `pad` zeros on both sides, moving on by `stride`?


# %%
def output_length(length, kernel, stride, pad):
    return ...


check(output_length)

# %% [markdown]
# **3.2** im2col in one dimension: all windows of a signal x (W,) as rows.


# %%
def im2col_1d(x, kernel):
    return ...


check(im2col_1d)

# %% [markdown]
# **3.3** Its transpose: add the rows of `col` back into a signal of `width` numbers.


# %%
def col2im_1d(col, width):
    return ...


check(col2im_1d)

# %% [markdown]
# **3.4** A whole convolution: x (N, H, W, C), W (KH, KW, C, F), no padding, stride 1.
# You may use `kernels.im2col` or your own loops.


# %%
def convolve(x, W):
    return ...


check(convolve)

# %% [markdown]
# **Next:** the other layers, and why the last one returns logits, in
# [chapter 4](04_pooling_dropout_and_the_loss.ipynb).
