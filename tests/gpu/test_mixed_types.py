"""Networks in one type, images in another, and arrays that were replaced meanwhile.

Kernels for float32 take any bytes for float32, so that a mixture that isn't converted
or refused is computed to nonsense. The host's results are the measure.
"""

import numpy as np
import pytest

from ensembles import Ensemble
from minidl import SGD, Adam, Parameter, accuracy, kernels, to_device, to_numpy, train
from minidl.backend import device_of
from minidl.losses import cross_entropy
from minidl.optimizers import OPTIMIZERS
from tests.gpu.both_devices import agree, moved
from tests.gpu.test_on_device import X, Y, network

TYPES = ("float32", "float64")
IMAGES = {"uint8": X[:6], **{t: (X[:6] / 255).astype(t) for t in TYPES}}
LABELS = Y[:6]

pytestmark = pytest.mark.usefixtures("gpu", "one_order")


def gradients(model, x, y):
    """Costs, logits and all gradients of a step of training."""
    z = model.forward(x, np.random.default_rng(0))
    costs, dz = cross_entropy(z, y)
    return [costs, z, model.backward(dz), *(p.grad for p in model.params)]


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("own", TYPES)
def test_a_step_with_images_of_each_type(own, images):
    def step(device):
        model = network(dtype=own).to_device(device)
        return gradients(model, *moved(device, IMAGES[images], LABELS))

    agree(step, 1e-4)


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("own", TYPES)
def test_training_and_votes_on_images_of_each_type(own, images):
    def trained(device):
        members = [network(0, own).to_device(device), network(1).to_device(device)]
        x, y = moved(device, IMAGES[images], LABELS)
        ensemble, [model, _] = Ensemble(members), members
        right = accuracy(ensemble, x, y)
        p = [] if images == "uint8" else [ensemble.predict_proba(x)]
        optimizer, rng = Adam(model.params, 1e-3), np.random.default_rng(0)
        train(model, IMAGES[images], LABELS, optimizer, 1, 3, rng)
        return [right, *p, *(p.data for p in model.params)]

    agree(trained, 1e-3)


@pytest.mark.parametrize("then", TYPES)
@pytest.mark.parametrize("kind", ["momentum", "adam"])
def test_averages_of_another_type_are_refused(kind, then):
    def trained(device):
        model = network().to_device(device)
        optimizer = OPTIMIZERS[kind](model.params, 1e-3)
        optimizer.step()
        model.astype(then)
        optimizer.step()
        return [p.data for p in model.params]

    agree(trained)


def test_a_product_goes_into_a_view_with_gaps():
    def product(device):
        a, wide = moved(device, IMAGES["float64"].reshape(6, -1), np.zeros((6, 12)))
        return [kernels.matmul(a, a.T, out=wide[:, ::2])]

    agree(product)


def parameters(device, *types):
    """A few parameters, with gradients."""
    rng = np.random.default_rng(0)
    found = [Parameter(to_device(rng.random(5).astype(t), device)) for t in types]
    for p in found:
        p.grad[...] = p.data * 2
    return found


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_parameters_of_two_types_stay_what_they_are(kind):
    def stepped(device):
        params = parameters(device, "float32", "float64", "float32")
        optimizer = OPTIMIZERS[kind](params, 0.1)
        for _ in range(2):
            optimizer.step()
        return [p.data for p in params]

    agree(stepped)


def scale_gradient(p, averages):
    p.grad = p.grad * 0.25


def replace_data(p, averages):
    p.data = p.data * 2


def replace_all(p, averages):
    p.replace(p.data * 2)
    p.grad = p.data * 3


def replace_averages(p, averages):
    for slot in averages:
        averages[slot] = averages[slot] * 0 + 1


def move_and_return(p, averages):
    there = "gpu" if device_of(p.data) == "cpu" else "cpu"
    p.data = to_device(to_device(p.data, there), device_of(p.data))


REPLACEMENTS = (
    scale_gradient,
    replace_data,
    replace_all,
    replace_averages,
    move_and_return,
)


@pytest.mark.parametrize("replace", REPLACEMENTS)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_what_is_replaced_between_steps_is_noticed(kind, replace):
    def stepped(device):
        params = parameters(device, "float32", "float32")
        optimizer = OPTIMIZERS[kind](params, 0.1)
        for _ in range(3):
            for p in params:
                p.grad[...] = p.data * 2
            replace(params[1], optimizer.averages[1])
            optimizer.step()
        return [p.data for p in params]

    agree(stepped)


def of_another_shape(p, averages):
    p.replace(p.data[:4])


def with_averages_elsewhere(p, averages):
    there = "gpu" if device_of(p.data) == "cpu" else "cpu"
    for slot in averages:
        averages[slot] = to_device(averages[slot], there)


@pytest.mark.parametrize("spoil", [of_another_shape, with_averages_elsewhere])
@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_parameter_that_its_averages_do_not_fit_is_refused(kind, spoil):
    for device in ("cpu", "gpu"):
        params = parameters(device, "float32", "float32")
        optimizer = kind(params, 0.1)
        optimizer.step()
        spoil(params[1], optimizer.averages[1])
        before = [to_numpy(p.data).copy() for p in params]
        with pytest.raises(ValueError, match=r"[vm] must (have shape|be on the)"):
            optimizer.step()
        assert all(map(np.array_equal, before, [to_numpy(p.data) for p in params]))


def test_parameters_may_lie_on_two_devices():
    def stepped(device):
        params = parameters(device, "float32") + parameters("cpu", "float32")
        optimizer = Adam(params, 0.1)
        optimizer.step()
        return [p.data for p in params]

    agree(stepped)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(
    "y", [[[0], [1]], [[0, 1]], [0], 1, [0, 1, 2], [0.0, 1.0], [True, False]]
)
def test_labels_that_would_be_broadcast_are_refused(dtype, y):
    """Only -1 and K are left to the kernel, which makes them NaN."""

    def cost(device):
        z, labels = moved(device, np.ones((2, 3), dtype), np.array(y))
        return list(cross_entropy(z, labels))

    agree(cost)


@pytest.mark.parametrize("own", TYPES)
def test_labels_that_were_changed_in_place_are_looked_at_again(own):
    model = network(dtype=own).to_device("gpu")
    x, y = moved("gpu", IMAGES[own], LABELS)
    y[0] = 0
    optimizer, rng = SGD(model.params, 0.1), np.random.default_rng(0)
    for use in (
        lambda: train(model, x, y, optimizer, 1, 3, rng),
        lambda: accuracy(model, x, y),
    ):
        y[1] = 0
        use()
        y[1] = 3  # a GPU would take it for class 0
        with pytest.raises(ValueError, match="y must be 0 to 2, got 0 to 3"):
            use()
