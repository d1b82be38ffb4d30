"""Limits on a student's code, which guard against accidents, not against malice.

Code that tries to get out can. Grade strangers' submissions on a machine that holds
nothing else.
"""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

MEMORY = 2 * 2**30  # bytes; Windows has no such limit
FILE = 100 * 2**20  # bytes of a written file
FORBIDDEN = (
    *("socket.", "os.kill", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
    *("os.fork", "os.startfile", "pty.spawn", "subprocess.", "signal.", "winreg."),
    *("ftplib.", "http.", "imaplib.", "nntplib.", "poplib.", "smtplib.", "telnetlib."),
    *("urllib.", "webbrowser.", "resource.", "sqlite3."),
)
CHANGES = (
    *("os.chdir", "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove"),
    *("os.rename", "os.rmdir", "os.symlink", "os.truncate", "os.utime", "shutil."),
)
LOOKS = ("os.listdir", "os.scandir")  # by which os.walk and glob then find nothing
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def guard(own: Path, closed: Iterable[Path]) -> None:
    """Confine this process permanently to its own folder and to reading libraries.

    PermissionError is raised for reading in closed folders, for the network, and for
    starting or ending a process, MemoryError for too much memory.
    """
    libraries = [sys.prefix, sys.base_prefix, *filter(None, sys.path)]
    readable = [os.path.realpath(p) for p in (str(own), *libraries, os.devnull)]
    writable, hidden = [readable[0], readable[-1]], [*map(os.path.realpath, closed)]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            check(path, writable if flags & WRITING else readable, hidden)
        elif event.startswith(CHANGES):
            for path in arguments[:2]:
                check(path, writable, [])
        elif event.startswith(LOOKS):
            check(arguments[0] or ".", readable, hidden)
        elif event.startswith(FORBIDDEN):
            raise PermissionError(f"{event} isn't allowed while answers are graded")

    limit_memory()
    sys.addaudithook(hook)


def check(path: Any, allowed: Iterable[str], hidden: Iterable[str]) -> None:
    """Raise PermissionError for a file in none of the folders, or in a hidden one."""
    if not isinstance(path, str | bytes | os.PathLike):
        return  # a file that is already open
    place = os.path.realpath(os.fsdecode(path))
    if not within(place, allowed) or within(place, hidden):
        raise PermissionError(f"{place} isn't one of your files")


def within(place: str, folders: Iterable[str]) -> bool:
    """Return whether a file is one of these or lies below."""
    return any(
        place == f or place.startswith(f.rstrip(os.sep) + os.sep) for f in folders
    )


def limit_memory() -> None:
    """Limit this process's memory, where the system can."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
