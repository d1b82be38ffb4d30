"""One check for each CUDA kernel, against loops and rules that share no code with it.

They run on whatever `to_device` reaches: the stand-in, which runs the kernels' source
on this CPU, or a GPU. Whole numbers are used where sums would round: those are exact.
"""

import math
from itertools import product
from unittest import mock

import numpy as np

from minidl import kernels, to_device, to_numpy
from minidl.kernels import reference
from minidl.kernels.gpu import operations
from tests import oracles
from tests.oracles import assert_close

# Image sizes, windows, strides and paddings; some windows leave pixels out.
WINDOWS = [
    ((2, 5, 7, 3), (3, 3), 1, 1),
    ((1, 6, 5, 1), (3, 2), 2, 1),
    ((2, 4, 4, 2), (1, 1), 1, 0),
    ((1, 16, 16, 1), (1, 1), 1, 0),  # as many numbers as a block has threads
    ((1, 5, 4, 2), (5, 4), 1, 2),
    ((2, 7, 4, 2), (2, 3), 3, 0),
    ((1, 3, 3, 1), (3, 3), 3, 2),
    ((2, 5, 6, 8), (3, 3), 2, 1),  # channels in fours
    ((1, 2, 3, 301), (1, 2), 1, 0),  # more than a block has threads
]
POOLINGS = [
    ((2, 6, 8, 3), 2, 2),
    ((1, 7, 5, 2), 3, 1),
    ((2, 5, 5, 1), 2, 3),
    ((1, 16, 16, 1), 16, 16),
    ((2, 7, 5, 8), 2, 2),
    ((1, 6, 7, 4), 3, 2),
    ((1, 3, 2, 301), 2, 1),
]
SIZES = (1, 255, 256, 257, 1000)


def there(x):
    return to_device(np.asarray(x), "gpu")


def normal(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape, np.float32)


def whole(*shape):
    """Small whole numbers, many of them equal."""
    numbers = np.random.default_rng(sum(shape)).integers(-2, 3, shape)
    return numbers.astype(np.float32)


def same(result, expected):
    """Equal numbers in float32, which lie on the device."""
    assert not isinstance(result, np.ndarray)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(to_numpy(result), expected)


def im2col():
    for shape, window, stride, pad in WINDOWS:
        x = normal(*shape)
        col = kernels.im2col(there(x), window, stride, pad)
        same(col, oracles.im2col(x, window, stride, pad))


def col2im():
    for shape, window, stride, pad in WINDOWS:
        col = whole(*oracles.im2col(np.zeros(shape), window, stride, pad).shape)
        x = kernels.col2im(there(col), shape, window, stride, pad)
        same(x, oracles.col2im(col, shape, window, stride, pad))


def col2im_relu_grad():
    for shape, window, stride, pad in WINDOWS:
        col = whole(*oracles.im2col(np.zeros(shape), window, stride, pad).shape)
        out = np.maximum(whole(*shape), 0)
        how = (shape, window, stride, pad)
        du = there(np.zeros(shape, np.float32))
        operations.sum_windows(there(col), du, *how[1:], relu_out=there(out))
        same(du, oracles.col2im(col, *how) * (out > 0))


def convolution(shape, window, stride, pad):
    """Whole numbers x, W and b, and the convolution of x and W with b added."""
    x, W = whole(*shape), whole(*window, shape[3], 5)
    b = np.arange(-2, 3, dtype=np.float32)
    return x, W, b, oracles.conv2d(x, W, stride, pad) + b


def conv2d():
    for shape, window, stride, pad in WINDOWS:
        x, W, b, expected = convolution(shape, window, stride, pad)
        arguments = (there(x), there(W), there(b), stride, pad)
        same(kernels.conv2d(*arguments), expected)
        same(kernels.conv2d(*arguments, relu=True), np.maximum(expected, 0))


def bias_relu():
    for shape in ((3, 5), (2, 3, 4, 8), (1, 1, 300, 4), (2, 301)):
        u, b = whole(*shape), whole(shape[-1])
        same(kernels.bias_relu(there(u), there(b)), np.maximum(u + b, 0))
        mask = expected_mask(u, 0.5, 7)
        same(kernels.bias_relu(there(u), there(b), 0.5, 7), np.maximum(u + b, 0) * mask)


def expected_mask(x, rate, seed):
    """Dropout's mask by another way."""
    bits, kept = oracles.splitmix64(seed, x.size), np.float32(1 / (1 - rate))
    least = round(rate * 2**24)
    mask = [kept if b >> 40 >= least else np.float32(0) for b in bits]
    return np.array(mask, np.float32).reshape(x.shape)


