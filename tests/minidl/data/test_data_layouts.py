"""Files as people have them: other names, archives and folders; and near matches."""

import gzip

import numpy as np
import pytest

from minidl.data import load_cifar10, load_dataset, load_mnist
from tests.minidl.data.synthetic_data import (
    cifar_batch,
    cifar_members,
    idx_contents,
    publish_idx,
    python_members,
    tar_bytes,
    write_files,
    zipped,
)

pytestmark = pytest.mark.filterwarnings("error")


def dotted(name):
    return name.replace("-idx", ".idx")


# Where a file lies ({} is torchvision's folder), and how it is wrapped.
IDX_LAYOUTS = {
    "as published": (lambda name: f"{name}.gz", zipped),
    "bare": (lambda name: name, bytes),
    "compressed again": (lambda name: f"{name}.gz", lambda c: zipped(c, 1)),
    "unpacked by a browser": (lambda name: f"{name}.gz", bytes),
    "dots": (dotted, bytes),
    "dots and gzip": (lambda name: f"{dotted(name)}.gz", zipped),
    "torchvision's root": (lambda name: f"{{}}/raw/{name}", bytes),
    "torchvision's MNIST": (lambda name: f"raw/{name}", bytes),
    "torchvision's, only archives": (lambda name: f"raw/{name}.gz", zipped),
    "a folder for each file": (lambda name: f"{name}/{name}", bytes),
}
TORCH_NAMES = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}


@pytest.mark.parametrize(("place", "wrap"), IDX_LAYOUTS.values(), ids=IDX_LAYOUTS)
@pytest.mark.parametrize("dataset", TORCH_NAMES)
def test_idx_files(monkeypatch, data_dir, dataset, place, wrap):
    arrays, _ = publish_idx(monkeypatch, dataset, 0)
    for name, content in idx_contents(arrays).items():
        path = place(name).format(TORCH_NAMES[dataset])
        write_files(data_dir, {path: wrap(content)})
    for found, made in zip(load_dataset(dataset), arrays, strict=True):
        assert np.array_equal(found, made)
        assert found.dtype == (np.uint8 if made.ndim == 4 else np.int64)
        assert type(found) is np.ndarray


TAR, PYTHON_TAR = tar_bytes(cifar_members()), tar_bytes(python_members())
AT_HOME = {f"./{name}": content for name, content in cifar_members().items()}
BARE_BINARY, BARE_PYTHON = cifar_members(""), python_members("")
CIFAR_LAYOUTS = {
    "as published": {"cifar-10-binary.tar.gz": TAR},
    "unpacked by a browser": {"cifar-10-binary.tar.gz": gzip.decompress(TAR)},
    "a plain tar": {"cifar-10-binary.tar": gzip.decompress(TAR)},
    "compressed again": {"cifar-10-binary.tar.gz": zipped(gzip.decompress(TAR), 2)},
    "packed again": {"cifar-10-binary.tar.gz": tar_bytes(AT_HOME)},
    "for Python": {"cifar-10-python.tar.gz": PYTHON_TAR},
    "for Python, a plain tar": {"cifar-10-python.tar": gzip.decompress(PYTHON_TAR)},
    "Keras's name": {"cifar-10-batches-py.tar.gz": PYTHON_TAR},
    "binary batches": cifar_members(),
    "batches for Python": {**python_members(), "cifar-10-batches-py/batches.meta": b""},
    "one folder deeper": python_members("cifar-10-batches-py/cifar-10-batches-py/"),
    "the folder of binary batches": BARE_BINARY,
    "the folder of batches for Python": {**BARE_PYTHON, "readme.html": b"?"},
    "both": {**BARE_BINARY, **BARE_PYTHON},
    "the data set's folder": cifar_members("cifar10/cifar-10-batches-bin/"),
    "an archive in a folder of its name": {
        "cifar-10-python.tar/cifar-10-python.tar": TAR
    },
    "an archive comes first": {"cifar-10-binary.tar.gz": TAR, "cifar10.npz": b"?"},
    "npz comes last": {**BARE_PYTHON, "cifar10.npz": b"?"},
}


