"""Which file is loaded, from which folder, and the warnings about it."""

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minidl.data import (
    CLASS_NAMES,
    differences,
    load_cifar10,
    load_dataset,
    load_fashion_mnist,
    load_mnist,
    npz,
    places,
)
from minidl.data.published import PUBLISHED
from tests.minidl.data.synthetic_data import (
    cifar_members,
    idx_contents,
    idx_images,
    idx_labels,
    images_and_labels,
    npz_arrays,
    npz_bytes,
    python_members,
    write_files,
    zipped,
)

IMAGES = "train-images-idx3-ubyte.gz"
LABELS = "train-labels-idx1-ubyte.gz"


@pytest.fixture
def silence():
    """Any warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def load_with_warning(load, match):
    """Load; exactly one warning of one line must match, and another load be silent."""
    with pytest.warns(UserWarning, match=match) as caught:
        data, _ = load(), load()
    assert [str(w.message).count("\n") for w in caught] == [0]
    return data


def assert_skipped(load, warning, message, error=FileNotFoundError):
    """A file is skipped with a warning, and then the data set is refused."""
    warns, raises = pytest.warns(UserWarning, match=warning), pytest.raises(error)
    with warns, raises as caught:
        load()
    assert re.search(message, str(caught.value))
    return str(caught.value)


@pytest.mark.usefixtures("cifar10")
@pytest.mark.parametrize("load", [load_mnist, load_cifar10])
@pytest.mark.parametrize("part", range(4))
def test_what_was_loaded_can_not_be_changed(mnist, data_dir, load, part):
    write_files(data_dir, {**mnist[1], **cifar_members()})
    before = load()[part].copy()
    with pytest.raises(ValueError, match="read-only"):
        load()[part][0] = 1
    changed = load()[part]
    try:
        changed.flags.writeable = True
    except ValueError:
        assert part in (0, 2)  # images are shared by all that load them
    else:
        changed[:] = 1
    assert np.array_equal(load()[part], before)


def test_the_subfolder_comes_before_the_folder(mnist, fashion, data_dir, silence):
    write_files(data_dir, mnist[1])
    write_files(data_dir / "fashion-mnist", fashion[1])
    assert np.array_equal(load_mnist().x_train, mnist[0][0])
    assert np.array_equal(load_fashion_mnist().x_train, fashion[0][0])


def test_debian_and_cache_come_after_the_data_folder(
    fashion, data_dir, cache_dir, silence
):
    arrays, files = fashion
    write_files(cache_dir / "fashion-mnist", files)
    assert np.array_equal(load_fashion_mnist().x_train, arrays[0])
    (cache_dir / "fashion-mnist" / IMAGES).write_bytes(b"broken")
    write_files(places.DEBIAN_FASHION_FOLDER, files)
    load_fashion_mnist()
    (places.DEBIAN_FASHION_FOLDER / IMAGES).write_bytes(b"broken")
    write_files(data_dir, files)
    load_fashion_mnist()


def test_debian_is_for_fashion_only(mnist):
    write_files(places.DEBIAN_FASHION_FOLDER, mnist[1])
    with pytest.raises(FileNotFoundError):
        load_mnist()


def test_the_cache_folder_without_settings(monkeypatch):
    monkeypatch.delenv("MINIDL_CACHE")
    assert places.cache_folder().name == "minidl"
    assert places.folders("mnist") == []
    assert places.download_folder("mnist") == places.cache_folder() / "mnist"


@pytest.mark.parametrize("form", ["published", "bare", "compressed again"])
@pytest.mark.parametrize("wanted", ["mnist", "fashion-mnist"])
def test_one_set_is_never_taken_for_the_other(mnist, fashion, data_dir, form, wanted):
    other = "fashion-mnist" if wanted == "mnist" else "mnist"
    arrays, files = mnist if other == "mnist" else fashion
    contents = idx_contents(arrays)
    if form == "bare":
        files = contents
    elif form == "compressed again":
        files = {f"{name}.gz": zipped(c, level=1) for name, c in contents.items()}
    write_files(data_dir, files)
    message = rf"ubyte(\.gz)? holds {IMAGES} of {other}, not {IMAGES} of {wanted}"
    words = rf"\(skipped: .*{message}\)"
    error = assert_skipped(lambda: load_dataset(wanted), message + "; skipped", words)
    assert "similar files" not in error


def test_the_test_file_is_not_taken_for_the_training_file(mnist, data_dir):
    _, files = mnist
    write_files(data_dir, {**files, LABELS: files["t10k-labels-idx1-ubyte.gz"]})
    message = f"{LABELS} holds t10k-labels-idx1-ubyte.gz of mnist, not {LABELS}"
    assert_skipped(load_mnist, message, message)


def test_unknown_content_is_taken_with_a_warning(mnist, data_dir):
    arrays, files = mnist
    other = images_and_labels(seed=5)
    content = idx_contents(other)[IMAGES[:-3]]
    write_files(data_dir, {**files, IMAGES: zipped(content)})
    message = rf"{IMAGES} is not the published file: md5 \w{{32}} instead of \w{{32}}"
    data = load_with_warning(load_mnist, f"{re.escape(str(data_dir))}.{message}")
    assert np.array_equal(data.x_train, other[0])
    assert np.array_equal(data.y_train, arrays[1])
    [words] = differences("mnist")
    assert re.match(message, words)  # no folder: results are published with these words


def test_images_and_labels_must_be_as_many(mnist, data_dir):
    labels = zipped(idx_labels(np.zeros(19, np.uint8)))
    write_files(data_dir, {**mnist[1], LABELS: labels})
    message = rf"data.{IMAGES} holds 20 images, but .*data.{LABELS} 19 labels"
    assert_skipped(load_mnist, "not the published file", message, ValueError)


@pytest.mark.parametrize("own", [IMAGES, LABELS])
def test_own_images_and_labels_are_in_one_folder(mnist, data_dir, own):
    """A shuffled copy of the images, and the published labels from the next folder."""
    (x, y, *_), files = mnist
    order = np.random.default_rng(0).permutation(20)
    shuffled = {
        IMAGES: zipped(idx_images(x[order])),
        LABELS: zipped(idx_labels(y[order])),
    }
    write_files(data_dir, files)
    write_files(data_dir / "mnist", {own: shuffled[own]})
    message = r"train-images.*gz and .*train-labels.*gz must be in one folder, because"
    text = assert_skipped(load_mnist, "not the published file", message, ValueError)
    assert str(data_dir / "mnist" / own) in text
    write_files(data_dir / "mnist", shuffled)
    with pytest.warns(UserWarning, match="not the published file"):
        data = load_mnist()
    assert np.array_equal(data.x_train, x[order])
    assert np.array_equal(data.y_train, y[order])


def test_published_files_fit_wherever_they_are(mnist, data_dir, silence):
    (x, *_), files = mnist
    write_files(data_dir, {name: files[name] for name in files if name != IMAGES})
    write_files(data_dir / "mnist", {IMAGES: files[IMAGES]})
    assert np.array_equal(load_mnist().x_train, x)


def test_own_files_may_be_unpacked_into_folders_of_their_names(mnist, data_dir):
    (x, y, *_), files = mnist
    own = {IMAGES: zipped(idx_images(x[::-1])), LABELS: zipped(idx_labels(y[::-1]))}
    write_files(data_dir, {name: files[name] for name in files if name not in own})
    for name, content in own.items():
        write_files(data_dir / name, {name: content})
    with pytest.warns(UserWarning, match="not the published file"):
        data = load_mnist()
    assert np.array_equal(data.x_train, x[::-1])
    assert np.array_equal(data.y_train, y[::-1])


def test_a_malformed_file_stops_the_search(mnist, data_dir, cache_dir):
    write_files(data_dir, {**mnist[1], IMAGES: mnist[1][IMAGES][:-9]})
    write_files(cache_dir / "mnist", mnist[1])
    with pytest.raises(ValueError, match=rf"data.{IMAGES}: "):
        load_mnist()


def test_inexact_images_are_counted(data_dir, new_process):
    made = npz_arrays()
    write_files(data_dir, {"cifar10.npz": npz_bytes(made)})
    message = r"cifar10\.npz is not the published file: 3 of its 8 images differ"
    for _ in range(2):  # decoded, and from the cache
        data = load_with_warning(load_cifar10, message)
        assert np.array_equal(data.x_train, made["x_train"].transpose(0, 2, 3, 1))
        assert np.array_equal(data.y_test, made["y_test"])
        assert differences("cifar10") == [message.replace("\\", "") + " from it."]
        new_process()


def test_a_batch_for_python_is_known_by_its_md5_alone(
    monkeypatch, cifar10, data_dir, silence
):
    [real] = PUBLISHED["cifar10"]
    contents = {name: (md5,) for name, (_, md5) in real.contents.items()}
    monkeypatch.setitem(PUBLISHED, "cifar10", (replace(real, contents=contents),))
    write_files(data_dir, python_members())
    assert differences("cifar10") == []


def test_an_npz_with_the_published_images_is_as_good(
    monkeypatch, cifar10, data_dir, silence
):
    monkeypatch.setattr(npz, "MAX_BATCH", 3)
    batches = [np.frombuffer(b, np.uint8) for b in cifar_members().values()]
    records = np.concatenate(batches).reshape(18, 3073)
    planes = records[:, 1:].reshape(18, 3, 32, 32)
    made = {"x_train": planes[:15], "y_train": records[:15, 0]}
    made |= {"x_test": planes[15:], "y_test": records[15:, 0]}
    write_files(data_dir, {"cifar10.npz": npz_bytes(made)})
    assert np.array_equal(load_cifar10().y_train, made["y_train"])
    assert differences("cifar10") == []
    made["y_test"] = made["y_test"][::-1]
    write_files(data_dir, {"cifar10.npz": npz_bytes(made)})
    with pytest.warns(UserWarning, match="is not the published file: test_batch diff"):
        load_cifar10()


@pytest.mark.parametrize(
    "name", ["MNIST", "mnist ", "", b"mnist", None, 0, Path("mnist"), ["mnist"], {}]
)
def test_an_unknown_name_is_refused(name):
    accepted = "mnist-sample, mnist, fashion-mnist, cifar10"
    message = f"name must be one of {accepted}, got {name!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        load_dataset(name)


def test_every_data_set_has_ten_class_names():
    assert list(CLASS_NAMES) == ["mnist-sample", "mnist", "fashion-mnist", "cifar10"]
    assert [len(set(names)) for names in CLASS_NAMES.values()] == [10] * 4
    assert CLASS_NAMES["mnist"][7] == "7"
    assert CLASS_NAMES["fashion-mnist"][9] == "Ankle boot"
    assert CLASS_NAMES["cifar10"][7] == "horse"
