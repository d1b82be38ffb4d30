"""Small made-up data sets in the real formats, and a way to pass them as published."""

import gzip
import hashlib
import io
import struct
import tarfile
from pathlib import Path

import numpy as np

from minidl.data import published
from minidl.data.published import IDX_NAMES, PublishedFile

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
    return dict(zip(IDX_NAMES, contents, strict=True))


def write_files(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def publish_idx(monkeypatch, dataset, seed, homes=NOWHERE):
    """Pass made-up files as the published ones; return arrays and .gz files by name."""
    arrays = images_and_labels(seed)
    contents = idx_contents(arrays)
    files = {f"{name}.gz": zipped(content) for name, content in contents.items()}
    registry = tuple(
        PublishedFile(name, md5(files[name]), md5(contents[name[:-3]]), homes, (bare,))
        for name, bare in zip(files, contents, strict=True)
    )
    monkeypatch.setitem(published.PUBLISHED, dataset, registry)
    return arrays, files


def publish_cifar(monkeypatch, content, homes=NOWHERE):
    """Pass a made-up archive as the published one."""
    [real] = published.PUBLISHED["cifar10"]
    registry = (PublishedFile(real.name, md5(content), "", homes, real.also),)
    monkeypatch.setitem(published.PUBLISHED, "cifar10", registry)


def cifar_batch(seed, count=3):
    """The bytes of one binary batch."""
    records = np.random.default_rng(seed).integers(0, 256, (count, 3073), np.uint8)
    records[:, 0] %= 10
    return records.tobytes()


def cifar_members():
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    return {
        f"cifar-10-batches-bin/{name}": cifar_batch(i) for i, name in enumerate(names)
    }


def tar_bytes(members):
    """A .tar.gz; a member is its bytes, or a ready TarInfo for links and the like."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                tar.addfile(content)
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
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
