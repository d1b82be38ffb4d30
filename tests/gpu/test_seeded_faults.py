"""Faults put into the GPU path on purpose: each is caught by a test.

Faults of kernels are caught by that kernel's check in `checks.py`, the others by tests
of layers, types, launches and transfers.
"""

from functools import cache

import numpy as np
import pytest

from attacks import bim, model_gradient
from minidl import (
    Adam,
    Flatten,
    Linear,
    Sequential,
    checks,
    kernels,
    to_device,
    to_numpy,
    train,
)
from minidl.backend import device_of, get_array_module
from minidl.kernels import arguments
from minidl.kernels.gpu import cuda, launching, operations
from tests.gpu import (
    emulator,
    strict_cupy,
    test_attacks_on_device,
    test_evaluation_on_device,
    test_launches,
    test_mixed_types,
    test_on_device,
)
from tests.gpu.checks import CHECKS
from tests.gpu.emulator import needs_compiler
from tests.minidl.kernels import test_arguments

# The check, what stands in the source, and what is put in its place.
KERNEL_FAULTS = [
    ("relu_grad", "if (t >= size) return;\n    dx[t] = out[t]", "dx[t] = out[t]"),
    (
        "adam_step",
        "if (t >= size) return;\n    m[t]",
        "if (t >= size - 1) return;\n    m[t]",
    ),
    ("im2col", "0 <= left + i && left + i < W * C", "true"),
    ("im2col", "int h = oh * S - P + kh", "int h = oh - P + kh"),
    (
        "im2col",
        "ow += blockDim.y) {\n        for (int kh",
        "ow += OW) {\n        for (int kh",
    ),
    ("im2col", "i += WIDTH * blockDim.x", "i += piece"),
    ("im2col", "int i = WIDTH * threadIdx.x", "int i = threadIdx.x"),
    ("col2im", "h < 0 || h >= H || w", "h < 0 || w"),
    ("col2im", "for (int s = 0; s < S; s++)", "for (int s = 0; s < 1; s++)"),
    (
        "col2im",
        "((n * OH + oh) * OW + ow) * KH + kh;\n                add",
        "((n * OW + ow) * OH + oh) * KH + kh;\n                add",
    ),
    ("col2im", "if (ow < 0 || ow >= OW) continue;\n                int", "int"),
    ("max_pool_grad", "place.at[k] == i * K + j", "place.at[k] == j * K + i"),
    ("max_pool_grad", "j < K && ow >= 0", "j < K - 1 && ow >= 0"),
    ("max_pool_grad", "place.at[k] >= K * K", "false"),
    ("max_pool", "return !(v <= than)", "return !(v < than)"),
    ("bias_relu", "v.at[i] + bias.at[i]", "v.at[i] + bias.at[0]"),
    ("bias_relu", "mask_at(place + i,", "mask_at(place,"),
    (
        "conv2d_block",
        "rectified(v.at[k] + bias.at[k])",
        "rectified(v.at[k]) + bias.at[k]",
    ),
    ("conv2d_block", "mask_at(place + k,", "mask_at(c + k,"),
    ("conv2d_block_grads", "dout.at[i] * scale : 0.0f", "dout.at[i] : 0.0f"),
    ("conv2d_block_grads", "kept.at[i] > 0.0f", "kept.at[i] >= 0.0f"),
    ("sum_rows", "__syncthreads();", ""),
    ("sum_rows", "__syncthreads();", "if (t < half) __syncthreads();"),
    ("sum_rows", "half > 0; half /= 2", "half > 1; half /= 2"),
    ("dropout_mask", "z >> 27", "z >> 28"),
    (
        "cross_entropy",
        "dz[y[n]] = -others",
        "dz[y[n]] = expf(z[y[n]] - largest - log_sum) - 1.0f",
    ),
    (
        "cross_entropy",
        "sum += expf(z[k] - largest)",
        "sum += expf(z[k]) * expf(-largest)",
    ),
    ("adam_step", "rate2 * (g", "rate1 * (g"),
    ("sgd_step", "momentum * v[t] + g[t]", "v[t] + momentum * g[t]"),
    ("sign_step", "clipped(x_adv[t] + alpha", "clipped(x[t] + alpha"),
    (
        "relu_grad",
        "dx[t] = out[t] > 0.0f ? dout[t] * scale : 0.0f",
        "dx[t / 2] += out[t] > 0.0f ? dout[t] * scale : 0.0f",
    ),
]


