"""Freed memory stays with the process, for the next batch.

Each step of training frees and requests the same few megabytes. glibc returns large
pieces to the system each time, which has to clear every page before it hands it out
again. This takes 7 % of a step of Table 1's network on one core, and more on two, which
then wait for each other. Raising glibc's two limits only costs the memory that a
process has used at its peak.
"""

import ctypes
import os
import sys

# From glibc's malloc.h: how much free memory is kept at the end of the heap, and from
# which size a piece lies outside the heap. glibc itself raises it up to 32 MB.
TRIM_THRESHOLD, KEPT = -1, 2**30
MMAP_THRESHOLD, LARGE = -3, 2**25


def keep_freed_memory() -> bool:
    """Raise the limits and return True, unless the user set them or it isn't glibc."""
    own = any(name.startswith("MALLOC_") for name in os.environ)
    own |= "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", "")
    if own or sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    return bool(mallopt(TRIM_THRESHOLD, KEPT) and mallopt(MMAP_THRESHOLD, LARGE))
