"""Files that are either whole or absent, whatever happens while they are written."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a binary file that takes its name only when it is complete and on disk.

    The bytes go to a temporary file in the same folder, which is flushed to the disk
    and then renamed: a reader, a crash or a full disk never sees half a file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(fd, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file private; give it the usual permissions instead.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def remove_leftovers(path: str | Path, seconds: float = 3600) -> None:
    """Remove temporary files of a path that killed processes left, if they are old.

    A young one may belong to a process that is writing right now.
    """
    path = Path(path)
    for temporary in path.parent.glob(f".{path.name}.*"):
        with suppress(FileNotFoundError):
            if time.time() - temporary.stat().st_mtime > seconds:
                temporary.unlink()


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


def _umask() -> int:
    """Return the process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