@pytest.mark.parametrize(("name", "right", "wrong"), KERNEL_FAULTS)
def test_a_fault_of_a_kernel_is_caught_by_its_check(
    stand_in, monkeypatch, name, right, wrong
):
    needs_compiler()
    source = cuda.source()
    assert source.count(right) == 1
    CHECKS[name]()
    monkeypatch.setattr(cuda, "source", lambda: source.replace(right, wrong))
    fresh = cache(launching.kernel.__wrapped__)  # else it were the right one's
    monkeypatch.setattr(launching, "kernel", fresh)
    with pytest.raises((AssertionError, IndexError)):
        CHECKS[name]()


def a_step_in_float32():
    """Train on two images, and attack them."""
    rng = np.random.default_rng(0)
    model = Sequential([Flatten(), Linear(9, 3, rng=rng)], (3, 3, 1)).to_device("gpu")
    x, y = rng.random((2, 3, 3, 1), np.float32), np.array([0, 2])
    train(model, x, y, Adam(model.params), 1, 2, rng)
    there = to_device(x, "gpu"), to_device(y, "gpu")
    moved = bim(model_gradient(model), *there, 0.1, 0.05, 2)
    assert moved.dtype == np.float32


def costs_that_are_read(z, y, kernel=operations.cross_entropy):
    """The loss, whose value is looked at in each step."""
    costs, dz = kernel(z, y)
    assert float(costs.sum()) < 1e9
    return costs, dz


def gradient_in_float64(z, y, kernel=operations.cross_entropy):
    """The loss, whose gradient is multiplied by a number of NumPy's."""
    costs, dz = kernel(z, y)
    return costs, dz * np.float64(1)


def only_there(function, fault):
    """Return a function with a fault on the device only: the host is the measure."""

    def faulty(x, *rest, **options):
        chosen = function if device_of(x) == "cpu" else fault
        return chosen(x, *rest, **options)

    return faulty


def into_its_own_type_only(a, b, out=None):
    return a @ b if out is None else get_array_module(a).dot(a, b, out=out)


def rectified_on_the_host(u, *rest, rectify=kernels.bias_relu):
    return rectify(to_device(to_numpy(u), "gpu"), *rest)


def network():
    return test_launches.mnist_cnn(np.random.default_rng(0)).to_device("gpu")


def launches():
    test_launches.test_a_training_step_starts_few_kernels(network())


def transfers():
    test_launches.test_only_the_batch_travels_and_two_numbers_of_an_epoch_come_back(
        network()
    )


def an_attack():
    test_launches.test_a_bim_step_starts_few_kernels_and_waits_for_nothing()


