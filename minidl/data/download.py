"""Downloading a published file, mirror by mirror; kept only if its checksum is right.

The bytes go to a temporary file, which is renamed only if they are right: a broken or
forged download never gets the file's name.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

from minidl.data.places import download_folder, similar_files
from minidl.data.published import PublishedFile
from minidl.data.untrusted import MAX_BYTES, in_words
from minidl.store.files import atomic_write

# Seconds to connect (for each address of a host) and to wait for the next bytes.
TIMEOUT = (5, 10)

_failed_homes: set[str] = set()


def download(published: PublishedFile, searched: Mapping[Path, str]) -> Path:
    """Fetch a file from the first home that has the right bytes.

    A home that failed is tried last from then on. Raises FileNotFoundError with one
    line that names the folders `searched`, each with a remark, similar files there,
    every home's failure and what to do.
    """
    places = ", ".join(f"{folder}{remark}" for folder, remark in searched.items())
    similar = similar_files(searched, published)
    names = ", ".join(name for name in published.names if name != ".")
    advice = f"set MINIDL_DATA to a folder that holds it ({names})"
    if similar:
        advice = f"similar files: {similar}; {advice}"
    try:
        folder = download_folder(published.dataset)
    except FileNotFoundError as error:
        where = f"not found in {places}" if places else "is nowhere"
        raise FileNotFoundError(
            f"{published.name} {where}; {advice}, or download it; {error}"
        ) from error
    failures = []
    for home in sorted(published.homes, key=_failed_homes.__contains__):
        url = f"{home}/{published.name}"
        try:
            _fetch(url, folder / published.name, published.md5)
            return folder / published.name
        except (OSError, ValueError) as error:
            _failed_homes.add(home)
            failures.append(f"{url} ({_cause(error)})")
    raise FileNotFoundError(
        f"{published.name} found neither in {places} nor at {', '.join(failures)}; "
        f"{advice}, or download {published.homes[0]}/{published.name} and put it into "
        f"{folder}"
    )


def _fetch(url: str, path: Path, md5: str) -> None:
    import pooch  # here, so that `import minidl` stays fast

    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder")
    with atomic_write(path) as file:

        def write(chunk: bytes) -> None:
            if file.tell() + len(chunk) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
            file.write(chunk)

        bounded = SimpleNamespace(write=write, flush=file.flush)
        pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT)(url, bounded, None)
        if (found := pooch.file_hash(file.name, "md5")) != md5:
            raise ValueError(f"md5 {found} instead of {md5}")


def _cause(error: Exception) -> str:
    # requests wraps the reason, such as an unknown host, twice.
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return in_words(reason if isinstance(reason, Exception) else error)
