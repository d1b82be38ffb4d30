"""Each CUDA kernel, from its own source: numbers, guards, and any order of threads."""

import re
from pathlib import Path

import numpy as np
import pytest

from minidl import kernels, to_numpy
from minidl.kernels.gpu import cuda, launching, operations
from tests.gpu.checks import CHECKS, normal, there
from tests.gpu.emulator import NAMES, RawKernel, needs_compiler
from tests.processes import run_python

KERNELS = NAMES.findall(cuda.source())


@pytest.mark.parametrize("name", CHECKS)
def test_the_kernel_computes_what_loops_compute(gpu, name):
    CHECKS[name]()


def test_each_kernel_has_a_check(stand_in, monkeypatch):
    started = set()
    launch = launching.kernel

    def seen(name, width):
        started.add((name, width))
        return launch(name, width)

    monkeypatch.setattr(launching, "kernel", seen)
    for check in CHECKS.values():
        check()
    # In fours and one by one, where a kernel can do both.
    widths = {name: (1, 4) if name in rows_of_channels() else (1,) for name in KERNELS}
    assert started == {(name, w) for name in KERNELS for w in widths[name]}


def rows_of_channels():
    """Names of the kernels whose threads take several channels at once."""
    _, *texts = cuda.source().split('extern "C" __global__ void ')
    return {text.partition("(")[0] for text in texts if "Floats" in text}


def test_each_source_file_is_compiled():
    folder = Path(cuda.__file__).parent
    assert {path.stem for path in folder.glob("*.cu")} == set(cuda.FILES)


def test_no_kernel_needs_an_order_of_threads():
    """One thread writes each number; only those of a sum wait for each other."""
    assert "atomic" not in cuda.source()
    assert re.findall(r"__shared__ (\w+ \w+)", cuda.source()) == ["Floats part"]


@pytest.mark.parametrize("block_bytes", [1, 1000, 2**28])
def test_blocks_of_images_change_nothing(gpu, monkeypatch, block_bytes):
    monkeypatch.setattr(operations, "BLOCK_BYTES", block_bytes)
    for name in ("conv2d", "conv2d_grads", "conv2d_block_grads"):
        CHECKS[name]()


def test_a_view_that_begins_between_four_numbers_is_read(gpu):
    x = there(np.arange(129, dtype=np.float32))[1:].reshape(1, 4, 8, 4)
    col = kernels.im2col(x, 1)
    np.testing.assert_array_equal(to_numpy(col).ravel(), np.arange(1, 129))


def test_columns_are_kept_only_of_a_single_block_of_images(gpu, monkeypatch):
    x, W, b = there(normal(3, 4, 4, 2)), there(normal(3, 3, 2, 4)), there(normal(4))
    block = (x, W, b, 1, 0, "auto", False, 0.0, 0)
    assert kernels.conv2d_block(*block, keep=True)[2].shape == (12, 18)
    assert kernels.conv2d_block(*block)[2] is None
    monkeypatch.setattr(operations, "BLOCK_BYTES", 300)
    assert kernels.conv2d_block(*block, keep=True)[2] is None


def test_an_image_of_too_many_rows_is_named(stand_in, monkeypatch):
    monkeypatch.setattr(launching, "MOST_ROWS", 3)
    with pytest.raises(ValueError, match=r"x must have at most 3 rows .*, got 4"):
        kernels.im2col(there(normal(1, 4, 4, 2)), 1)


def test_a_label_that_is_no_class_gives_nan_in_its_own_row(gpu):
    z, y = there(normal(4, 3)), there(np.array([0, 3, -1, 2**40]))
    costs, dz = map(to_numpy, operations.cross_entropy(z, y))
    assert np.isnan(costs).tolist() == [False, True, True, True]
    assert np.isnan(dz).all(axis=1).tolist() == [False, True, True, True]
    assert np.isfinite(dz[0]).all()


