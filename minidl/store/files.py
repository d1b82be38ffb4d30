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
        """Lock a file until it's closed or its process ends; OSError if it's locked."""
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def lock(file: IO[Any]) -> None:
        """Lock a file until it's closed or its process ends; OSError if it's locked."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


LEFTOVER = re.compile(r"\..+\.[0-9a-f]{16}\.minidl")  # names of temporary files
YOUNG = 1.0  # seconds: time to lock a new file, or to rename a finished one


@contextmanager
def open_regular(path: str | Path, most: int) -> Iterator[IO[bytes]]:
    """Open a regular file for reading, unless it holds more than `most` bytes.

    Raises IsADirectoryError for a folder, ValueError for a larger file and for anything
    that isn't a regular file, and what `open` raises. It never blocks.
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
    # Opening a FIFO would otherwise wait for its other end.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a binary file that takes its name only when it is complete and on disk.

    The bytes go to a temporary file in the same folder, which is flushed to the disk
    and then renamed. No reader sees half a file, even after a crash or on a full disk.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    temporary = temporary_name(path)
    try:
        # "x" fails if the file exists. `tempfile` would make the file private, and the
        # umask can only be read by changing it for all threads.
        with open(temporary, "xb") as file:
            with suppress(OSError):  # some file systems have no locks
                lock(file)
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.utime(temporary)  # young until it is renamed
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def temporary_name(path: Path) -> Path:
    """Return a name beside a path that no other file has, and that LEFTOVER matches."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.minidl")


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Make a folder that takes its name only when the block has succeeded.

    Raises FileExistsError if something of that name exists: nothing is overwritten.
    """
    check_free("folder", path)
    path = Path(path).absolute()
    temporary = temporary_name(path)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.rename(path)
    except BaseException:
        shutil.rmtree(temporary)
        raise


def check_free(name: str, path: Any) -> None:
    """Raise unless path is a path; FileExistsError if something exists there."""
    check_path(name, path)
    if os.path.lexists(path):
        raise FileExistsError(
            f"{name} must be new, got {path}, which exists: nothing is overwritten"
        )


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files that killed processes left in a folder.

    A process that is still writing holds a lock on its file.
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
    """Keep other processes from doing the same in a folder at the same time.

    Raises BlockingIOError if another process is doing it. The system releases the lock
    when a process ends, however it ends.
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
        except OSError:  # this file system has no locks
            pass
        yield


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, atomically."""
    with atomic_write(path) as file:
        file.write(text.encode())


def set_aside(path: Path, error: Exception, then: str) -> None:
    """Rename a damaged file, so that its work is done again, and warn."""
    with suppress(FileNotFoundError):  # another process was faster
        path.replace(path.with_suffix(".damaged"))
    warnings.warn(f"{error}; set aside, {then}", stacklevel=3)


def check_path(name: str, folder: Any) -> None:
    """Raise TypeError for anything but a path, ValueError for an empty one."""
    if not isinstance(folder, str | os.PathLike):
        raise TypeError(f"{name} must be a path, got {folder!r}")
    if not os.fspath(folder):
        raise ValueError(f"{name} must not be empty, got {folder!r}")


def check_writable(name: str, folder: str | Path) -> Path:
    """Return a folder to which files can be written; create it if necessary.

    `name` is the argument's name. Raises TypeError for anything but a path, ValueError
    for an empty one, and OSError for a folder that can't be created or written to.
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