@pytest.mark.usefixtures("cifar10")
@pytest.mark.parametrize("members", CIFAR_LAYOUTS.values(), ids=CIFAR_LAYOUTS)
def test_cifar10(data_dir, new_process, members):
    write_files(data_dir, members)
    records = np.frombuffer(b"".join(BARE_BINARY.values()), np.uint8).reshape(18, 3073)
    planes = records[:, 1:].reshape(18, 3, 32, 32)
    for _ in range(2):  # decoded, and from the cache
        data = load_cifar10()
        assert np.array_equal(
            np.concatenate([data.y_train, data.y_test]), records[:, 0]
        )
        images = np.concatenate([data.x_train, data.x_test])
        assert np.array_equal(images, planes.transpose(0, 2, 3, 1))
        assert len(data.x_test) == 3
        new_process()


def test_batches_that_differ_are_named(data_dir, cifar10):
    swapped = {"data_batch_2.bin": cifar_batch(2), "data_batch_3.bin": cifar_batch(1)}
    write_files(data_dir, {**BARE_BINARY, **swapped})
    with pytest.warns(UserWarning, match="file: data_batch_2, data_batch_3 differ"):
        load_cifar10()


SIMILAR = {
    "a second download": "train-images-idx3-ubyte (1).gz",
    "another archive": "train-images-idx3-ubyte.zip",
    "half a download": "train-images-idx3-ubyte.gz.part",
    "underscores": "train_images.gz",
    "capitals": "Train-Images-idx3-ubyte.gz",
    "Keras": "mnist.npz",
    "pickled": "mnist.pkl.gz",
    "a folder deeper": "archive/train-images-idx3-ubyte.gz",
    "two folders deeper": "data/archive/train-images.idx3-ubyte",
}
SIMILAR_ARCHIVES = (
    "cifar-10-binary.tar.gz.part",
    "cifar-10-binary (1).tar.gz",
    "cifar-10-batches-mat/data_batch_1.mat",
    "CIFAR10.zip",
    "cifar-10-binary/nested/test_batch.bin",
)
OTHERS = (
    *("kmnist.npz", "notes.txt", "._mnist.npz", ".hidden/mnist.npz"),
    *("emnist-letters.gz", "cifar-100-python.tar.gz"),
)


@pytest.mark.parametrize(
    ("dataset", "name"),
    [
        *(("mnist", name) for name in SIMILAR.values()),
        *(("cifar10", name) for name in SIMILAR_ARCHIVES),
    ],
)
def test_a_similar_file_is_named(data_dir, dataset, name):
    write_files(data_dir, dict.fromkeys((name, *OTHERS), b"?"))
    with pytest.raises(FileNotFoundError) as caught:
        load_dataset(dataset)
    message = str(caught.value)
    assert "\n" not in message
    assert f"; similar files: {data_dir / name}; set MINIDL_DATA to" in message
    if dataset == "mnist":
        assert "(train-images-idx3-ubyte.gz, train-images-idx3-ubyte, train" in message


def test_many_similar_files_are_counted(data_dir):
    write_files(data_dir, {f"mnist-{i}.npz": b"?" for i in range(9)})
    with pytest.raises(FileNotFoundError, match=r"mnist-4\.npz, and 4 more; set"):
        load_mnist()


def test_a_folder_in_place_of_a_file_is_named(data_dir):
    (data_dir / "train-images-idx3-ubyte.gz").mkdir()
    with pytest.raises(FileNotFoundError, match=r"ubyte\.gz \(a folder\); set"):
        load_mnist()


def test_nothing_is_said_of_similar_files_when_all_is_there(data_dir, mnist):
    arrays, files = mnist
    write_files(data_dir, {**files, "mnist.npz": b"?", "t10k-images (1).gz": b"?"})
    assert np.array_equal(load_mnist().x_train, arrays[0])