def conv2d_block():
    for shape, pad in (((2, 6, 5, 2), 1), ((1, 4, 6, 4), 0), ((3, 18, 4, 2), 0)):
        x, W, b, out = convolution(shape, (3, 3), 1, pad)
        out = np.maximum(out, 0)
        expected, places = oracles.max_pool(out, 2, 2)
        for rate in (0.0, 0.5):
            arguments = (there(x), there(W), there(b), 1, pad, "auto")
            pooled, argmax, none = kernels.conv2d_block(*arguments, True, rate, 9)
            assert none is None
            mask = expected_mask(expected, rate, 9) if rate else 1
            same(pooled, expected * mask)
            np.testing.assert_array_equal(to_numpy(argmax), places)
            mask = expected_mask(out, rate, 9) if rate else 1
            found = kernels.conv2d_block(*arguments, False, rate, 9, keep=True)
            same(found[0], out * mask)
            same(found[2], oracles.im2col(x, (3, 3), 1, pad))


def conv2d_block_grads():
    """Each of its steps, alone and together, with and without columns."""
    for (shape, window, stride, pad), F, pool in product(WINDOWS, (5, 8), (0, 1)):
        x, W = np.maximum(whole(*shape), 0), whole(*window, shape[3], F)
        out = oracles.conv2d(x, W, stride, pad).astype(np.float32)
        if pool and min(out.shape[1:3]) < 2:
            continue
        kept, argmax = reference.max_pool(out, 2, 2) if pool else (out, None)
        dout, kept = whole(*kept.shape), np.maximum(kept, 0)
        du = dout * 2 * (kept > 0)
        if pool:
            du = reference.max_pool_grad(du, argmax, out.shape, 2, 2)
        rows, col = du.reshape(-1, F), oracles.im2col(x, window, stride, pad)
        dx = oracles.col2im(rows @ W.reshape(-1, F).T, shape, window, stride, pad)
        for columns in (None, col):
            dW, db = there(W * np.nan), there(W[0, 0, 0] * np.nan)
            block = [a if a is None else there(a) for a in (kept, argmax, columns)]
            how = stride, pad, "auto", dW, db, True, *block, 2.0, True
            arguments = [there(a) for a in (x, dout, W)]
            same(kernels.conv2d_block_grads(*arguments, *how), dx * (x > 0))
            same(dW, (col.T @ rows).reshape(W.shape))
            same(db, rows.sum(axis=0))


def sum_rows():
    for N, H, W, F in ((1, 1, 1, 1), (3, 2, 5, 4), (2, 23, 50, 3)):
        dout, out = whole(N, H, W, F), whole(F, N, H, W).reshape(N, H, W, F)
        for most in (2**22, 0):  # in one pass, and in two
            with mock.patch.object(operations, "IN_ONE_PASS", most):
                sums = there(np.full(F, np.nan, np.float32))
                operations.sum_over_pixels(there(dout), None, 1.0, sums)
                same(sums, dout.sum(axis=(0, 1, 2)))
                operations.sum_over_pixels(there(dout), there(out), 2.0, sums)
                same(sums, (2 * dout * (out > 0)).sum(axis=(0, 1, 2)))


def conv2d_grads():
    for shape, window, stride, pad in WINDOWS:
        x, W, _, out = convolution(shape, window, stride, pad)
        dout = whole(*out.shape)
        arguments = [there(a) for a in (x, dout, W)]
        dx, dW = kernels.conv2d_grads(*arguments, stride, pad)
        rows = dout.reshape(-1, 5)  # (N*OH*OW, F)
        col = oracles.im2col(x, window, stride, pad)
        dcol = rows @ W.reshape(-1, 5).T
        same(dx, oracles.col2im(dcol, shape, window, stride, pad))
        same(dW, (col.T @ rows).reshape(W.shape))


def max_pool():
    for shape, size, stride in POOLINGS:
        x = whole(*shape)
        x[x == -1] = np.nan
        out, argmax = kernels.max_pool(there(x), size, stride)
        expected, places = oracles.max_pool(x, size, stride)
        same(out, expected)
        np.testing.assert_array_equal(to_numpy(argmax), places)


