"""Fused blocks compute what the layers compute one after another."""

import numpy as np
import pytest

from minidl import Conv2D, Dropout, Flatten, Linear, MaxPool2D, ReLU, Sequential, trace
from minidl.fusion import ConvBlock, LinearBlock, fuse
from tests.oracles import assert_close


def network(rng, channels=2, filters=3):
    layers = [
        Conv2D(channels, filters, pad=1, rng=rng),
        ReLU(),
        Conv2D(filters, 9, rng=rng),
        ReLU(),
        MaxPool2D(2),
        Dropout(0.25),
        Conv2D(9, 8, rng=rng),
        ReLU(),
        Conv2D(8, 8, (1, 2), rng=rng),
        ReLU(),
        Dropout(0.5),
        MaxPool2D(3),
        Flatten(),
        Linear(8, 6, rng=rng),
        ReLU(),
        Dropout(0.5),
        Linear(6, 4, rng=rng),
    ]
    model = Sequential(layers, (14, 15, channels)).astype(np.float64)
    for p in model.params:
        p.data[:] = rng.standard_normal(p.data.shape)
    return model


def layer_by_layer(model, x, dout, seed=None):
    """Output, dJ/dx and all parameter gradients, without any fusion."""
    rng = training(seed)
    for layer in model.layers:
        x = layer.forward(x, rng)
    for layer in reversed(model.layers):
        dout = layer.backward(dout)
    return x, dout, *(p.grad.copy() for p in model.params)


def training(seed):
    return None if seed is None else np.random.default_rng(seed)


@pytest.mark.parametrize("seed", [None, 7])
@pytest.mark.parametrize("channels", [2, 8])
def test_a_fused_network_is_its_layers(each_way, channels, seed, rng):
    model = network(rng, channels, channels)
    x = rng.standard_normal((3, 14, 15, channels))
    dout = rng.standard_normal((3, 4))
    expected = layer_by_layer(model, x, dout, seed)
    out = model.forward(x, training(seed))
    fused = out, model.backward(dout), *(p.grad for p in model.params)
    for a, b in zip(fused, expected, strict=True):
        assert_close(a, b, 1e-11)


def test_a_block_alone_computes_all_gradients(rng):
    for first, shape in (
        (Conv2D(2, 3, rng=rng), (6, 6, 2)),
        (Linear(5, 3, rng=rng), (5,)),
    ):
        layers, x = [first, ReLU()], rng.random((4, *shape))
        [block] = fuse(layers)
        out = block.forward(x)
        dx = block.backward(dout := rng.standard_normal(out.shape))
        found = [dx, *(p.grad.copy() for p in first.params)]
        expected = layer_by_layer(Sequential(layers, shape), x, dout)
        for a, b in zip([out, *found], expected, strict=True):
            assert_close(a, b, 1e-6)


def test_what_is_fused(rng):
    model = network(rng)
    kinds = [type(block).__name__ for block in model.fused]
    blocks = ["ConvBlock"] * 4
    assert kinds == [*blocks, "MaxPool2D", "Flatten", "LinearBlock", "Linear"]
    found = [(b.pool, b.before_block, b.after_relu) for b in model.fused[:4]]
    pooled = [False, True, False, False]
    before, after = [True, False, True, False], [False, True, False, True]
    assert found == list(zip(pooled, before, after, strict=True))
    dropped = [model.fused[i].dropout for i in (1, 3, 6)]
    assert [d.rate for d in dropped] == [0.25, 0.5, 0.5]
    # Behind dropout, dJ/du needs its factor, too.
    conv, relu = Conv2D(1, 1, rng=rng), ReLU()
    first, second = fuse([conv, relu, Dropout(0.5), conv, relu])
    assert not first.before_block
    assert not second.after_relu


def test_what_stands_alone_is_kept(rng):
    conv, pool, relu = Conv2D(1, 2, rng=rng), MaxPool2D(2), ReLU()
    linear, dropout = Linear(2, 2, rng=rng), Dropout(0.1)
    alone = [conv, pool, relu], [relu, conv], [pool], [], [conv, dropout]
    for layers in (*alone, [linear, dropout, relu], [relu, linear]):
        assert fuse(layers) == layers


class Shifted(ReLU):
    """A ReLU of a user's own."""

    def forward(self, x, rng=None):
        return super().forward(x) + 1


class Doubled(Conv2D):
    """A convolution of a user's own."""

    def forward(self, x, rng=None):
        return 2 * super().forward(x)


class FirstOf4(MaxPool2D):
    """A pooling of a user's own."""

    def forward(self, x, rng=None):
        return x[:, ::2, ::2]


def test_layers_of_subclasses_are_kept_as_they_are(rng):
    x = rng.standard_normal((2, 6, 6, 1))
    for kinds in (
        (Conv2D, Shifted, MaxPool2D),
        (Doubled, ReLU, MaxPool2D),
        (Conv2D, ReLU, FirstOf4),
    ):
        conv, relu, pool = kinds
        layers = [conv(1, 2, rng=rng), relu(), pool(2)]
        model = Sequential(layers, (6, 6, 1))
        *_, last = trace(model, x)
        assert_close(model.forward(x), last.output, 1e-12)


@pytest.mark.parametrize("i", range(4))
@pytest.mark.parametrize("name", ["forward", "backward"])
def test_a_layer_with_a_function_of_its_own_runs_it(rng, name, i):
    layers = [Conv2D(1, 2, rng=rng), ReLU(), MaxPool2D(2), Dropout(0.5)]
    called, theirs = [], getattr(layers[i], name)
    setattr(layers[i], name, lambda *given: (called.append(1), theirs(*given))[1])
    model = Sequential(layers, (6, 6, 1))
    out = model.forward(rng.standard_normal((2, 6, 6, 1), np.float32))
    model.backward(np.ones_like(out))
    assert called


@pytest.mark.parametrize("pool", [(3, 2), (2, 1), (2, 3), (2, 2)])
def test_pooling_of_any_windows_is_its_layers(each_way, rng, pool):
    layers = [Conv2D(1, 2, rng=rng), ReLU(), MaxPool2D(*pool)]
    model, x = Sequential(layers, (9, 9, 1)), rng.standard_normal((2, 9, 9, 1))
    model.astype(np.float64)
    dout = rng.standard_normal((2, *model.shapes[-1]))
    expected = layer_by_layer(model, x, dout)
    found = model.forward(x), model.backward(dout), *(p.grad for p in model.params)
    for a, b in zip(found, expected, strict=True):
        assert_close(a, b, 1e-12)


def test_dropout_at_rate_0_draws_its_seed_as_any_other(rng):
    """The masks behind it are the same in a block and alone."""
    layers = [Linear(5, 5, rng=rng), ReLU(), Dropout(0), ReLU(), Dropout(0.5)]
    model, x = Sequential(layers, (5,)), rng.random((4, 5), np.float32)
    expected = layer_by_layer(model, x, x, seed=7)[0]
    assert_close(model.forward(x, training(7)), expected, 1e-6)


def test_the_description_names_all_parts(rng):
    conv = Conv2D(1, 2, rng=rng)
    assert str(ConvBlock(conv, pool=True)) == f"{conv}, ReLU(), MaxPool2D(2x2)"
    assert str(ConvBlock(conv, pool=False)) == f"{conv}, ReLU()"
    assert str(ConvBlock(conv, False, Dropout(0.1))) == f"{conv}, ReLU(), Dropout(0.1)"
    block = LinearBlock(Linear(1, 2, rng=rng), Dropout(0.5))
    assert str(block) == "Linear(1, 2), ReLU(), Dropout(0.5)"
