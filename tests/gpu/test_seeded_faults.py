"""Faults put into the GPU path on purpose: each is caught by a test.

Faults of kernels are caught by that kernel's check in `checks.py`, the others by tests
of layers, types, launches and transfers.
"""

from functools import cache

import numpy as np
import pytest

from attacks import bim, model_gradient, norms
from attacks.diagnosis import diagnostics
from attacks.evaluation import robustness as evaluation
from attacks.evaluation import suites
from minidl import (
    Adam,
    Flatten,
    Linear,
    Sequential,
    checks,
    gradcheck,
    kernels,
    to_device,
)
from minidl.backend import device_of, get_array_module
from minidl.kernels import arguments
from minidl.kernels.gpu import cuda, flat_parameters, operations
from minidl.training import train
from tests.gpu import (
    emulator,
    strict_cupy,
    test_any_arguments,
    test_attacks_on_device,
    test_evaluation_on_device,
    test_launches,
    test_mixed_types,
    test_on_device,
)
from tests.gpu.checks import CHECKS
from tests.gpu.emulator import needs_compiler
from tests.gpu.test_launches import count_only

# check: what stands in the source, what is put in its place.
KERNEL_FAULTS = {
    "missing bound check": (
        "relu_grad",
        "if (t >= size) return;\n    dx[t] = out[t]",
        "dx[t] = out[t]",
    ),
    "bound check off by one": (
        "im2col",
        "if (t >= size) return;\n    int n = t;\n    int piece",
        "if (t > size) return;\n    int n = t;\n    int piece",
    ),
    "a thread too few": (
        "adam_step",
        "if (t >= size) return;\n    m[t]",
        "if (t >= size - 1) return;\n    m[t]",
    ),
    "image's edge not seen": ("im2col", "0 <= place && place < W * C", "true"),
    "wrong stride": ("im2col", "int h = oh * S - P + kh", "int h = oh - P + kh"),
    "wrong stride of memory": (
        "im2col",
        "x[(n * H + h) * W * C + place]",
        "x[(n * H + h) * W + place]",
    ),
    "swapped indices": (
        "col2im",
        "((n * OH + oh) * OW + ow) * KH + kh",
        "((n * OW + ow) * OH + oh) * KH + kh",
    ),
    "swapped places in a window": (
        "max_pool_grad",
        "place == (h - oh * S) * K + (w - ow * S)",
        "place == (w - ow * S) * K + (h - oh * S)",
    ),
    "a window forgotten": ("max_pool_grad", "h < K ? 0", "h < K - 1 ? 0"),
    "a place in no window": ("max_pool_grad", "place >= K * K", "false"),
    "the last of equals wins": (
        "max_pool",
        "return !(v <= than)",
        "return !(v < than)",
    ),
    "another bias": ("bias_relu", "b[t % F]", "b[t / F % F]"),
    "ReLU's derivative at 0": (
        "col2im_relu_grad",
        "bool kept = out[t] > 0.0f",
        "bool kept = out[t] >= 0.0f",
    ),
    "other random bits": ("dropout_mask", "z >> 27", "z >> 28"),
    "the difference 1 - p": (
        "cross_entropy",
        "dz[y[n]] = -others",
        "dz[y[n]] = expf(z[y[n]] - largest - log_sum) - 1.0f",
    ),
    "an exponential that overflows": (
        "cross_entropy",
        "sum += expf(z[k] - largest)",
        "sum += expf(z[k]) * expf(-largest)",
    ),
    "both moments at one rate": ("adam_step", "rate2 * (g", "rate1 * (g"),
    "momentum on the gradient": (
        "sgd_step",
        "momentum * v[t] + g[t]",
        "v[t] + momentum * g[t]",
    ),
    "a step from the wrong image": (
        "sign_step",
        "clipped(x_adv[t] + alpha",
        "clipped(x[t] + alpha",
    ),
    "scatter in place of gather": (
        "col2im",
        "x[t] = sum_over_windows(col, t, H, W, C, OH, OW, KH, KW, S, P);",
        "x[t / 2] += sum_over_windows(col, t, H, W, C, OH, OW, KH, KW, S, P);",
    ),
}


@pytest.mark.parametrize("fault", KERNEL_FAULTS)
def test_a_fault_of_a_kernel_is_caught_by_its_check(stand_in, monkeypatch, fault):
    needs_compiler()
    name, right, wrong = KERNEL_FAULTS[fault]
    source = cuda.source()
    assert source.count(right) == 1
    CHECKS[name]()
    monkeypatch.setattr(cuda, "source", lambda: source.replace(right, wrong))
    fresh = cache(cuda.kernel.__wrapped__)  # else it were the right one's
    monkeypatch.setattr(cuda, "kernel", fresh)
    with pytest.raises((AssertionError, IndexError)):
        CHECKS[name]()


