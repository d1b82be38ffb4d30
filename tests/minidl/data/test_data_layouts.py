"""Files as people have them: other names, archives and folders; and near matches."""

import gzip

import numpy as np
import pytest

from minidl.data import download, load_cifar10, load_fashion_mnist, load_mnist
from tests.minidl.data.synthetic_data import (
    BATCHES,
    cifar_batch,
    cifar_members,
    idx_contents,
    npz_arrays,
    npz_bytes,
    publish_cifar,
    publish_idx,
    python_batch,
    python_members,
    tar_bytes,
    write_files,
    zipped,
)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _unplugged(monkeypatch):
    def fail(*args):
        raise OSError("no network")

    monkeypatch.setattr(download, "_fetch", fail)


def same(name):
    return name


def dotted(name):
    return name.replace("-idx", ".idx")


LAYOUTS = {
    "dots": (".", dotted, bytes),
    "dots and gzip": (".", lambda name: f"{dotted(name)}.gz", zipped),
    "torchvision's root": ("{}/raw", same, bytes),
    "torchvision's MNIST": ("raw", same, bytes),
    "torchvision's MNIST, only archives": ("raw", lambda name: f"{name}.gz", zipped),
    "a folder for each file": (".", lambda name: f"{name}/{name}", bytes),
}


@pytest.mark.parametrize(("folder", "name_of", "wrap"), LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    ("load", "dataset", "torch_name"),
    [
        (load_mnist, "mnist", "MNIST"),
        (load_fashion_mnist, "fashion-mnist", "FashionMNIST"),
    ],
)
def test_idx_files(
    monkeypatch, data_dir, load, dataset, torch_name, folder, name_of, wrap
):
    arrays, _ = publish_idx(monkeypatch, dataset, 0)
    for name, content in idx_contents(arrays).items():
        path = data_dir / folder.format(torch_name) / name_of(name)
        write_files(path.parent, {path.name: wrap(content)})
    for found, made in zip(load(), arrays, strict=True):
        assert np.array_equal(found, made)


def test_torchvisions_two_sets_beside_each_other(monkeypatch, data_dir):
    sets = {}
    for dataset, name, seed in (
        ("mnist", "MNIST", 0),
        ("fashion-mnist", "FashionMNIST", 1),
    ):
        sets[dataset], _ = publish_idx(monkeypatch, dataset, seed)
        write_files(data_dir / name / "raw", idx_contents(sets[dataset]))
    assert np.array_equal(load_mnist().x_train, sets["mnist"][0])
    assert np.array_equal(load_fashion_mnist().x_train, sets["fashion-mnist"][0])
    monkeypatch.setenv("MINIDL_DATA", str(data_dir / "MNIST"))
    with (
        pytest.warns(UserWarning, match="of mnist, not .* of fashion-mnist; skipped"),
        pytest.raises(FileNotFoundError, match="of mnist, not"),
    ):
        load_fashion_mnist()


BINARY, PYTHON = "cifar-10-batches-bin", "cifar-10-batches-py"
TAR, PYTHON_TAR = tar_bytes(cifar_members()), tar_bytes(python_members())
AT_HOME = {f"./{name}": content for name, content in cifar_members().items()}
BARE_BINARY = {f"{name}.bin": cifar_batch(i) for i, name in enumerate(BATCHES)}
BARE_PYTHON = {name: python_batch(i) for i, name in enumerate(BATCHES)}
CIFAR_LAYOUTS = {
    "unpacked by a browser": {"cifar-10-binary.tar.gz": gzip.decompress(TAR)},
    "a plain tar": {"cifar-10-binary.tar": gzip.decompress(TAR)},
    "compressed again": {"cifar-10-binary.tar.gz": zipped(gzip.decompress(TAR), 2)},
    "packed again": {"cifar-10-binary.tar.gz": tar_bytes(AT_HOME)},
    "for Python": {"cifar-10-python.tar.gz": PYTHON_TAR},
    "for Python, a plain tar": {"cifar-10-python.tar": gzip.decompress(PYTHON_TAR)},
    "Keras's name": {"cifar-10-batches-py.tar.gz": PYTHON_TAR},
    "binary batches": cifar_members(),
    "batches for Python": {**python_members(), f"{PYTHON}/batches.meta": b"?"},
    "one folder deeper": {f"{PYTHON}/{n}": c for n, c in python_members().items()},
    "the folder of binary batches": BARE_BINARY,
    "the folder of batches for Python": {**BARE_PYTHON, "readme.html": b"?"},
    "both": {**BARE_BINARY, **BARE_PYTHON},
    "the data set's folder": {f"cifar10/{n}": c for n, c in cifar_members().items()},
    "an archive in a folder of its name": {
        "cifar-10-python.tar/cifar-10-python.tar": TAR
    },
}