def test_a_nan_is_not_lost_on_its_way_to_the_loss(gpu):
    x, b = np.zeros((1, 4, 4, 1), np.float32), there(np.zeros(1, np.float32))
    x[0, 1, 1, 0] = np.nan
    W = there(np.ones((1, 1, 1, 1), np.float32))
    assert np.isnan(to_numpy(kernels.conv2d(there(x), W, b, relu=True))).sum() == 1
    pooled = kernels.conv2d_block(there(x), W, b)[0]
    assert np.isnan(to_numpy(pooled)).sum() == 1
    assert np.isnan(to_numpy(kernels.max_pool(there(x), 2, 2)[0])).sum() == 1
    row = x.reshape(1, 16)
    costs, _ = operations.cross_entropy(there(row), there(np.array([0])))
    assert np.isnan(to_numpy(costs)).all()
    step = operations.sign_step(there(row), there(row), there(row), 0.1, 0.1, (0, 1))
    assert np.isnan(to_numpy(step)).sum() == 1


def test_float64_and_the_reference_need_no_kernel(stand_in, monkeypatch):
    monkeypatch.setattr(launching, "kernel", None)
    x = there(normal(1, 4, 4, 2))
    assert kernels.implementation(x).__name__ == "minidl.kernels.gpu.operations"
    with kernels.use("reference"):
        assert kernels.implementation(x).__name__ == "minidl.kernels.reference"
    double = x.astype(np.float64)
    assert kernels.implementation(double).__name__ == "minidl.kernels.reference"
    assert kernels.im2col(double, 3).dtype == np.float64


def test_an_array_too_large_for_a_kernels_index_is_an_error(stand_in, monkeypatch):
    assert cuda.LARGEST == 2**31 - 256
    monkeypatch.setattr(cuda, "LARGEST", 4)
    x = there(normal(5))
    with pytest.raises(ValueError, match=r"dout must have at most 4 .* got 5"):
        kernels.relu_grad(x, x)


MISFITS = {
    "another type": (lambda x: x.astype(np.float64), TypeError, "dout must be float32"),
    "whole numbers": (lambda x: x.astype(np.int32), TypeError, "dout must be float32"),
    "NumPy's": (to_numpy, TypeError, "dout must be an array on the GPU"),
    "one number": (lambda x: 1.0, TypeError, "dout must be an array on the GPU"),
    "gaps": (lambda x: x[::2], ValueError, "dout must be contiguous"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_an_array_that_a_kernel_would_misread_is_refused(stand_in, misfit):
    change, error, message = MISFITS[misfit]
    x = there(normal(6))
    with pytest.raises(error, match=message):
        launching.launch("relu_grad", 6, change(x), x, x.copy(), 6, 1.0)


@pytest.mark.parametrize("value", [3, True, 0.5, np.float64(0.5), np.array(3)])
def test_a_number_is_passed_in_the_type_that_the_kernel_declares(value):
    wide = next(p for p in cuda.parameters("dropout_mask") if p.name == "seed")
    size, lr = cuda.parameters("sgd_step")[3:5]
    passed = cuda.as_argument(lr, value)
    assert (type(passed), passed) == (np.float32, value)
    if np.result_type(value).kind == "f":
        with pytest.raises(TypeError, match="integer"):
            cuda.as_argument(size, value)
        return
    for parameter, type_ in ((size, np.int32), (wide, np.uint64)):
        passed = cuda.as_argument(parameter, value)
        assert (type(passed), passed) == (type_, value)


@pytest.mark.parametrize("value", [2**31, np.int64(2**31)])
def test_a_number_too_large_for_its_type_is_an_error(value):
    size = cuda.parameters("sgd_step")[3]
    with pytest.raises(OverflowError):
        cuda.as_argument(size, value)


@pytest.mark.parametrize("name", KERNELS)
def test_parameters_are_those_that_the_compiler_sees(name):
    needs_compiler()
    codes = [
        f"{'p' if p.is_array else 's'}{p.dtype.kind}{p.dtype.itemsize}"
        for p in cuda.parameters(name)
    ]
    compiled = RawKernel(cuda.source(), name).types
    assert codes == [code.replace("c", "p") for code in compiled]


def test_nothing_is_compiled_on_import():
    code = (
        "from minidl.kernels.gpu import cuda, launching, operations\n"
        "import sys\n"
        "print(cuda.kernel.cache_info().currsize, 'cupy' in sys.modules)"
    )
    run = run_python(code)
    assert (run.stdout.strip(), run.stderr) == ("0 False", "")