def a_step_on_the_device():
    """Train on two images, and attack them."""
    rng = np.random.default_rng(0)
    model = Sequential([Flatten(), Linear(9, 3, rng=rng)], (3, 3, 1)).to_device("gpu")
    x, y = rng.random((2, 3, 3, 1), np.float32), np.array([0, 2])
    train(model, x, y, Adam(model.params), 1, 2, rng)
    there = to_device(x, "gpu"), to_device(y, "gpu")
    return bim(model_gradient(model), *there, 0.1, 0.05, 2)


FLOAT64 = {
    "a number that isn't turned into 32 bits": (
        cuda,
        "as_argument",
        lambda parameter, value: value,
    ),
    "memory without a type": (
        operations,
        "sign_step",
        lambda x_adv, g, x, *rest: strict_cupy.StrictCupy().empty(x.shape),
    ),
}


@pytest.mark.parametrize("fault", FLOAT64)
def test_float64_that_creeps_in_is_caught(stand_in, monkeypatch, fault):
    needs_compiler()
    assert a_step_on_the_device().dtype == np.float32
    monkeypatch.setattr(*FLOAT64[fault])
    with pytest.raises((TypeError, ValueError, AssertionError)):
        assert a_step_on_the_device().dtype == np.float32


def costs_that_are_read(z, y, kernel=operations.cross_entropy):
    """The loss, whose value is looked at in each step."""
    costs, dz = kernel(z, y)
    assert float(costs.sum()) < 1e9
    return costs, dz


def gradient_in_float64(z, y, kernel=operations.cross_entropy):
    """The loss, whose gradient is multiplied by a number of NumPy's."""
    costs, dz = kernel(z, y)
    return costs, dz * np.float64(1)


def asks_for_the_labels(y, fresh=False):
    return int(y.min()), int(y.max())


TRANSFERS = {
    "a number of NumPy's as a factor": (
        operations,
        "cross_entropy",
        gradient_in_float64,
        lambda model: (
            test_launches.test_a_bim_step_starts_few_kernels_and_waits_for_nothing()
        ),
    ),
    "a loss read at each step": (
        operations,
        "cross_entropy",
        costs_that_are_read,
        lambda model: (
            test_launches.test_only_the_batch_travels_and_only_the_epochs_loss_comes_back(
                model
            )
        ),
    ),
    "labels read at each step": (
        "minidl.checks.range_of",
        asks_for_the_labels,
        lambda model: (
            test_launches.test_a_bim_step_starts_few_kernels_and_waits_for_nothing()
        ),
    ),
    "images sent as floats": (
        "minidl.training.to_device",
        lambda a, device: to_device(
            a / np.float32(255) if a.dtype == np.uint8 else a, device
        ),
        lambda model: (
            test_launches.test_only_the_batch_travels_and_only_the_epochs_loss_comes_back(
                model
            )
        ),
    ),
    "a kernel for each parameter": (
        "minidl.optimizer_base.device_of",
        lambda x: "cpu",
        lambda model: test_launches.test_a_training_step_starts_few_kernels(model),
    ),
    "plain expressions in place of kernels": (
        "minidl.kernels.dispatch._chosen",
        "reference",
        lambda model: test_launches.test_a_training_step_starts_few_kernels(model),
    ),
}


@pytest.mark.parametrize("fault", TRANSFERS)
def test_hidden_transfers_and_launches_are_caught(stand_in, monkeypatch, fault):
    count_only(monkeypatch)
    *patch, check = TRANSFERS[fault]
    model = test_launches.mnist_cnn(np.random.default_rng(0)).to_device("gpu")
    check(model)
    monkeypatch.setattr(*patch)
    with pytest.raises(AssertionError):
        check(model)


def test_a_hidden_upload_is_refused(stand_in, monkeypatch):
    count_only(monkeypatch)
    mask = kernels.dropout_mask
    monkeypatch.setattr(
        kernels, "dropout_mask", lambda x, *how: mask(np.zeros(x.shape, "f4"), *how)
    )
    model = test_launches.mnist_cnn(np.random.default_rng(0)).to_device("gpu")
    with pytest.raises(TypeError, match="mixed with NumPy's"):
        test_launches.training(model, 1)


