"""Small made-up data sets in the real formats, and a way to pass them as published."""

import gzip
import hashlib
import io
import struct
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from minidl.data import published
from minidl.data.published import BATCHES, IDX_NAMES

TRAIN, TEST = 20, 10
NOWHERE = ("http://127.0.0.1:1/nowhere",)  # refuses connections at once


def idx_images(images):
    return struct.pack(">4I", 2051, *images.shape[:3]) + images.tobytes()


def idx_labels(labels):
    return struct.pack(">2I", 2049, len(labels)) + labels.tobytes()


def md5(content):
    return hashlib.md5(content).hexdigest()


def zipped(content, level=9):
    return gzip.compress(content, level, mtime=0)


def images_and_labels(seed):
    """x_train, y_train, x_test, y_test like MNIST's: uint8 (N, 28, 28, 1) and (N,)."""
    rng = np.random.default_rng(seed)
    arrays = []
    for count in (TRAIN, TEST):
        arrays.append(rng.integers(0, 256, (count, 28, 28, 1), dtype=np.uint8))
        arrays.append(rng.integers(0, 10, count, dtype=np.uint8))
    return arrays


def idx_contents(arrays):
    """The four bare IDX files, by name."""
    contents = [idx_images(a) if a.ndim == 4 else idx_labels(a) for a in arrays]
    return dict(zip(IDX_NAMES.values(), contents, strict=True))


def write_files(folder, contents):
    """Write files; a name may hold folders."""
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def publish_idx(monkeypatch, dataset, seed, homes=NOWHERE):
    """Pass made-up files as the published ones; return arrays and .gz files by name."""
    arrays = images_and_labels(seed)
    contents = idx_contents(arrays)
    files = {f"{name}.gz": zipped(content) for name, content in contents.items()}
    registry = tuple(
        replace(
            real,
            md5=md5(files[real.name]),
            contents={name: (md5(content),)},
            homes=homes,
        )
        for real, (name, content) in zip(
            published.PUBLISHED[dataset], contents.items(), strict=True
        )
    )
    monkeypatch.setitem(published.PUBLISHED, dataset, registry)
    return arrays, files


def publish_cifar(monkeypatch, homes=NOWHERE):
    """Pass a made-up archive as the published one, and its batches; return it."""
    archive = tar_bytes(cifar_members())
    [real] = published.PUBLISHED["cifar10"]
    batches = {
        name: (hashlib.sha1(cifar_batch(i)).hexdigest(), md5(python_batch(i)))
        for i, name in enumerate(BATCHES)
    }
    registry = (replace(real, md5=md5(archive), homes=homes, contents=batches),)
    monkeypatch.setitem(published.PUBLISHED, "cifar10", registry)
    return archive


def cifar_batch(seed, count=3):
    """The bytes of one binary batch."""
    records = np.random.default_rng(seed).integers(0, 256, (count, 3073), np.uint8)
    records[:, 0] %= 10
    return records.tobytes()


def python_batch(seed, count=3):
    """The same batch in the "Python version": a pickle as Python 2 wrote it."""

    def text(words):
        return b"U" + bytes([len(words)]) + words

    records = np.frombuffer(cifar_batch(seed, count), np.uint8).reshape(count, 3073)
    labels = b"".join(b"K" + bytes([label]) for label in records[:, 0])
    pixels = records[:, 1:].tobytes()
    shape = b"M" + struct.pack("<H", count) + b"M\x00\x0c\x86"
    names = (
        text(b"frog_s_%06d.png" % i) + b"q" + bytes([14 + i]) for i in range(count)
    )
    return b"".join(
        (
            b"\x80\x02}q\x01(" + text(b"batch_label") + b"q\x02",
            text(b"training batch 1 of 5") + b"q\x03",
            text(b"labels") + b"q\x04]q\x05(" + labels + b"e",
            text(b"data") + b"q\x06cnumpy.core.multiarray\n_reconstruct\nq\x07",
            b"cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\t(K\x01" + shape,
            b"cnumpy\ndtype\nq\nU\x02u1K\x00K\x01\x87Rq\x0b(K\x03U\x01|NNN",
            b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T" + struct.pack("<i", len(pixels)) + pixels + b"tb",
            text(b"filenames") + b"q\x0c]q\r(" + b"".join(names) + b"eu.",
        )
    )


def cifar_members(folder="cifar-10-batches-bin/"):
    return {f"{folder}{name}.bin": cifar_batch(i) for i, name in enumerate(BATCHES)}


def python_members(folder="cifar-10-batches-py/"):
    return {f"{folder}{name}": python_batch(i) for i, name in enumerate(BATCHES)}


def tar_bytes(members):
    """A .tar.gz; a member is its bytes, or a ready TarInfo for links and the like."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content, io.BytesIO(bytes(content.size)))
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    return zipped(buffer.getvalue(), level=1)


def npz_arrays():
    """A small cifar10.npz of which three images are not exact."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (6, 3, 32, 32), np.uint8),
        "y_train": rng.integers(0, 10, 6, np.uint8),
        "x_test": rng.integers(0, 256, (2, 3, 32, 32), np.uint8),
        "y_test": rng.integers(0, 10, 2, np.uint8),
        "lossy_train_idx": np.array([1, 4]),
        "lossy_test_idx": np.array([0]),
    }


def npz_bytes(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def tree(folder: Path):
    """Every file below a folder, by its path relative to it."""
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()
    )
