"""Networks with PyTorch's weights compute what PyTorch computes."""

import numpy as np
import pytest

from minidl import (
    Conv2D,
    Flatten,
    Layer,
    Linear,
    Parameter,
    ReLU,
    Sequential,
    cifar10_cnn,
    cross_entropy,
    load_torch_state,
    mnist_cnn,
)
from tests.oracles import assert_close, same_bits

torch = pytest.importorskip("torch", reason="PyTorch, an oracle, isn't installed")
nn = torch.nn
torch.set_num_threads(1)  # its threads would fight for the cores with ours


class FlattenLast(nn.Module):
    """(N, C, H, W) -> (N, H W C)."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


def table1(flatten, pad=0):
    size = (24 + 4 * pad) // 2
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=pad), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, padding=pad), nn.ReLU(), nn.MaxPool2d(2)),
        *(flatten(), nn.Linear(32 * size**2, 128), nn.ReLU(), nn.Dropout(0.5)),
        nn.Linear(128, 10),
    )


def table3(flatten):
    layers, C = [], 3
    for filters, rate in ((32, 0.2), (64, 0.3), (128, 0.4)):
        for inputs in (C, filters):
            layers += [nn.Conv2d(inputs, filters, 3, padding=1), nn.ReLU()]
        layers += [nn.MaxPool2d(2), nn.Dropout(rate)]
        C = filters
    layers += [flatten(), nn.Linear(2048, 512), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(512, 10))


OUR_AXES = {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}
TABLES = {
    "Table 1": (mnist_cnn, table1),
    "Table 1, padded": (lambda rng: mnist_cnn(rng, pad=1), lambda f: table1(f, 1)),
    "Table 3": (cifar10_cnn, table3),
}


@pytest.mark.parametrize("flatten", [nn.Flatten, FlattenLast])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-11)]
)
@pytest.mark.parametrize("name", TABLES)
def test_logits_costs_and_all_gradients_are_pytorchs(name, flatten, dtype, tolerance):
    build, build_module = TABLES[name]
    torch.manual_seed(0)
    module = build_module(flatten).to(getattr(torch, np.dtype(dtype).name)).eval()
    model = build(np.random.default_rng(0)).astype(dtype)
    load_torch_state(model, module.state_dict(), channels_last=flatten is FlattenLast)

    rng = np.random.default_rng(1)
    x, y = rng.random((3, *model.input_shape)).astype(dtype), np.array([1, 5, 9])
    leaf, z = torch.tensor(x, requires_grad=True), model.forward(x)
    costs, dz = cross_entropy(z, y)
    their_z = module(leaf.permute(0, 3, 1, 2))
    their_costs = nn.functional.cross_entropy(
        their_z, torch.tensor(y), reduction="none"
    )
    their_costs.sum().backward()
    assert_close(z, their_z.detach(), tolerance)
    assert_close(costs, their_costs.detach(), tolerance)
    assert_close(model.backward(dz), leaf.grad, tolerance)
    if flatten is FlattenLast:  # else a matrix has its rows in another order
        for p, theirs in zip(model.params, module.parameters(), strict=True):
            grad = theirs.grad.numpy().transpose(OUR_AXES[theirs.ndim])
            assert_close(p.grad, grad, tolerance)


def test_a_second_flatten_changes_nothing(rng):
    layers = [Conv2D(2, 3, 3, rng=rng), Flatten(), Flatten(), Linear(48, 4, rng=rng)]
    model = Sequential(layers, (6, 6, 2))
    module = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Flatten(), nn.Linear(48, 4)
    )
    load_torch_state(model, module.state_dict())
    x = rng.random((2, 6, 6, 2)).astype(np.float32)
    theirs = module(torch.tensor(x).permute(0, 3, 1, 2)).detach()
    assert_close(model.forward(x), theirs, 1e-5)


class Rows(Layer):
    """Flattens in any order of the axes."""

    def __init__(self, *axes):
        self.axes = axes

    def forward(self, x, rng=None):
        return self.remember(x.transpose(0, *self.axes).reshape(len(x), -1), None)

    def output_shape(self, input_shape):
        return (int(np.prod(input_shape)),)


class Means(Rows):
    """Each channel's mean over all pixels."""

    def forward(self, x, rng=None):
        return self.remember(x.mean(axis=(1, 2)), None)

    def output_shape(self, input_shape):
        return input_shape[2:]


class Sums(Rows):
    """Flattens, and is no permutation."""

    def forward(self, x, rng=None):
        return super().forward(x).cumsum(axis=1)


class Half(Rows):
    """Every second feature, or row of pixels."""

    def forward(self, x, rng=None):
        return self.remember(x[:, ::2], None)

    def output_shape(self, input_shape):
        return (input_shape[0] // 2, *input_shape[1:])


class Unflatten(Rows):
    """Images of rows of numbers."""

    def forward(self, x, rng=None):
        return self.remember(x.reshape(len(x), 4, 4, 3), None)

    def output_shape(self, input_shape):
        return 4, 4, 3


ORDERS = [(1, 2, 3), (3, 1, 2), (2, 3, 1)]
MIDDLES = {
    "nested": lambda: [Sequential([ReLU(), Flatten()], (4, 4, 3))],
    "nested twice": lambda: [
        Sequential([Sequential([Flatten()], (4, 4, 3)), ReLU()], (4, 4, 3))
    ],
    **{f"own {axes}": lambda axes=axes: [Rows(*axes), ReLU()] for axes in ORDERS},
}


@pytest.mark.parametrize("middle", MIDDLES)
def test_whatever_layer_flattens_in_any_order_the_logits_are_pytorchs(rng, middle):
    layers = [Conv2D(2, 3, 3, rng=rng), *MIDDLES[middle](), Linear(48, 4, rng=rng)]
    model = Sequential(layers, (6, 6, 2))
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten())
    module.append(nn.Linear(48, 4))
    load_torch_state(model, module.state_dict())
    x = rng.random((2, 6, 6, 2)).astype(np.float32)
    theirs = module(torch.tensor(x).permute(0, 3, 1, 2)).detach()
    assert_close(model.forward(x), theirs, 1e-5)


