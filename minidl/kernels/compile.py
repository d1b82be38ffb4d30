"""How kernels are compiled: `@jit` on a plain Python function.

The function stays what it is: with NUMBA_DISABLE_JIT=1, or through its attribute
`py_func`, it can be stepped through in a debugger. It is compiled at its first call
for each type, and cached on disk for later processes.
"""

from typing import Any

import numba
from numba.core.compiler import Compiler


class Restrict(Compiler):
    """Numba's compiler, promised that an array a kernel writes overlaps no other.

    This is C's `restrict`. Without it the rows that a kernel writes might be the rows
    that it reads, and each short loop begins by comparing them all: 4 times slower.
    The promise is the caller's: never pass such a kernel the same array twice.
    """

    def define_pipelines(self) -> Any:
        """Return Numba's own pipelines, with the promise made."""
        if hasattr(self.state.flags, "noalias"):  # else only speed is lost
            self.state.flags.noalias = True
        return super().define_pipelines()  # type: ignore[no-untyped-call]


# "contract" lets a * b + c be one fused instruction; sums keep their order. Kernels
# release the interpreter's lock, so that threads can run them side by side.
jit = numba.njit(cache=True, nogil=True, fastmath={"contract"}, pipeline_class=Restrict)
