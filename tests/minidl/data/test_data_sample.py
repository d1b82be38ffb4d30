"""The sample inside the package: small, fast, and really MNIST."""

import hashlib

import numpy as np
import pytest

from minidl.data import datasets, load_mnist, load_mnist_sample


def test_shapes_types_and_classes(cache_dir):
    data = load_mnist_sample()
    assert data.x_train.shape == (4000, 28, 28, 1)
    assert data.x_test.shape == (1000, 28, 28, 1)
    assert data.x_train.dtype == data.x_test.dtype == np.uint8
    assert data.y_train.dtype == data.y_test.dtype == np.int64
    assert np.bincount(data.y_train).tolist() == [400] * 10
    assert np.bincount(data.y_test).tolist() == [100] * 10
    assert not any(array.flags.writeable for array in data)
    assert not cache_dir.exists()


def test_all_images_are_distinct():
    data = load_mnist_sample()
    both = np.concatenate([data.x_train, data.x_test])
    assert len({image.tobytes() for image in both}) == 5000


def test_classes_are_mixed():
    # A learner who takes the first hundred images should meet every digit.
    assert len(set(load_mnist_sample().y_train[:100])) == 10


def test_the_file_is_small_and_as_documented():
    content = datasets.SAMPLE_FILE.read_bytes()
    assert len(content) <= 1_000_000
    readme = datasets.SAMPLE_FILE.with_name("README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(content).hexdigest() in readme


@pytest.mark.parametrize("kept", [0, 99, -1])
def test_a_damaged_file_is_named(tmp_path, monkeypatch, kept):
    path = tmp_path / "sample.npz"
    path.write_bytes(datasets.SAMPLE_FILE.read_bytes()[:kept])
    monkeypatch.setattr(datasets, "SAMPLE_FILE", path)
    with pytest.raises(ValueError, match=r"sample\.npz: damaged \("):
        load_mnist_sample()


@pytest.mark.usefixtures("full_data")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_image_is_in_the_training_file():
    full, sample = load_mnist(), load_mnist_sample()
    pairs = zip(full.x_train, full.y_train, strict=True)
    labels = {image.tobytes(): label for image, label in pairs}
    for images, expected in ((sample.x_train, sample.y_train), sample[2:]):
        found = [labels[image.tobytes()] for image in images]
        assert np.array_equal(found, expected)
