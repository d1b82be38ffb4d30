"""Compiled kernels are kept on disk; what is wrong there is compiled again."""

import importlib.util
import os
import sys

import pytest

from tests.processes import run_python

compile = pytest.importorskip("minidl.kernels.cpu.compile", reason="no Numba")

KERNELS = """
from minidl.kernels.cpu.compile import jit

@jit
def double(x):
    return 2 * x

@jit
def triple(x):
    return 3 * x
"""


@pytest.fixture
def file(tmp_path):
    """A file with two small kernels, in a folder of its own."""
    path = tmp_path / "kernels.py"
    path.write_text(KERNELS)
    return path


def hits(file):
    """Import the file anew and run `double`; tell whether it came from the cache."""
    spec = importlib.util.spec_from_file_location("kernels", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (module.double(21), module.triple(14)) == (42, 42)
    return sum(module.double.stats.cache_hits.values())


def cached(file, name, end):
    (found,) = file.parent.joinpath("__pycache__").glob(f"kernels.{name}*.{end}")
    return found


def half(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def one_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES = {
    "gone": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "half": half,
    "one bit": one_bit,
    "noise": lambda file: file.write_bytes(os.urandom(5000)),
}


@pytest.mark.parametrize("end", ["nbi", "nbc"])
def test_a_damaged_file_is_compiled_again(file, end):
    assert (hits(file), hits(file)) == (0, 1)
    for damage in DAMAGES.values():
        damage(cached(file, "double", end))
        assert (hits(file), hits(file)) == (0, 1)


def test_another_kernels_files_are_not_taken(file):
    """Although each is whole and could be loaded."""
    assert hits(file) == 0
    for end in ("nbi", "nbc"):
        other = cached(file, "triple", end).read_bytes()
        cached(file, "double", end).write_bytes(other)
        assert (hits(file), hits(file)) == (0, 1)


@pytest.mark.parametrize("end", ["nbi", "nbc"])
def test_a_folder_in_a_files_place_keeps_nothing(file, end):
    assert (hits(file), hits(file)) == (0, 1)
    in_the_way = cached(file, "double", end)
    in_the_way.unlink()
    in_the_way.mkdir()
    assert (hits(file), hits(file)) == (0, 0)


def test_what_was_compiled_from_other_sources_is_compiled_again(file, monkeypatch):
    """Numba itself looks at a kernel's own file only, not at those of others."""
    assert (hits(file), hits(file)) == (0, 1)
    monkeypatch.setattr(compile, "SOURCES", b"others")
    assert (hits(file), hits(file)) == (0, 1)


def test_each_source_file_counts(tmp_path):
    found = set()
    for name, text in (("a", "x = 1"), ("b", "x = 1"), ("b", "x = 2"), ("c", "")):
        (tmp_path / f"{name}.py").write_text(text)
        found.add(compile.sources(tmp_path))
    assert len(found) == 3  # an empty file is none
    assert compile.sources() == compile.SOURCES


def test_a_cache_that_cannot_be_used_is_none(file, monkeypatch):
    """Such as one of another version of LLVM."""
    assert (hits(file), hits(file)) == (0, 1)

    def rebuild(*arguments):
        raise ValueError("another version's")

    monkeypatch.setattr(compile.FunctionCache._impl_class, "rebuild", rebuild)
    assert hits(file) == 0


def test_a_full_disk_keeps_nothing(file, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(compile, "atomic_write", full)
    assert (hits(file), hits(file)) == (0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' homes")
@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "NUMBA_CACHE_DIR"])
def test_without_a_folder_kernels_compile_and_say_so_once(file, variable):
    """A read-only installation, and no home, as in many containers."""
    file.parent.joinpath("__pycache__").write_text("in the way")
    nowhere = str(file / "folder")  # below a file
    where = {"XDG_CACHE_HOME": nowhere, variable: nowhere}
    always = {"PYTHONWARNINGS": "always", "PYTHONDONTWRITEBYTECODE": "1"}
    run = run_python(CALL, folder=file.parent, **where, **always)
    assert run.stdout == "42 42\n", run.stderr
    assert run.stderr.count("RuntimeWarning") == 1, run.stderr
    assert "let NUMBA_CACHE_DIR name a folder of yours" in run.stderr


CALL = "import kernels; print(kernels.double(21), kernels.triple(14))"
