"""Which implementation runs, how it is chosen, and what happens without Numba."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest

from minidl import kernels
from tests.processes import run_code, run_python

NO_NUMBA = "import sys; sys.modules['numba'] = None  # as if it were not installed\n"


def chosen():
    module = kernels.implementation(np.zeros(1))
    return module.__name__.removeprefix("minidl.kernels.")


def test_an_implementation_is_chosen():
    with kernels.use("reference"):
        assert chosen() == "reference"
    pytest.importorskip("numba", reason="no Numba")
    for name in ("numba", "auto"):
        with kernels.use(name):
            assert chosen() == "cpu.operations"


def test_auto_takes_the_reference_without_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with kernels.use("auto"):
        assert chosen() == "reference"


def test_numba_is_looked_for_once(monkeypatch):
    calls = []
    monkeypatch.setattr("minidl.kernels.dispatch.find_spec", calls.append)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    with kernels.use("auto"):
        assert {chosen() for _ in range(3)} == {"reference"}
    assert calls == ["numba"]


def test_use_ends_with_its_block_even_by_an_error():
    with kernels.use("reference"):
        with pytest.raises(KeyError), kernels.use("numba"):
            raise KeyError
        assert chosen() == "reference"


@pytest.mark.parametrize("outer", ["reference", "auto"])
def test_blocks_of_two_threads_end_in_any_order(outer):
    """The choice of a block that has ended would stay for good."""
    pytest.importorskip("numba", reason="no Numba")
    with kernels.use(outer):
        before = chosen()
        with ThreadPoolExecutor(1) as a, ThreadPoolExecutor(1) as b:
            one, two = kernels.use("reference"), kernels.use("numba")
            for thread, step, expected in (
                (a, one.__enter__, "reference"),
                (b, two.__enter__, "cpu.operations"),
                (a, partial(one.__exit__, None, None, None), "cpu.operations"),
                (b, partial(two.__exit__, None, None, None), before),
            ):
                thread.submit(step).result()
                assert chosen() == expected


def test_an_inner_block_of_the_same_name_ends_alone():
    pytest.importorskip("numba", reason="no Numba")
    with kernels.use("reference"), kernels.use("numba"):
        with kernels.use("reference"):
            assert chosen() == "reference"
        assert chosen() == "cpu.operations"


def test_an_unknown_implementation_is_named():
    message = "must be one of .*reference.*, got 'cuda'"
    with pytest.raises(ValueError, match=message), kernels.use("cuda"):
        pass


@pytest.mark.parametrize(
    ("channels", "window", "stride", "pad", "algorithm", "module"),
    [
        (32, (3, 3), 1, 1, "auto", "winograd"),
        (32, (3, 3), 1, 0, "im2col", "windows"),
        (1, (3, 3), 1, 0, "winograd", "winograd"),
        (1, (3, 3), 1, 0, "auto", "few_channels"),
        (3, (5, 4), 1, 2, "auto", "few_channels"),
        (3, (3, 3), 2, 0, "auto", "windows"),
        (32, (3, 3), 1, 2, "auto", "windows"),
        (32, (5, 5), 1, 1, "auto", "windows"),
    ],
)
def test_which_module_convolves(channels, window, stride, pad, algorithm, module):
    operations = pytest.importorskip("minidl.kernels.cpu.operations", reason="no Numba")
    W = np.zeros((*window, channels, 8))
    found = operations.convolution(W, stride, pad, algorithm)
    assert found.__name__ == f"minidl.kernels.cpu.{module}"


def test_the_environment_chooses_for_a_whole_process():
    code = (
        "import sys, numpy as np, minidl\n"
        "minidl.im2col(np.zeros((1, 3, 3, 1)), 3)\n"
        "print('numba' in sys.modules)"
    )
    run = run_python(code, MINIDL_KERNELS="reference")
    assert (run.stdout.strip(), run.stderr) == ("False", "")


def test_a_mistyped_environment_is_an_error_that_names_it():
    code = "from minidl import kernels; print(1); kernels.warm_up()"
    run = run_python(code, MINIDL_KERNELS="nunba")
    assert run.returncode != 0
    assert "ValueError: MINIDL_KERNELS must be one of" in run.stderr
    assert "got 'nunba'" in run.stderr


def test_a_network_trains_without_numba():
    code = NO_NUMBA + (
        "import numpy as np, minidl\n"
        "from minidl import Conv2D, Dropout, Flatten, Linear, MaxPool2D, Sequential\n"
        "rng = np.random.default_rng(0)\n"
        "layers = [Conv2D(1, 2, rng=rng), MaxPool2D(2), Dropout(0.2), Flatten(),\n"
        "          Linear(18, 3, rng=rng)]\n"
        "model = Sequential(layers, (8, 8, 1))\n"
        "x, y = rng.random((6, 8, 8, 1), np.float32), np.arange(6) % 3\n"
        "adam = minidl.Adam(model.params)\n"
        "print(minidl.train(model, x, y, adam, 1, 4, rng))"
    )
    assert 0.5 < float(run_code(code).strip("[]\n")) < 3


def test_numba_without_numba_is_an_import_error():
    code = NO_NUMBA + (
        "import numpy as np, minidl\nminidl.im2col(np.zeros((1, 3, 3, 1)), 3)\n"
    )
    run = run_python(code, MINIDL_KERNELS="numba")
    assert "ModuleNotFoundError" in run.stderr


COMPILED = (
    "import importlib, numpy as np, minidl\n"
    "from minidl import kernels\n"
    "modules = ['windows', 'few_channels', 'pooling', 'elementwise', 'winograd']\n"
    "modules = [importlib.import_module(f'minidl.kernels.cpu.{m}') for m in modules]\n"
    "def misses():\n"
    "    functions = [f for m in modules for f in vars(m).values()]\n"
    "    stats = [f.stats for f in functions if hasattr(f, 'stats')]\n"
    "    return sum(sum(s.cache_misses.values()) for s in stats)\n"
)
# Training and attacking, with all that the paper's networks need.
USED = COMPILED + (
    "for make in (minidl.mnist_cnn, minidl.cifar10_cnn):\n"
    "    rng = np.random.default_rng(0)\n"
    "    model = make(rng)\n"
    "    x = np.zeros((3, *model.input_shape), np.uint8)\n"
    "    y = np.arange(3)\n"
    "    minidl.train(model, x, y, minidl.Adam(model.params), 1, 2, rng)\n"
    "    model.backward(model.forward(x / np.float32(255)))\n"
    "print(misses())\n"
)
WARMED = COMPILED + "kernels.warm_up()\nprint(misses())\n"


@pytest.mark.slow
def test_later_processes_do_not_compile_again(tmp_path):
    pytest.importorskip("numba", reason="no Numba")
    cache = {"NUMBA_CACHE_DIR": str(tmp_path), "MINIDL_KERNELS": "numba"}
    compiled, *later = (run_python(code, **cache) for code in (WARMED, USED, WARMED))
    assert int(compiled.stdout) > 10, compiled.stderr
    assert [(run.stdout.strip(), run.stderr) for run in later] == [("0", "")] * 2


@pytest.mark.slow
def test_kernels_run_with_the_compiler_switched_off():
    pytest.importorskip("numba", reason="no Numba")
    code = (
        "import numpy as np\n"
        "from minidl import kernels\n"
        "from minidl.kernels.cpu import pooling\n"
        "assert type(pooling.find_maxima).__name__ == 'function'\n"
        "x = np.random.default_rng(0).standard_normal((2, 5, 5, 2))\n"
        "with kernels.use('numba'):\n"
        "    col, mask = kernels.im2col(x, 3), kernels.dropout_mask(x, 0.5, 1)\n"
        "with kernels.use('reference'):\n"
        "    assert (col == kernels.im2col(x, 3)).all()\n"
        "    assert (mask == kernels.dropout_mask(x, 0.5, 1)).all()\n"
    )
    run = run_python(code, NUMBA_DISABLE_JIT="1")
    assert run.returncode == 0, run.stderr