def test_the_mean_of_each_channel_keeps_their_order(rng):
    layers = [Conv2D(2, 3, 3, rng=rng), ReLU(), Means(), Linear(3, 4, rng=rng)]
    model = Sequential(layers, (6, 6, 2))
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    module.extend([nn.Flatten(), nn.Linear(3, 4)])
    load_torch_state(model, module.state_dict())
    x = rng.random((2, 6, 6, 2)).astype(np.float32)
    theirs = module(torch.tensor(x).permute(0, 3, 1, 2)).detach()
    assert_close(model.forward(x), theirs, 1e-5)


@pytest.mark.parametrize(
    ("middle", "D", "message"),
    [
        ([Sums(1, 2, 3)], 48, r"Sums\(\) from \(4, 4, 3\) to \(48,\)"),
        ([Flatten(), Half()], 24, r"Half\(\) from \(48,\) to \(24,\)"),
        ([Flatten(), Unflatten(), Flatten()], 48, r"Unflatten\(\) from \(48,\) to"),
    ],
)
def test_layers_that_lose_the_order_of_features_are_named(rng, middle, D, message):
    layers = [Conv2D(2, 3, 3, rng=rng), *middle, Linear(D, 4, rng=rng)]
    model = Sequential(layers, (6, 6, 2))
    tensors = [np.zeros(s) for s in ((3, 2, 3, 3), (3,), (4, D), (4,))]
    tensors = dict(zip("abcd", tensors, strict=True))
    with pytest.raises(TypeError, match=f"^model must flatten images .* got {message}"):
        load_torch_state(model, tensors)
    load_torch_state(model, tensors, channels_last=True)
    assert not model.params[2].data.any()


def test_layers_that_mix_no_pixels_may_lose_some(rng):
    layers = [Half(), Conv2D(2, 3, 3, rng=rng), Flatten(), Linear(12, 8, rng=rng)]
    model = Sequential([*layers, Half(), Linear(4, 2, rng=rng)], (6, 6, 2))
    shapes = (3, 2, 3, 3), (3,), (8, 12), (8,), (2, 4), (2,)
    arrays = {str(i): rng.standard_normal(shape) for i, shape in enumerate(shapes)}
    load_torch_state(model, arrays)
    assert_close(model.params[4].data, arrays["4"].T, 1e-6)


def small(rng):
    layers = [Conv2D(2, 3, 3, rng=rng), ReLU(), Flatten(), Linear(48, 4, rng=rng)]
    return Sequential(layers, (6, 6, 2))


def state():
    module = nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Flatten())
    module.append(nn.Linear(48, 4))
    return module.state_dict()


def without(name):
    return {key: tensor for key, tensor in state().items() if key != name}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (without("3.bias"), "state must hold 4 tensors, .* got 3: 0.weight, 0.bias, "),
        (state() | {"4": torch.zeros(1)}, "state must hold 4 tensors, .* got 5: "),
        (state() | {"3.weight": torch.zeros(48, 4)}, r"state\['3.weight'\] must have"),
        (state() | {"0.bias": torch.zeros(4)}, r"state\['0.bias'\] must have shape"),
        (state() | {"0.bias": [np.nan] * 3}, r"state\['0.bias'\] must hold finite"),
        (state() | {"3.bias": torch.ones(4) * torch.inf}, r"state\['3.bias'\] must"),
        (
            state() | {"0.bias": torch.ones(3).double() * 1e39},
            r"state\['0.bias'\] must be finite in float32, got 1e\+39",
        ),
        *(
            (state() | {"0.bias": bad}, rf"state\['0.bias'\] must .*{kind}")
            for bad, kind in (
                (torch.full((3,), 1 + 5j), "complex64"),
                (torch.ones(3, dtype=torch.int64), "int64"),
                (np.ma.array(np.ones(3), mask=[0, 1, 0]), "MaskedArray"),
            )
        ),
        (state() | {"3.bias": ["a"] * 4}, r"state\['3.bias'\] must hold finite floats"),
    ],
)
def test_what_does_not_fit_is_named_and_changes_nothing(rng, bad, message):
    model = small(rng)
    before = [p.data.copy() for p in model.params]
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        load_torch_state(model, bad)
    assert same_bits(model.params, before)


def test_arrays_and_half_precision_are_taken(rng):
    model, tensors = small(rng), state()
    load_torch_state(model, {name: t.to(torch.bfloat16) for name, t in tensors.items()})
    x = np.random.default_rng(0).random((2, 6, 6, 2))
    about = model.forward(x)
    load_torch_state(model, {name: t.numpy() for name, t in tensors.items()})
    assert_close(about, model.forward(x), 0.05)
    load_torch_state(model, {f"module.{name}": t for name, t in tensors.items()})


class Scale(Layer):
    def __init__(self):
        self.scale = Parameter(np.ones(1))

    @property
    def params(self):
        return (self.scale,)

    def forward(self, x, rng=None):
        return self.remember(x * self.scale.data, x)

    def backward(self, dout, param_grads=True, input_grad=True):
        return dout * self.scale.data


def test_other_layers_that_learn_are_named(rng):
    model = Sequential([Flatten(), Scale(), Linear(8, 3, rng=rng)], (2, 2, 2))
    with pytest.raises(TypeError, match=r"^model must learn in Conv2D and Linear"):
        load_torch_state(model, {})
