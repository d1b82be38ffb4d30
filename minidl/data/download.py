"""Downloading a published file: mirror after mirror, kept only if its checksum fits.

pooch writes to a temporary name, compares the checksum and only then renames, so a
broken or forged download never lies in the folder as if it were whole.
"""

from collections.abc import Sequence
from pathlib import Path

from minidl.data.published import PublishedFile

# Seconds to connect (for each address of a host) and to wait for the next bytes.
TIMEOUT = (5, 10)

_failed_homes: set[str] = set()


def download(published: PublishedFile, folder: Path, searched: Sequence[str]) -> Path:
    """Fetch the file into the folder from the first home that has the right bytes.

    A home that failed is tried last from then on. Raises FileNotFoundError with one
    line that names the places `searched`, every home's failure and what to do.
    """
    failures = []
    for home in sorted(published.homes, key=_failed_homes.__contains__):
        url = f"{home}/{published.name}"
        try:
            return _fetch(url, published, folder)
        except (OSError, ValueError) as error:
            _failed_homes.add(home)
            failures.append(f"{url} ({_one_line(error)})")
    raise FileNotFoundError(
        f"{published.name} found neither in {', '.join(searched)} nor at "
        f"{', '.join(failures)}; set MINIDL_DATA to a folder that holds it, or "
        f"download {published.homes[0]}/{published.name} and put it into {folder}"
    )


def _fetch(url: str, published: PublishedFile, folder: Path) -> Path:
    import pooch  # here, so that `import minidl` stays fast

    downloader = pooch.HTTPDownloader(progressbar=True, timeout=TIMEOUT)
    path = pooch.retrieve(
        url,
        known_hash=f"md5:{published.md5}",
        fname=published.name,
        path=folder,
        downloader=downloader,
    )
    return Path(path)


def _one_line(error: Exception) -> str:
    """Return the kind of error and its text, shortened to fit into a message."""
    # requests wraps the reason, such as an unknown host, twice.
    reason = getattr(error.args[0], "reason", None) if error.args else None
    cause = reason if isinstance(reason, Exception) else error
    text = " ".join(str(cause).split())
    return f"{type(cause).__name__}: {text if len(text) < 160 else text[:157] + '...'}"
