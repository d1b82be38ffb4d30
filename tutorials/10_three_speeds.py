# %% [markdown]
# # 10. Three speeds: NumPy, compiled, and fewer products
#
# This chapter runs the same convolution at three speeds: as one matrix product in
# NumPy, compiled, and compiled with a quarter of the multiplications. Plain loops, easy
# to read but far too slow, serve as a comparison. All give the same numbers up to
# rounding.
#
# **You will** measure each version, derive Winograd's algorithm on a signal of four
# numbers, and step into a compiled kernel with a debugger.

# %%
import time

import numpy as np

from minidl import kernels
from minidl.kernels import dispatch
from minidl.kernels.cpu import elementwise, winograd
from minidl.kernels.cpu.winograd_transforms import b_transposed
from minidl.parallel import limit_threads
from tutorials.exercises import check, hint
from tutorials.show import new_figure, picture, source, table

rng = np.random.default_rng(0)
N, H, C, F = 16, 28, 32, 32
x = rng.standard_normal((N, H, H, C)).astype(np.float32)
W = rng.standard_normal((3, 3, C, F)).astype(np.float32)
b = np.zeros(F, np.float32)

# %% [markdown]
# ## Loops
#
# $$\mathrm{out}_{nhwf} = b_f + \sum_{i, j, c} x_{n,\,h+i,\,w+j,\,c}\, W_{ijcf},$$
#
# written as loops (over a single image, to save time):


# %%
def convolve_with_loops(x, W, b):
    H, width, C = x.shape
    KH, KW, _, F = W.shape
    out = np.empty((H - KH + 1, width - KW + 1, F), np.float32)
    for h in range(out.shape[0]):
        for w in range(out.shape[1]):
            for f in range(F):
                total = b[f]
                for i in range(KH):
                    for j in range(KW):
                        for c in range(C):
                            total += x[h + i, w + j, c] * W[i, j, c, f]
                out[h, w, f] = total
    return out


