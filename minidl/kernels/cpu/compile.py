"""How kernels are compiled: `@jit` on a plain Python function.

The Python function remains: with NUMBA_DISABLE_JIT=1, or through its attribute
`py_func`, it can be stepped through in a debugger. It is compiled at its first call
for each type, and cached on disk for later processes: beside the sources, in
NUMBA_CACHE_DIR, or in the user's cache if the sources are read-only.

This cache is executable code and belongs to its user. Damaged or outdated files are
compiled again, but forged files go unnoticed, so never take someone else's cache, and
never use a folder that others can write to.
"""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.compiler import Compiler

from minidl.store.files import atomic_write


class Restrict(Compiler):
    """Numba's compiler, with a promise: an array that is written overlaps no other.

    This is C's `restrict`. Without it, the rows that a kernel writes might be the rows
    that it reads, and each short loop begins by comparing all of them, which is 4 times
    slower. Callers keep the promise: never pass a kernel the same array twice. (Except
    for spare rows, if nothing that is read from them is used.)
    """

    def define_pipelines(self) -> Any:
        """Return Numba's own pipelines, with the promise made."""
        if hasattr(self.state.flags, "noalias"):  # else only speed is lost
            self.state.flags.noalias = True
        return super().define_pipelines()


def sources(folder: Path = Path(__file__).parents[1]) -> bytes:
    """Return a checksum of all source files in a folder and its subfolders."""
    digest = hashlib.sha256()
    for source in sorted(folder.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.digest()


SOURCES = sources()


def checksum(path: str | Path, content: bytes) -> bytes:
    """Return the checksum that ends a file: of its name, content and today's sources.

    Numba compiles a kernel again when its own file changes, but not when the file of a
    kernel that it calls does.
    """
    return hashlib.sha256(SOURCES + Path(path).name.encode() + content).digest()


def is_whole(path: str | Path) -> bool:
    """Return whether a file ends with its checksum, so is as it was written."""
    try:
        content = Path(path).read_bytes() if Path(path).is_file() else b""
    except OSError:
        return False
    size = hashlib.sha256().digest_size
    return content[-size:] == checksum(path, content[:-size])


class CheckedFiles(IndexDataCacheFile):
    """A kernel's files in Numba's cache, each with a checksum at its end."""

    def _load_index(self) -> dict[Any, str]:
        return super()._load_index() if is_whole(self._index_path) else {}

    def _load_data(self, name: str) -> Any:
        if not is_whole(self._data_path(name)):
            raise FileNotFoundError(name)  # then Numba compiles
        return super()._load_data(name)

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[IO[bytes]]:
        content = BytesIO()
        yield content
        with atomic_write(filepath) as file:
            file.write(content.getvalue() + checksum(filepath, content.getvalue()))


class KernelCache(FunctionCache):
    """Numba's cache of a kernel, in which any failure counts as a miss."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        name = self._impl.filename_base
        self._cache_file = CheckedFiles(self._cache_path, name, stamp)

    def load_overload(self, *arguments: Any) -> Any:
        """Return what is cached, None if nothing is or it can't be used."""
        try:
            return super().load_overload(*arguments)
        except Exception:  # from other versions of LLVM, NumPy or Python, say
            return None

    def save_overload(self, *arguments: Any) -> None:
        """Save what was compiled, unless the disk is full or has become read-only."""
        with suppress(OSError):
            super().save_overload(*arguments)


def jit(function: Callable[..., Any]) -> Any:
    """Compile a kernel at its first call for each type, or load it from the cache.

    "contract" lets a * b + c be one fused instruction; sums keep their order. Kernels
    release the interpreter's lock, so that threads can run them side by side.
    """
    compiled: Any = numba.njit(
        nogil=True, error_model="numpy", fastmath={"contract"}, pipeline_class=Restrict
    )(function)
    if compiled is not function:  # with NUMBA_DISABLE_JIT it is
        try:
            compiled._cache = KernelCache(function)
        except RuntimeError:  # Numba found no folder that it may write to
            warn_once()
    return compiled


@cache
def warn_once() -> None:
    """Say that each process will compile all kernels that it uses."""
    warnings.warn(
        "compiled kernels can't be kept: every process compiles them again, which "
        "takes up to a minute; let NUMBA_CACHE_DIR name a folder of yours",
        RuntimeWarning,
        stacklevel=3,
    )
