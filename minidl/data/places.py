"""The folders in which data files are looked for, in this order.

1. The folder in the environment variable MINIDL_DATA: first its subfolder with the
   data set's name, then the folder itself. (MNIST and Fashion-MNIST use the same file
   names, so only one of them can lie in the folder itself.)
2. For Fashion-MNIST, where Debian's package dataset-fashion-mnist installs it.
3. The user's cache folder, or the folder in MINIDL_CACHE; downloads go there.
"""

import os
from pathlib import Path

DEBIAN_FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")


def cache_folder() -> Path:
    """Return the folder for downloads and decoded arrays; MINIDL_CACHE overrides it."""
    if chosen := os.environ.get("MINIDL_CACHE"):
        return Path(chosen).expanduser().absolute()
    import pooch  # here, so that `import minidl` stays fast

    return Path(pooch.os_cache("minidl"))


def download_folder(dataset: str) -> Path:
    """Return the folder for the downloaded files of one data set."""
    return cache_folder() / dataset


def folders(dataset: str) -> list[Path]:
    """Return the folders to search for a data set's files, in order.

    Raises FileNotFoundError if MINIDL_DATA is set to something that is no folder: to
    go on without it would download data that the user believes to be there.
    """
    found = []
    if chosen := os.environ.get("MINIDL_DATA"):
        root = Path(chosen).expanduser().absolute()
        if not root.is_dir():
            raise FileNotFoundError(f"MINIDL_DATA={chosen!r} is not a folder")
        found += [root / dataset, root]
    if dataset == "fashion-mnist":
        found.append(DEBIAN_FASHION_FOLDER)
    return [*found, download_folder(dataset)]
