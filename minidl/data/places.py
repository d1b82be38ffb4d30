"""The folders that are searched for data files, in this order, and what is in them.

1. The folder in the environment variable MINIDL_DATA: its subfolder with the data set's
   name, the folder itself, and where torchvision puts the files below it. (MNIST and
   Fashion-MNIST use the same file names, so only one of them can be in the folder
   itself.)
2. For Fashion-MNIST, where Debian's package dataset-fashion-mnist installs it.
3. The user's cache folder, or the folder in MINIDL_CACHE; downloads go there.
"""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import islice, product
from pathlib import Path

from minidl.data.cifar import batch_files
from minidl.data.published import PublishedFile
from minidl.data.untrusted import is_there

DEBIAN_FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")

SUBFOLDERS = {
    "mnist": ("mnist", ".", "MNIST/raw", "raw"),
    "fashion-mnist": ("fashion-mnist", ".", "FashionMNIST/raw", "raw"),
    "cifar10": ("cifar10", "."),
}
BELOW = ("[!.]*", "[!.]*/[!.]*", "[!.]*/[!.]*/[!.]*")  # nothing hidden
MAX_ENTRIES = 5_000  # looked at on each level below a folder
MAX_NAMED = 5


def cache_folder() -> Path:
    """Return the folder for downloads and decoded arrays; MINIDL_CACHE overrides it.

    Raises FileNotFoundError if it can't be determined, as without a home folder.
    """
    try:
        if chosen := os.environ.get("MINIDL_CACHE"):
            return Path(chosen).expanduser().absolute()
        import pooch  # here, so that `import minidl` stays fast

        folder = Path(pooch.os_cache("minidl"))
        if not folder.is_absolute():  # as platformdirs did before 4.10
            raise RuntimeError(f"{folder} is unknown")
        return folder
    except RuntimeError as error:
        raise FileNotFoundError(
            f"no cache folder is known ({error}): set MINIDL_CACHE to one"
        ) from error


def download_folder(dataset: str) -> Path:
    """Return the folder for the downloaded files of one data set."""
    return cache_folder() / dataset


def folders(dataset: str) -> list[Path]:
    """Return the user's folders to search for a data set's files, in order.

    Raises FileNotFoundError if MINIDL_DATA is set, but isn't a readable folder:
    ignoring it would download data that the user believes to be there.
    """
    found = []
    if chosen := os.environ.get("MINIDL_DATA"):
        path = os.path.expanduser(chosen)
        if not os.path.isdir(path):
            raise FileNotFoundError(f"MINIDL_DATA={chosen!r} is not a folder")
        if not os.access(path, os.R_OK | os.X_OK):
            raise FileNotFoundError(f"MINIDL_DATA={chosen!r} may not be read")
        root = Path(path).absolute()
        found += [root / subfolder for subfolder in SUBFOLDERS[dataset]]
    if dataset == "fashion-mnist":
        found.append(DEBIAN_FASHION_FOLDER)
    return found


def candidates(folder: Path, published: PublishedFile) -> Iterator[Path]:
    """Yield what a folder holds under any of a file's names.

    Some programs unpack an archive into a folder of its name.
    """
    for name in published.names:
        for path in (folder / name, folder / name / name):
            if is_there(path) or (not published.field and batch_files(path)):
                yield path
                break


def similar_files(searched: Collection[Path], published: PublishedFile) -> str:
    """Return names that resemble a file's, in the folders and two levels below.

    A browser's second download, half a download, another tool's archive: data files
    have many names. Those that were searched for count only in other folders.
    """
    found: dict[str, None] = {}  # a set that keeps its order
    for folder, pattern in product(searched, BELOW):
        with suppress(OSError):  # it isn't there, or may not be read
            for path in sorted(islice(folder.glob(pattern), MAX_ENTRIES)):
                wanted = path.name in published.names
                letters = re.sub("[^a-z0-9]", "", path.name.lower())
                if os.path.isdir(path):
                    found |= {f"{path} (a folder)": None} if wanted else {}
                elif wanted and path.parent in searched:
                    continue
                elif re.search(published.resembling, letters):
                    found[str(path)] = None
    more = [f"and {len(found) - MAX_NAMED} more"] if len(found) > MAX_NAMED else []
    return ", ".join([*islice(found, MAX_NAMED), *more])