def seconds(function, repeat=5):
    """The shortest of several runs: other work on the machine only adds to it."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


few = x[0, :6, :6]
places = 4 * 4
per_place = seconds(lambda: convolve_with_loops(few, W, b), repeat=1) / places
loops = per_place * N * (H - 2) ** 2
print(f"loops would take {loops:.1f} s for {N} images of {H}x{H} with {C} channels")

# %% [markdown]
# ## One product, compiled loops, fewer products
#
# `kernels` chooses the implementation. All other code in the library calls
# `kernels.conv2d`, regardless of the implementation.

# %%
source(kernels.implementation, dispatch.on_cpu)


# %%
def with_kernels(name, algorithm):
    with kernels.use(name), limit_threads(1):
        return kernels.conv2d(x, W, b, 1, 0, algorithm=algorithm)


ways = {
    "NumPy, im2col": ("reference", "im2col"),
    "compiled, im2col": ("numba", "im2col"),
    "compiled, Winograd": ("numba", "winograd"),
}
outputs = {name: with_kernels(*way) for name, way in ways.items()}
taken = {
    name: seconds(lambda way=way: with_kernels(*way)) for name, way in ways.items()
}
reference = outputs["NumPy, im2col"]
rows = [("loops", f"{1e3 * loops:.0f} ms", "1", "-")]
for name, time_taken in taken.items():
    difference = abs(outputs[name] - reference).max() / abs(reference).max()
    ratio = f"{loops / time_taken:.0f}"
    rows.append((name, f"{1e3 * time_taken:.2f} ms", ratio, f"{difference:.0e}"))
table(("", "time", "times faster", "relative difference"), rows)

# %%
figure, (panel,) = new_figure(width=6.5, height=2.4)
names = ["loops", *taken]
panel.barh(
    names, [loops, *taken.values()], color=["#999", "#56b4e9", "#0072b2", "#d55e00"]
)
panel.set(xscale="log", xlabel="seconds, logarithmic")
panel.invert_yaxis()
picture(
    figure,
    "Bars of the four times on a logarithmic axis: the loops take thousands of times "
    "as long as NumPy, and compiled kernels are faster still.",
)

# %% [markdown]
# **What to notice.** The largest gain comes from the step from loops to *one product*,
# which BLAS computes at nearly the processor's full speed. Compiling saves time around
# the product, because im2col then copies block by block within the cache. `python -m
# tests.benchmarks` compares whole networks with PyTorch.
#
# ## How large is im2col's matrix?

# %%
col = (H - 2) ** 2 * 9 * C * N * 4
print(f"images {x.nbytes / 1e6:.2f} MB, their matrix {col / 1e6:.2f} MB")

# %% [markdown]
# The reference builds the whole matrix. The compiled kernel builds one block at a time,
# which never leaves the cache.
#
# ## Fewer products: Winograd's algorithm, on four numbers
#
# A filter $g$ of three taps on four pixels $d$ gives two outputs:
#
# $$\mathrm{out}_0 = d_0 g_0 + d_1 g_1 + d_2 g_2, \qquad
#   \mathrm{out}_1 = d_1 g_0 + d_2 g_1 + d_3 g_2.$$
#
# This takes six multiplications. To save some, first consider a related problem, the
# product of two *polynomials*. $u(t) = u_0 + u_1 t$ times $g(t) = g_0 + g_1 t + g_2
# t^2$ has four coefficients, so its values at four points determine it, and each value
# is a single product, $u(t)\,g(t)$. Evaluate both polynomials at four points, multiply
# value by value, and interpolate. This takes **four** multiplications instead of six.
#
# $$u\,g = B \bigl[(G g) \odot (A u)\bigr].$$
#
# $A$ and $G$ evaluate at the points 0, 1, -1 and $\infty$ (where the value is the last
# coefficient), and $B$ interpolates. The halves of the interpolation are moved into
# $G$, because $G g$ is computed only once for all pixels. (The negative signs in the
# last row of $A$ and the last column of $B$ cancel; the matrices are usually printed
# this way.)

# %%
A = np.array([[1, 0], [1, 1], [1, -1], [0, -1]])
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
B = np.array([[1, 0, 0, 0], [0, 1, -1, 1], [-1, 1, 1, 0], [0, 0, 0, -1]])
u, g = rng.standard_normal(2), rng.standard_normal(3)
print("term by term", np.convolve(u, g))
print("by values   ", B @ ((G @ g) * (A @ u)))

# %% [markdown]
# Now back to the filter. The map $u \mapsto u\,g$ is linear. Its matrix has $g$ in the
# first column and $g$, one row lower, in the second. The rows of its transpose are $g$
# and $g$ moved by one, which is our filter, from four pixels to two outputs. A product
# of matrices is transposed factor by factor, in reverse order:
#
# $$\mathrm{out} = A^T \bigl[(G g) \odot (B^T d)\bigr].$$

# %%
A_T, B_T = A.T, B.T
d = rng.standard_normal(4)
direct = np.array([d[0:3] @ g, d[1:4] @ g])
products = (G @ g) * (B_T @ d)  # four
print("direct  ", direct)
print("Winograd", A_T @ products)

# %% [markdown]
# The additions in $B^T d$ are cheap, and $G g$ is computed once for all pixels. In two
# dimensions the saving is squared: $F(2\times2, 3\times3)$ needs 16 products instead of
# 36, and the library's $F(4\times4, 3\times3)$ needs 36 instead of 144.

# %%
table(
    ("", "direct", "Winograd", "ratio"),
    [
        (f"F({m}x{m}, 3x3)", m**2 * 9, (m + 2) ** 2, m**2 * 9 / (m + 2) ** 2)
        for m in (2, 4, 6)
    ],
)

# %% [markdown]
# ## Its backward pass is its transpose
#
# The map from $d$ to out is linear, so its backward pass is its transpose: $A$, then
# $\odot\, Gg$, then $B$. This is again the product of polynomials.

# %%
dout = rng.standard_normal(2)
dd = B_T.T @ ((G @ g) * (A_T.T @ dout))
measured = np.array(
    [
        sum(dout[k] * g[i - k] for k in range(2) if 0 <= i - k < 3)  # by the definition
        for i in range(4)
    ]
)
print("transposed  ", dd)
print("definition  ", measured)

# %% [markdown]
# The library applies $B^T$ to six vectors of pixels at a time. The product is written
# out as sums, since multiplying by zeros and ones would waste time:

# %%
source(b_transposed.py_func if hasattr(b_transposed, "py_func") else b_transposed)

# %% [markdown]
# **Rounding.** The points 2 and -2 of $F(4\times4, 3\times3)$ lead to larger numbers,
# which round more coarsely. Larger tiles need more points and even larger numbers, so
# the library stops at four.

# %%
exact = kernels.conv2d(
    x.astype(np.float64), W.astype(np.float64), b.astype(np.float64), 1, 0
)
table(
    ("", "largest error, relative"),
    [
        (name, f"{abs(out - exact).max() / abs(exact).max():.1e}")
        for name, out in outputs.items()
    ],
)

# %% [markdown]
# ## Step into a compiled kernel
#
# A debugger can't step through a compiled function. But the kernels are plain Python
# functions with a decorator, and `NUMBA_DISABLE_JIT=1` disables the decorator. Python's
# own debugger then stops in them:
#
#     $ export NUMBA_DISABLE_JIT=1 OPENBLAS_NUM_THREADS=1
#     $ .venv/bin/python -m pdb tutorials/10_three_speeds.py
#     (Pdb) from minidl.kernels.cpu import winograd
#     (Pdb) break winograd.forward
#     (Pdb) continue
#     (Pdb) step
#     (Pdb) p x.shape
#
# (Python must use one thread, because the debugger only sees the thread in which it was
# started.) You can also put `breakpoint()` into any kernel and run your own script with
# the same two variables. To call a single function uncompiled, use its attribute
# `py_func`.

# %%
kernel = elementwise.keep_positive
plain = getattr(kernel, "py_func", kernel)
dout, out, dx = np.array([1.0, 2.0, 3.0]), np.array([0.0, 5.0, 1.0]), np.empty(3)
plain(dout, out, dx, 1.0)  # put a breakpoint here and step: it is Python
print("the gradient of ReLU, uncompiled:", dx)
source(plain)
print("the whole loop of Winograd's algorithm:")
source(getattr(winograd.forward, "py_func", winograd.forward))

# %% [markdown]
# ## Your turn
#
# **10.1** $F(2, 3)$: two outputs from d (4,) and g (3,), with four products.
# (`check` counts the products that it can follow, too.)


# %%
def winograd_1d(d, g):
    return ...


check(winograd_1d)

# %% [markdown]
# **10.2** The number of products of the direct algorithm, divided by that of
# $F(m\times m, r\times r)$.


# %%
def products_saved(m, r):
    return ...


check(products_saved)

# %% [markdown]
# **10.3** The size of im2col's matrix, divided by that of the image: H x W pixels,
# windows of K x K, no padding.


# %%
def im2col_growth(H, W, K):
    return ...


check(im2col_growth)

# %% [markdown]
# **Next:** the whole experiment, in [chapter 11](11_the_paper.ipynb).
