"""Downloading a published file: mirror after mirror, kept only if its checksum fits.

The bytes go to a temporary name, and only the right ones are renamed: a broken or
forged download never lies in the folder as if it were whole.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from minidl.data.places import download_folder
from minidl.data.published import PublishedFile
from minidl.data.untrusted import MAX_BYTES, md5_of_file, told
from minidl.files import atomic_write

# Seconds to connect (for each address of a host) and to wait for the next bytes.
TIMEOUT = (5, 10)

_failed_homes: set[str] = set()


def download(
    published: PublishedFile, dataset: str, searched: Sequence[str], similar: str
) -> Path:
    """Fetch the file from the first home that has the right bytes.

    A home that failed is tried last from then on. Raises FileNotFoundError with one
    line that names the places `searched`, `similar` files there, every home's failure
    and what to do.
    """
    found = f"; similar files: {similar}" if similar else ""
    names = ", ".join(name for name in published.names if name != ".")
    advice = f"set MINIDL_DATA to a folder that holds it ({names})"
    try:
        folder = download_folder(dataset)
    except FileNotFoundError as error:
        places = f"not found in {', '.join(searched)}" if searched else "is nowhere"
        raise FileNotFoundError(
            f"{published.name} {places}{found}; {advice}, or download it; {error}"
        ) from error
    failures = []
    for home in sorted(published.homes, key=_failed_homes.__contains__):
        url = f"{home}/{published.name}"
        try:
            return _fetch(url, published, folder)
        except (OSError, ValueError) as error:
            _failed_homes.add(home)
            failures.append(f"{url} ({_cause(error)})")
    raise FileNotFoundError(
        f"{published.name} found neither in {', '.join(searched)} nor at "
        f"{', '.join(failures)}{found}; {advice}, or "
        f"download {published.homes[0]}/{published.name} and put it into {folder}"
    )


def _fetch(url: str, published: PublishedFile, folder: Path) -> Path:
    import pooch  # here, so that `import minidl` stays fast

    path = folder / published.name
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder")
    fetch = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT)
    with atomic_write(path) as file:
        fetch(url, _AtMost(file), None)
        file.flush()
        if (found := md5_of_file(Path(file.name))) != published.md5:
            raise ValueError(f"md5 {found} instead of {published.md5}")
    return path


class _AtMost:
    """A file that takes no more bytes than any data set has."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.flush = file, file.flush

    def write(self, chunk: bytes) -> None:
        if self.file.tell() + len(chunk) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES} bytes")
        self.file.write(chunk)


def _cause(error: Exception) -> str:
    # requests wraps the reason, such as an unknown host, twice.
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return told(reason if isinstance(reason, Exception) else error)