def max_pool_grad():
    for shape, size, stride in POOLINGS:
        x = whole(*shape)
        _, argmax = reference.max_pool(x, size, stride)
        dout = np.arange(1, argmax.size + 1, dtype=np.float32).reshape(argmax.shape)
        arguments = (there(dout), there(argmax), shape, size, stride)
        expected = oracles.max_pool_grad(dout, x, size, stride)
        same(kernels.max_pool_grad(*arguments), expected)
    places = np.array([[0, 3], [4, 0]], np.uint8).reshape(1, 2, 2, 1)  # 4: in no window
    dout = there(normal(1, 2, 2, 1))
    dx = kernels.max_pool_grad(dout, there(places), (1, 4, 4, 1), 2, 2)
    lost = np.zeros((1, 4, 4, 1), bool)
    lost[:, 2:, :2] = True
    np.testing.assert_array_equal(np.isnan(to_numpy(dx)), lost)


def relu_grad():
    for size in SIZES:
        dout, out = normal(size), np.maximum(whole(size), 0)
        dx = kernels.relu_grad(there(dout), there(out))
        same(dx, [d if o > 0 else 0 for d, o in zip(dout, out, strict=True)])
        dx = kernels.relu_grad(there(dout), there(out), 1.25)
        expected = np.float32(1.25) * dout
        same(dx, [d if o > 0 else 0 for d, o in zip(expected, out, strict=True)])


def dropout_mask():
    for size in SIZES:
        for seed, rate in ((0, 0.5), (2**63 - 1, 0.2), (7, 0.0)):
            x = normal(size)
            mask = kernels.dropout_mask(there(x), rate, seed)
            same(mask, expected_mask(x, rate, seed))


def cross_entropy():
    for N, K in ((1, 2), (300, 10), (5, 3)):
        z, y = 3 * normal(N, K), np.arange(N) % K
        costs, dz = map(to_numpy, operations.cross_entropy(there(z), there(y)))
        rows = [oracles.cross_entropy(z[n : n + 1], y[n : n + 1]) for n in range(N)]
        np.testing.assert_allclose(costs, rows, rtol=1e-6, atol=1e-6)
        assert_close(dz, oracles.softmax(z) - np.eye(K)[y], 1e-6)
    confident = np.array([[30, 0, 0], [-1e4, 1e4, 0]], np.float32)
    y = np.array([0, 0], np.uint8)
    costs, dz = map(to_numpy, operations.cross_entropy(there(confident), there(y)))
    np.testing.assert_allclose(costs, [0, 2e4], rtol=1e-6, atol=1e-6)
    assert_close(dz[0] * 2e13, np.array([-2, 1, 1]) * math.exp(-30) * 2e13, 1e-6)
    assert_close(dz[1], [-1, 1, 0], 1e-6)


def sgd_step():
    for size in SIZES:
        p, g, v = (normal(size + i)[:size] for i in range(3))
        moved = [there(a) for a in (p, g, v)]
        kernels.sgd_step(*moved, 0.5, 0.25)
        # Quarters and halves of float32 numbers are exact, their sums round once.
        same(moved[1], g)
        assert_close(to_numpy(moved[2]), 0.25 * v + g, 1e-7)
        assert_close(to_numpy(moved[0]), p - 0.5 * (0.25 * v + g), 2e-7)


def adam_step():
    for size in SIZES:
        p, g, m, v = (normal(size + i)[:size] for i in range(4))
        v = abs(v)
        moved = [there(a) for a in (p, g, m, v)]
        kernels.adam_step(*moved, (0.1, 0.01), 0.02, 1.5, 1e-3)
        new_m = 0.9 * m.astype(float) + 0.1 * g
        new_v = 0.99 * v.astype(float) + 0.01 * g.astype(float) ** 2
        new_p = p - 0.02 * new_m / (np.sqrt(1.5 * new_v) + 1e-3)
        for array, expected in zip(moved, (new_p, g, new_m, new_v), strict=True):
            assert_close(to_numpy(array), expected, 1e-6)


def sign_step():
    for size in SIZES:
        x, g = abs(whole(size)) / 2, whole(size)
        for eps, bounds in ((0.1, (0, 1)), (0.3, None), (0.0, (0.2, 0.7))):
            x_adv = x + np.float32(0.05) * whole(size)
            arguments = [there(a) for a in (x_adv, g, x)]
            moved = operations.sign_step(*arguments, 0.04, eps, bounds)
            expected = np.clip(x_adv + 0.04 * np.sign(g), x - eps, x + eps)
            same(moved, np.clip(expected, *(bounds or (-np.inf, np.inf))))


CHECKS = {
    function.__name__: function
    for function in (
        im2col,
        col2im,
        col2im_relu_grad,
        bias_relu,
        conv2d,
        conv2d_block,
        conv2d_block_grads,
        conv2d_grads,
        sum_rows,
        max_pool,
        max_pool_grad,
        relu_grad,
        dropout_mask,
        cross_entropy,
        sgd_step,
        adam_step,
        sign_step,
    )
}
