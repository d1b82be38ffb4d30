"""CuPy itself has these names, and NVRTC compiles these kernels.

Needs the packages cupy-cuda13x and nvidia-cuda-nvrtc, but no driver and no device.
"""

import importlib.util
import json
import re
from importlib import metadata

import pytest

from minidl.kernels.gpu import cuda
from tests.gpu import facts
from tests.gpu.cupy_names import FILE, snapshot
from tests.gpu.emulator import NAMES
from tests.gpu.facts import FACTS, NUMBERS, agrees, outcome
from tests.gpu.test_kernels import rows_of_channels

ARCHITECTURES = ("75", "80", "90", "100")  # Turing, Ampere, Hopper, Blackwell
HOW_TO_INSTALL = "pip install cupy-cuda13x==14.2.0 nvidia-cuda-nvrtc"


@pytest.fixture(scope="module")
def cupy():
    """CuPy itself, of the version whose names are committed."""
    committed = json.loads(FILE.read_text(encoding="utf-8"))["cupy"]
    if importlib.util.find_spec("cupy") is None:
        pytest.skip(f"CuPy isn't installed: {HOW_TO_INSTALL}")
    import cupy

    if cupy.__version__ != committed:
        pytest.skip(f"CuPy is {cupy.__version__}, not {committed}: {HOW_TO_INSTALL}")
    return cupy


@pytest.fixture(scope="module")
def compile_for(cupy):
    """CuPy's own way from source to machine code, for a GPU that isn't here."""
    from cupy.cuda import compiler

    try:
        metadata.version("nvidia-cuda-nvrtc")
    except metadata.PackageNotFoundError:
        pytest.skip(f"NVRTC isn't installed: {HOW_TO_INSTALL}")

    def compile_(source, architecture, kind="cubin", width=4):
        """Return machine code (cubin) or its readable form (ptx)."""
        prefix = {"cubin": "sm", "ptx": "compute"}[kind]
        target = f"-arch={prefix}_{architecture}", kind
        with pytest.MonkeyPatch.context() as patch:
            # CuPy asks the driver which GPU to compile for; here it is told.
            patch.setattr(
                compiler, "_get_arch_for_options_for_nvrtc", lambda arch=None: target
            )
            options = (*cuda.OPTIONS, f"-DWIDTH={width}", "-Werror=all-warnings")
            result, _ = compiler.compile_using_nvrtc(source, options, architecture)
        return result

    return compile_


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles(compile_for, architecture, width):
    source = cuda.source()
    binary = compile_for(source, architecture, width=width)
    assert binary.startswith(b"\x7fELF")
    for name in NAMES.findall(source):
        assert f".text.{name}".encode() in binary


def test_no_kernel_computes_in_double_precision(compile_for):
    """It is up to 64 times as slow, and a constant without its f is enough."""
    source = cuda.source()
    assert b".f32" in compile_for(source, "90", "ptx")
    assert b".f64" not in compile_for(source, "90", "ptx")
    wrong = source.replace("* v[t]) + eps)", "* v[t]) + 1e-8)")
    assert b".f64" in compile_for(wrong, "90", "ptx")


DIVISION = re.compile(rb"(?:div|rem)\.[su]\d+\s+[^;]*, %\w+;")  # by what isn't constant


@pytest.mark.parametrize("width", [1, 4])
def test_no_kernel_divides_whole_numbers(compile_for, width):
    """A GPU has no instruction for it, and needs about 30 for an unknown divisor."""
    source = cuda.source()
    assert not DIVISION.search(compile_for(source, "90", "ptx", width))
    wrong = source.replace("dx[t] = out[t]", "dx[t] = out[t % (size - 1)]")
    assert DIVISION.search(compile_for(wrong, "90", "ptx", width))


def test_four_channels_are_one_access(compile_for):
    wide = compile_for(cuda.source(), "90", "ptx")
    for name in rows_of_channels():
        body = wide.partition(f".entry {name}(".encode())[2].partition(b".entry")[0]
        assert re.search(rb"ld\.global(\.nc)?\.v4", body), name
        assert b"st.global.v4" in body, name


def test_a_mistake_is_an_error_of_the_compiler(compile_for):
    with pytest.raises(Exception, match="identifier"):
        compile_for(cuda.source().replace("float sum = ", "floot sum = "), "90")


def test_the_stand_in_has_what_cupy_has(cupy):
    committed = json.loads(FILE.read_text(encoding="utf-8"))
    found = snapshot(cupy)
    for kind in ("functions", "methods", "attributes"):
        assert committed[kind] == found[kind], "python -m tests.gpu.cupy_names"


def test_cudas_own_functions_are_there(cupy):
    names = "getDeviceCount getDeviceProperties driverGetVersion runtimeGetVersion"
    for name in (*names.split(), "CUDARuntimeError"):
        assert hasattr(cupy.cuda.runtime, name)
    assert issubclass(cupy.cuda.memory.OutOfMemoryError, MemoryError)
    assert hasattr(cupy.cuda.Device, "synchronize")


@pytest.fixture
def x(cupy):
    """An array of CuPy's in the host's memory: no device is needed to hold it."""
    host = facts.X.copy()
    memory = cupy.cuda.UnownedMemory(host.ctypes.data, host.nbytes, host, 0)
    pointer = cupy.cuda.MemoryPointer(memory, 0)
    return cupy.ndarray(host.shape, host.dtype, pointer)


@pytest.mark.parametrize("name", FACTS)
def test_cupy_behaves_as_the_stand_in_does(cupy, x, name):
    function, expected = FACTS[name]
    assert agrees(outcome(function, cupy, x), expected)


@pytest.mark.parametrize(("value", "expected"), NUMBERS)
def test_numbers_reach_a_kernel_in_these_types(cupy, value, expected):
    from cupy._core._scalar import CScalar

    assert agrees(outcome(lambda: CScalar(value).dtype.name), expected)


def test_places_wrap_around_and_generators_lack_what_numpys_have(cupy):
    assert "wraps around" in cupy.ndarray.__getitem__.__doc__
    for name in ("normal", "permutation", "choice", "shuffle"):
        assert not hasattr(cupy.random.Generator, name)
