"""Memory that is freed stays with the process, for the next batch.

A step of training frees and asks for the same few megabytes again and again. glibc
gives large pieces back to the system each time, which has to clear every page before
it hands it out again: 7 % of a step of Table 1's network on one core, and more on
two, which then wait for each other. Raising glibc's two limits costs nothing but the
memory that a process has had at its peak.
"""

import ctypes
import os
import sys

# Of glibc's malloc.h: free memory at the end of the heap that is kept, and the size
# from which a piece is no part of the heap. 32 MB is as far as glibc raises it itself.
TRIM_THRESHOLD, KEPT = -1, 2**30
MMAP_THRESHOLD, LARGE = -3, 2**25


def keep_freed_memory() -> bool:
    """Raise the limits and say True, unless the user has set them or it isn't glibc."""
    own = any(name.startswith("MALLOC_") for name in os.environ)
    own |= "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if own or sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    return bool(mallopt(TRIM_THRESHOLD, KEPT) and mallopt(MMAP_THRESHOLD, LARGE))