def only_there(function, fault):
    """Return a function with a fault on the device only: the host is the measure."""

    def faulty(x, *rest, **options):
        chosen = function if device_of(x) == "cpu" else fault
        return chosen(x, *rest, **options)

    return faulty


def into_its_own_type_only(a, b, out=None):
    return a @ b if out is None else get_array_module(a).dot(a, b, out=out)


def no_block_of_no_images(x, W, pixels):
    return (slice(n, n + 1) for n in range(len(x)))


def layouts(operation, layout):
    def check(patch):
        test = test_any_arguments.test_an_operation_computes_what_it_does_on_the_host
        test(None, patch, operation, layout)

    return check


# A repair undone: where it stands, what is put in its place, and what finds it.
REPAIRS = {
    "types that don't agree": (
        (arguments, "like", only_there(arguments.like, lambda x, other: other)),
        lambda _: test_mixed_types.test_a_step_with_images_of_each_type(
            "float64", "float32"
        ),
    ),
    "views with gaps": (
        (arguments, "contiguous", only_there(arguments.contiguous, lambda x: x)),
        layouts(test_any_arguments.convolution, "gaps"),
    ),
    "a product of another type": (
        (kernels, "matmul", only_there(kernels.matmul, into_its_own_type_only)),
        lambda _: test_mixed_types.test_a_step_with_images_of_each_type(
            "float32", "float64"
        ),
    ),
    "a product into a view with gaps": (
        (kernels, "matmul", only_there(kernels.matmul, into_its_own_type_only)),
        lambda _: (
            test_mixed_types.test_a_product_goes_into_an_array_of_another_type_or_with_gaps()
        ),
    ),
    "no images": (
        (operations, "blocks", no_block_of_no_images),
        layouts(test_any_arguments.gradients, "plain"),
    ),
    "replaced averages": (
        (flat_parameters, "arrays_of", lambda params, slots: [p.data for p in params]),
        lambda _: test_mixed_types.test_what_is_replaced_between_steps_is_noticed(
            "adam", test_mixed_types.replace_averages
        ),
    ),
    "two types in one array": (
        (
            flat_parameters,
            "by_type",
            lambda params, slots: [list(zip(params, slots, strict=True))],
        ),
        lambda _: test_mixed_types.test_parameters_of_two_types_stay_what_they_are(
            "adam"
        ),
    ),
    "averages of another shape": (
        (flat_parameters, "check_step", lambda *arrays, **averages: None),
        lambda _: (
            test_mixed_types.test_a_parameter_that_its_averages_do_not_fit_is_refused(
                Adam, test_mixed_types.of_another_shape
            )
        ),
    ),
    "labels elsewhere": (
        (arguments, "check_device", lambda *arguments: None),
        lambda _: test_attacks_on_device.test_labels_on_another_device_are_named(
            None, "gpu", np.float32
        ),
    ),
    "images that stay there": (
        (evaluation, "to_numpy", lambda a: a),
        lambda _: (
            test_evaluation_on_device.test_an_image_beyond_the_threat_model_is_refused_there_too()
        ),
    ),
    "attacks and classifiers of the host alone": (
        (suites, "from_host", lambda function, device: function),
        lambda _: test_evaluation_on_device.test_curves_and_transfer_count_the_same(
            ("float32", test_evaluation_on_device.IMAGES["uint8"])
        ),
    ),
    "a diagnosis of the host alone": (
        (diagnostics, "from_host", lambda function, device: function),
        lambda _: test_evaluation_on_device.test_a_diagnosis_finds_the_same(None),
    ),
    "images of two devices": (
        (norms, "check_device", lambda *arguments: None),
        lambda _: test_evaluation_on_device.test_images_on_two_devices_are_named("gpu"),
    ),
    "a pixel that changes with its image": (
        (gradcheck, "float", lambda value: value),
        lambda _: test_on_device.test_a_gradient_check_finds_the_same_there(
            None, "Linear"
        ),
    ),
    "labels changed in place": (
        (checks, "range_of", lambda y, fresh: RANGE_OF(y)),
        lambda _: (
            test_attacks_on_device.test_labels_that_were_changed_in_place_are_looked_at_again(
                None
            )
        ),
    ),
}
RANGE_OF = checks.range_of


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_repair_that_is_undone_is_missed(stand_in, monkeypatch, repair):
    needs_compiler()
    patch, check = REPAIRS[repair]
    monkeypatch.setattr(emulator, "ORDERS", (emulator.forwards,))
    check(monkeypatch)
    monkeypatch.setattr(*patch, raising=False)
    with pytest.raises((AssertionError, TypeError, ValueError, pytest.fail.Exception)):
        check(monkeypatch)
