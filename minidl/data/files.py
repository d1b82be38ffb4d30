"""From a published file's name to its arrays: search, decode, judge, download.

A file found on this machine is taken if its structure is right. If its bytes aren't
the published ones it is taken too, with one line of warning, unless they are those of
another published file: MNIST and Fashion-MNIST share their file names. A malformed file
is an error, but among the downloads it is downloaded again.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from minidl.data.cache import Decoded, decoded, warn_once
from minidl.data.cifar import Arrays, batch_files, read_batches
from minidl.data.download import download
from minidl.data.idx import read_images, read_labels
from minidl.data.npz import read_npz
from minidl.data.places import download_folder, folders
from minidl.data.published import PublishedFile, owner_of
from minidl.data.similar import similar_files
from minidl.data.untrusted import is_there, md5_of_file

# By data set and published file: how the one that was read last differs from it.
notes: dict[tuple[str, str], str] = {}


class WrongFileError(ValueError):
    """The content is that of another published file."""


def load_arrays(dataset: str, published: PublishedFile) -> Arrays:
    """Return the uint8 arrays of a published file, from wherever it is.

    Raises ValueError if a file of the user's is malformed, FileNotFoundError if none is
    found and none can be downloaded.
    """
    users, downloads = folders(dataset), []
    with suppress(FileNotFoundError):  # raised again when it is needed
        downloads = [download_folder(dataset)]
    searched = []
    for folder in (*users, *downloads):
        searched.append(str(folder))
        for path in _candidates(folder, published):
            try:
                return _taken(dataset, published, path)
            except ValueError as error:
                if not isinstance(error, WrongFileError) and folder not in downloads:
                    raise
                warn_once(f"{error}; skipped")
                searched[-1] = f"{folder} (skipped: {error})"
    similar = similar_files([*users, *downloads], published)
    return _taken(dataset, published, download(published, dataset, searched, similar))


def _candidates(folder: Path, published: PublishedFile) -> Iterator[Path]:
    """Yield what lies in a folder under one of the file's names.

    Some programs unpack an archive into a folder of its name.
    """
    for name in published.names:
        for path in (folder / name, folder / name / name):
            if is_there(path) or (published.batches and batch_files(path)):
                yield path
                break


def _taken(dataset: str, published: PublishedFile, path: Path) -> Arrays:
    """Return the arrays; warn once per process if they aren't the published file's."""
    parts = batch_files(path) if os.path.isdir(path) else [path]
    found = decoded(dataset, path, parts, partial(_decode, dataset, published))
    notes[dataset, published.name] = f"{path.name} {found.note}" if found.note else ""
    if found.note:
        warn_once(f"{path.absolute()} {found.note}")
    return found.arrays


def _decode(dataset: str, published: PublishedFile, path: Path) -> Decoded:
    if path.suffix == ".npz":
        return _decode_npz(published, path)
    if published.batches:
        return _decode_batches(published, path)
    return _decode_idx(dataset, published, path)


def _decode_idx(dataset: str, published: PublishedFile, path: Path) -> Decoded:
    images = "idx3" in published.name
    array, *checksums = read_images(path) if images else read_labels(path)
    for md5 in checksums:
        owner = owner_of(md5)
        if owner not in (None, (dataset, published)):
            raise WrongFileError(
                f"{path} holds {owner[1].name} of {owner[0]}, not {published.name} of "
                f"{dataset}"
            )
    # Another gzip wrapper makes no difference.
    same = {published.md5, published.content_md5} & {*checksums}
    note = "" if same else _unknown(published, checksums[0])
    return Decoded({"images" if images else "labels": array}, note)


def _decode_batches(published: PublishedFile, path: Path) -> Decoded:
    arrays, checksums = read_batches(path)
    batches = published.batches
    others = [name for name in batches if not checksums[name] & {*batches[name]}]
    if not others or (os.path.isfile(path) and md5_of_file(path) == published.md5):
        return Decoded(arrays, "")
    return Decoded(arrays, f"is not the published file: {', '.join(others)} differ")


def _decode_npz(published: PublishedFile, path: Path) -> Decoded:
    arrays, inexact = read_npz(path)
    if inexact is None:
        return Decoded(arrays, _unknown(published, md5_of_file(path)))
    total = len(arrays["x_train"]) + len(arrays["x_test"])
    note = f"is not the published file: {inexact} of its {total} images differ from it"
    return Decoded(arrays, note)


def _unknown(published: PublishedFile, file_md5: str) -> str:
    return (
        f"is not the published file: md5 {file_md5} instead of {published.md5} of "
        f"{published.name}"
    )
