"""Files that are either whole or absent, whatever happens while they are written."""

import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

if sys.platform == "win32":
    import msvcrt

    def lock(file: IO[Any]) -> None:
        """Lock a file until it's closed or its process ends; OSError if it is."""
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def lock(file: IO[Any]) -> None:
        """Lock a file until it's closed or its process ends; OSError if it is."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


LEFTOVER = re.compile(r"\..+\.[0-9a-f]{16}")  # how temporary files are called
YOUNG = 1.0  # seconds: time to lock a new file, or to rename a finished one


@contextmanager
def open_regular(path: str | Path, most: int) -> Iterator[IO[bytes]]:
    """Open a regular file to read it, unless it holds more than `most` bytes.

    Raises IsADirectoryError for a folder, ValueError for anything else that is no file
    or larger, and what `open` raises. It waits for nothing.
    """
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder, not a file")
    with open(path, "rb", opener=_without_waiting) as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it isn't a regular file")
        if about.st_size > most:
            raise ValueError(f"it has {about.st_size} bytes, {most} at most are read")
        yield file


def _without_waiting(path: str, flags: int) -> int:
    # Else to open a FIFO is to wait for its other end.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a binary file that takes its name only when it is complete and on disk.

    The bytes go to a temporary file in the same folder, which is flushed to the disk
    and then renamed: a reader, a crash or a full disk never sees half a file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        # "x": nobody else's. Not `tempfile`, whose files are private, and whose umask
        # can only be read by changing it, for all threads.
        with open(temporary, "xb") as file:
            with suppress(OSError):  # some file systems know no locks
                lock(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.utime(temporary)  # young until it is renamed
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Make a folder that takes its name only when what is done with it has succeeded.

    Raises FileExistsError if something of that name exists: nothing is overwritten.
    """
    check_free("folder", path)
    path = Path(path).absolute()
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary)
        raise


def check_free(name: str, path: Any) -> None:
    """Raise for what is no path, and FileExistsError for one where something is."""
    check_path(name, path)
    if os.path.lexists(path):
        raise FileExistsError(
            f"{name} must be new, got {path}, which exists: nothing is overwritten"
        )


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that killed processes left in a folder.

    A writer at work holds a lock on its file.
    """
    names = os.listdir(folder) if folder.is_dir() else []
    for temporary in (folder / name for name in names if LEFTOVER.fullmatch(name)):
        with suppress(OSError):  # locked, or removed by another process
            if time.time() - temporary.stat().st_mtime > YOUNG:
                with open(temporary, "r+b") as file:
                    lock(file)
                temporary.unlink()


@contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Do something in a folder that no other process does there at the same time.

    Raises BlockingIOError if another one is at it. The system takes the lock back when
    a process ends, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "ab") as file:
        try:
            lock(file)
        except (BlockingIOError, PermissionError) as error:
            raise BlockingIOError(
                f"{what} is at work in {folder} already: wait for its end, or choose "
                "another folder"
            ) from error
        except OSError:  # this file system knows no locks
            pass
        yield


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


def set_aside(path: Path, error: Exception, then: str) -> None:
    """Rename a damaged file, so that its work is done again, and say so."""
    with suppress(FileNotFoundError):  # another process was faster
        path.replace(path.with_suffix(".damaged"))
    warnings.warn(f"{error}; set aside, {then}", stacklevel=3)


def check_path(name: str, folder: Any) -> None:
    """Raise TypeError for what is no path, ValueError for an empty one."""
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"{name} must be a path, got {folder!r}")
    if not os.fspath(folder):
        raise ValueError(f"{name} must not be empty, got {folder!r}")


def check_writable(name: str, folder: str | Path) -> Path:
    """Return a folder in which files can be written, made if need be.

    `name` is the argument's. Raises TypeError for what is no path, ValueError for an
    empty one, and OSError for a folder that can't be made or written to.
    """
    check_path(name, folder)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        remove_leftovers(Path(folder))
        with tempfile.TemporaryFile(dir=folder):
            return Path(folder)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"{name} {folder} is not a writable folder: {reason}") from error
