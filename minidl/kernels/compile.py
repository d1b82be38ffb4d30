"""How kernels are compiled: `@jit` on a plain Python function.

The function stays what it is: with NUMBA_DISABLE_JIT=1, or through its attribute
`py_func`, it can be stepped through in a debugger. It is compiled at its first call
for each type, and cached on disk for later processes.
"""

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.compiler import Compiler

from minidl.files import write_text

FOLDER = Path(__file__).parent


class Restrict(Compiler):
    """Numba's compiler, promised that an array a kernel writes overlaps no other.

    This is C's `restrict`. Without it the rows that a kernel writes might be the rows
    that it reads, and each short loop begins by comparing them all: 4 times slower.
    The promise is the caller's: never pass such a kernel the same array twice. (Only
    spare rows may be one array, from which nobody uses what is read.)
    """

    def define_pipelines(self) -> Any:
        """Return Numba's own pipelines, with the promise made."""
        if hasattr(self.state.flags, "noalias"):  # else only speed is lost
            self.state.flags.noalias = True
        return super().define_pipelines()  # type: ignore[no-untyped-call]


def cache_folder() -> Path | None:
    """Return where Numba keeps what it compiles here, None if it compiles nothing.

    Beside the sources, elsewhere if NUMBA_CACHE_DIR says so or they are read-only.
    """
    kernel = numba.njit(cache=True)(cache_folder)  # any function of this folder
    path = kernel.stats.cache_path if hasattr(kernel, "stats") else None
    return None if path is None else Path(path)


def remove_outdated(cache: Path, folder: Path = FOLDER) -> None:
    """Remove what was compiled from other source files than a folder's of now.

    Numba compiles a kernel anew when its own file changes, but not when that of another
    kernel does which it calls.
    """
    digest = hashlib.sha256()
    for source in sorted(folder.glob("*.py")):
        digest.update(source.read_bytes())
    stamp = cache / "kernels.sha256"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    with suppress(OSError):
        for compiled in cache.glob("*.nb[ci]"):
            compiled.unlink(missing_ok=True)
        write_text(stamp, digest.hexdigest())


if (cache := cache_folder()) is not None:
    remove_outdated(cache)

# "contract" lets a * b + c be one fused instruction; sums keep their order. Kernels
# release the interpreter's lock, so that threads can run them side by side.
jit = numba.njit(cache=True, nogil=True, fastmath={"contract"}, pipeline_class=Restrict)