KERNELS, FLAT = "minidl.kernels.", "minidl.kernels.gpu.flat_parameters."
EVALUATION = test_evaluation_on_device
PRODUCT = only_there(kernels.matmul, into_its_own_type_only)
RANGE_OF = checks.range_of
LOSS, CHOSEN = KERNELS + "gpu.operations.cross_entropy", KERNELS + "dispatch._chosen"
# What is counted needs no numbers: kernels compute nothing.
COUNTED = {
    "a number of NumPy's as a factor": (LOSS, gradient_in_float64, an_attack),
    "a loss read at each step": (LOSS, costs_that_are_read, transfers),
    "labels read at each step": (
        "minidl.checks.range_of",
        lambda y, fresh=False: (int(y.min()), int(y.max())),
        an_attack,
    ),
    "images sent as floats": (
        "minidl.batches.to_device",
        lambda a, device: to_device(a / np.float32(255) if a.ndim > 1 else a, device),
        transfers,
    ),
    "a kernel for each parameter": (
        "minidl.optimizer_base.device_of",
        lambda x: "cpu",
        launches,
    ),
    "plain expressions in place of kernels": (CHOSEN, "reference", launches),
    "a hidden upload": (KERNELS + "bias_relu", rectified_on_the_host, transfers),
}
# Where a fault is put, what stands there then, and the test that finds it.
COMPUTED = {
    "a number that isn't turned into 32 bits": (
        KERNELS + "gpu.cuda.as_argument",
        lambda parameter, value: value,
        a_step_in_float32,
    ),
    "memory without a type": (
        KERNELS + "gpu.operations.sign_step",
        lambda x_adv, g, x, *rest: strict_cupy.StrictCupy().empty(x.shape),
        a_step_in_float32,
    ),
    "types that don't agree": (
        KERNELS + "arguments.like",
        only_there(arguments.like, lambda x, other: other),
        test_mixed_types.test_a_step_with_images_of_each_type,
        *("float64", "float32"),
    ),
    "views with gaps": (
        KERNELS + "arguments.contiguous",
        only_there(arguments.contiguous, lambda x: x),
        test_arguments.test_all_compute_the_same_of_arrays_in_any_layout_and_type,
        *("gpu", "max_pool"),
    ),
    "a product of another type": (
        KERNELS + "matmul",
        PRODUCT,
        test_arguments.test_a_product_goes_into_an_array_of_another_type,
        "gpu",
    ),
    "a product into a view with gaps": (
        KERNELS + "matmul",
        PRODUCT,
        test_mixed_types.test_a_product_goes_into_a_view_with_gaps,
    ),
    "no images": (
        KERNELS + "gpu.operations.blocks",
        lambda x, W, pixels: (slice(n, n + 1) for n in range(len(x))),
        test_arguments.test_no_images_give_empty_results,
        *("gpu", "conv2d_grads"),
    ),
    "replaced averages": (
        FLAT + "arrays_of",
        lambda params, slots: [p.data for p in params],
        test_mixed_types.test_what_is_replaced_between_steps_is_noticed,
        *("adam", test_mixed_types.replace_averages),
    ),
    "two types in one array": (
        FLAT + "kind",
        lambda p: None,
        test_mixed_types.test_parameters_of_two_types_stay_what_they_are,
        "adam",
    ),
    "averages of another shape": (
        FLAT + "check_step",
        lambda *arrays, **averages: None,
        test_mixed_types.test_a_parameter_that_its_averages_do_not_fit_is_refused,
        *(Adam, test_mixed_types.of_another_shape),
    ),
    "labels elsewhere": (
        KERNELS + "arguments.check_device",
        lambda *arguments: None,
        test_attacks_on_device.test_labels_on_another_device_are_named,
        *(None, "gpu", np.float32),
    ),
    "images that stay there": (
        "attacks.evaluation.robustness.to_numpy",
        lambda a: a,
        EVALUATION.test_an_image_beyond_the_threat_model_is_refused_there_too,
    ),
    "attacks and classifiers of the host alone": (
        "attacks.evaluation.suites.from_host",
        lambda function, device: function,
        EVALUATION.test_curves_and_transfer_count_the_same,
        ("float32", EVALUATION.IMAGES["uint8"]),
    ),
    "a diagnosis of the host alone": (
        "attacks.diagnosis.diagnostics.from_host",
        lambda function, device: function,
        EVALUATION.test_a_diagnosis_finds_the_same,
        None,
    ),
    "images of two devices": (
        "attacks.norms.check_device",
        lambda *arguments: None,
        EVALUATION.test_images_on_two_devices_are_named,
        "gpu",
    ),
    "a pixel that changes with its image": (
        "minidl.gradcheck.float",
        lambda value: value,
        test_on_device.test_a_gradient_check_finds_the_same_there,
        *(None, "Linear"),
    ),
    "labels changed in place": (
        "minidl.checks.range_of",
        lambda y, fresh: RANGE_OF(y),
        test_attacks_on_device.test_labels_that_were_changed_in_place_are_seen,
        None,
    ),
}


@pytest.mark.parametrize("fault", [*COUNTED, *COMPUTED])
def test_a_fault_elsewhere_is_caught_by_a_test(stand_in, monkeypatch, fault):
    if fault in COUNTED:
        test_launches.count_only(monkeypatch)
    else:
        needs_compiler()
        monkeypatch.setattr(emulator, "ORDERS", (emulator.forwards,))
    place, wrong, check, *how = (COUNTED | COMPUTED)[fault]
    check(*how)
    monkeypatch.setattr(place, wrong, raising=False)
    with pytest.raises((AssertionError, TypeError, ValueError, pytest.fail.Exception)):
        check(*how)
