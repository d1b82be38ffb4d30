"""Dropout: the mask, its generator, and the stale mask that must not be."""

import numpy as np

from minidl import Dropout, kernels


def test_evaluation_is_the_identity(rng):
    layer, x = Dropout(0.5), rng.standard_normal((3, 4))
    assert np.array_equal(layer.forward(x), x)
    assert np.array_equal(layer.backward(x), x)


def test_no_stale_mask(rng):
    # Training, then evaluation: the gradient must be the evaluation's, the identity.
    layer, x = Dropout(0.5), rng.standard_normal((8, 8))
    layer.forward(x, np.random.default_rng(0))
    layer.forward(x)
    dout = rng.standard_normal((8, 8))
    assert np.array_equal(layer.backward(dout), dout)


def test_the_mask_is_the_kernels_at_the_generators_next_number():
    x = np.ones((5, 6), np.float32)
    out = Dropout(0.3).forward(x, np.random.default_rng(4))
    seed = int(np.random.default_rng(4).integers(2**63))
    assert np.array_equal(out, kernels.dropout_mask(x, 0.3, seed))


def test_a_generator_gives_the_same_mask_once(rng):
    layer, x = Dropout(0.5), np.ones((20, 20))
    one = layer.forward(x, np.random.default_rng(1))
    generator = np.random.default_rng(1)
    assert np.array_equal(layer.forward(x, generator), one)
    assert not np.array_equal(layer.forward(x, generator), one)
