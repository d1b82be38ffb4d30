"""From a published file's name to its arrays: search, decode, judge, download.

A file found on this machine is taken if its structure is right. If its bytes aren't
the published ones it is taken too, with one line of warning, unless they are those of
another published file: MNIST and Fashion-MNIST share their file names. A malformed file
is an error, but among the downloads it is downloaded again.
"""

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minidl.data.cache import Decoded, decoded, warn_once
from minidl.data.cifar import read_npz, read_tar
from minidl.data.download import download
from minidl.data.idx import read_images, read_labels
from minidl.data.places import download_folder, folders
from minidl.data.published import PublishedFile, owner_of

Arrays = dict[str, NDArray[np.uint8]]

# By data set and published file: how the one that was read last differs from it.
notes: dict[tuple[str, str], str] = {}


class WrongFileError(ValueError):
    """The content is that of another published file."""


def load_arrays(dataset: str, published: PublishedFile) -> Arrays:
    """Return the uint8 arrays of a published file, from wherever it is.

    Raises ValueError if a file of the user's is malformed, FileNotFoundError if none is
    found and none can be downloaded.
    """
    decode = partial(_decode, dataset, published)
    downloads = download_folder(dataset)
    searched = []
    for folder in folders(dataset):
        searched.append(str(folder))
        for path in _candidates(folder, published):
            try:
                return told(dataset, published, path, decoded(dataset, path, decode))
            except ValueError as error:
                if not isinstance(error, WrongFileError) and folder != downloads:
                    raise
                warn_once(f"{error}; skipped")
                searched[-1] = f"{folder} (skipped: {error})"
    path = download(published, downloads, searched)
    return told(dataset, published, path, decoded(dataset, path, decode))


def told(dataset: str, published: PublishedFile, path: Path, found: Decoded) -> Arrays:
    """Return the arrays; warn once per process if they aren't the published file's."""
    notes[dataset, published.name] = f"{path.name} {found.note}" if found.note else ""
    if found.note:
        warn_once(f"{path.absolute()} {found.note}")
    return found.arrays


def _candidates(folder: Path, published: PublishedFile) -> list[Path]:
    paths = [folder / name for name in (published.name, *published.also)]
    return [path for path in paths if path.is_file()]


def _decode(dataset: str, published: PublishedFile, path: Path) -> Decoded:
    if dataset == "cifar10":
        return _decode_cifar(published, path)
    return _decode_idx(dataset, published, path)


def _decode_idx(dataset: str, published: PublishedFile, path: Path) -> Decoded:
    file_md5 = _md5(path)
    _refuse_other_file(dataset, published, path, file_md5)
    if "idx3" in published.name:
        array, content_md5 = read_images(path)
        arrays = {"images": array}
    else:
        array, content_md5 = read_labels(path)
        arrays = {"labels": array}
    _refuse_other_file(dataset, published, path, content_md5)
    return Decoded(arrays, _idx_note(published, file_md5, content_md5))


def _refuse_other_file(
    dataset: str, published: PublishedFile, path: Path, md5: str
) -> None:
    owner = owner_of(md5)
    if owner is not None and owner != (dataset, published):
        raise WrongFileError(
            f"{path} holds {owner[1].name} of {owner[0]}, not {published.name} of "
            f"{dataset}"
        )


def _idx_note(published: PublishedFile, file_md5: str, content_md5: str) -> str:
    """Say what is not as published; another gzip wrapper makes no difference."""
    if published.md5 == file_md5 or published.content_md5 == content_md5:
        return ""
    return _unknown(published, file_md5)


def _decode_cifar(published: PublishedFile, path: Path) -> Decoded:
    if path.suffix != ".npz":
        arrays, file_md5 = read_tar(path), _md5(path)
        note = "" if file_md5 == published.md5 else _unknown(published, file_md5)
        return Decoded(arrays, note)
    arrays, inexact = read_npz(path)
    if inexact is None:
        return Decoded(arrays, _unknown(published, _md5(path)))
    total = len(arrays["x_train"]) + len(arrays["x_test"])
    note = f"is not the published file: {inexact} of its {total} images differ from it"
    return Decoded(arrays, note)


def _unknown(published: PublishedFile, file_md5: str) -> str:
    return (
        f"is not the published file: md5 {file_md5} instead of {published.md5} of "
        f"{published.name}"
    )


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.md5(usedforsecurity=False)
        ).hexdigest()