def write_below(folder, members):
    for name, content in members.items():
        path = folder / name
        write_files(path.parent, {path.name: content})


@pytest.mark.parametrize("members", CIFAR_LAYOUTS.values(), ids=CIFAR_LAYOUTS)
def test_cifar10(monkeypatch, data_dir, members):
    publish_cifar(monkeypatch, b"another archive")
    write_below(data_dir, members)
    for data in (load_cifar10(), load_cifar10()):  # decoded, and from the cache
        records = np.frombuffer(b"".join(BARE_BINARY.values()), np.uint8)
        labels = records.reshape(18, 3073)[:, 0]
        assert np.array_equal(data.y_train, labels[:15])
        assert np.array_equal(data.y_test, labels[15:])
        assert data.x_train[4, 31, 0, 2] == records[4 * 3073 + 1 + 2048 + 31 * 32]


def test_batches_that_differ_are_named(monkeypatch, data_dir):
    publish_cifar(monkeypatch, TAR)
    swapped = {"data_batch_2.bin": cifar_batch(2), "data_batch_3.bin": cifar_batch(1)}
    write_files(data_dir, {**BARE_BINARY, **swapped})
    with pytest.warns(UserWarning, match="file: data_batch_2, data_batch_3 differ"):
        load_cifar10()


def test_a_batch_that_lacks_is_named(data_dir):
    members = {n: c for n, c in cifar_members().items() if "4" not in n}
    write_below(data_dir, members)
    with pytest.raises(ValueError, match=rf"{BINARY}: no data_batch_4 in it"):
        load_cifar10()


def test_a_changed_batch_is_decoded_anew(monkeypatch, data_dir):
    publish_cifar(monkeypatch, TAR)
    write_files(data_dir, BARE_PYTHON)
    load_cifar10()
    write_files(data_dir, {"test_batch": python_batch(9)})
    with pytest.warns(UserWarning, match="test_batch differ"):
        data = load_cifar10()
    assert data.y_test[0] == cifar_batch(9)[0]


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


@pytest.mark.parametrize("name", SIMILAR.values(), ids=SIMILAR)
def test_a_similar_file_is_named(data_dir, name):
    others = ("kmnist.npz", "notes.txt", "._mnist.npz", "emnist-letters.gz")
    write_below(data_dir, dict.fromkeys((name, *others), b"?"))
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist()
    message = str(caught.value)
    assert "\n" not in message
    assert f"; similar files: {data_dir / name}; set MINIDL_DATA to" in message
    assert "(train-images-idx3-ubyte.gz, train-images-idx3-ubyte, train-im" in message


@pytest.mark.parametrize(
    "name",
    [
        "cifar-10-binary.tar.gz.part",
        "cifar-10-binary (1).tar.gz",
        "cifar-10-batches-mat/data_batch_1.mat",
        "CIFAR10.zip",
        "cifar-10-binary/nested/test_batch.bin",
    ],
)
def test_a_similar_archive_is_named(data_dir, name):
    write_below(data_dir, {name: b"?", "cifar-100-python.tar.gz": b"?"})
    with pytest.raises(FileNotFoundError) as caught:
        load_cifar10()
    assert f"; similar files: {data_dir / name}; set" in str(caught.value)


def test_many_similar_files_are_counted(data_dir):
    write_below(data_dir, {f"mnist-{i}.npz": b"?" for i in range(9)})
    with pytest.raises(FileNotFoundError, match=r"mnist-4\.npz, and 4 more; set"):
        load_mnist()


def test_a_folder_in_place_of_a_file_is_named(data_dir):
    (data_dir / "train-images-idx3-ubyte.gz").mkdir()
    with pytest.raises(FileNotFoundError, match=r"ubyte\.gz \(a folder\); set"):
        load_mnist()


def test_nothing_is_said_of_similar_files_when_all_is_there(monkeypatch, data_dir):
    arrays, files = publish_idx(monkeypatch, "mnist", 0)
    write_files(data_dir, {**files, "mnist.npz": b"?", "t10k-images (1).gz": b"?"})
    assert np.array_equal(load_mnist().x_train, arrays[0])


def test_npz_comes_last(monkeypatch, data_dir):
    publish_cifar(monkeypatch, TAR)
    write_files(data_dir, {**BARE_PYTHON, "cifar10.npz": npz_bytes(npz_arrays())})
    assert len(load_cifar10().x_train) == 15
