"""No test here may touch the user's own cache, data folder or network settings."""

import os

import pytest

from minidl.data import download, files, places
from tests.minidl.data.synthetic_data import publish_cifar, publish_idx

# Where the full data sets are, if the user says so; read before the tests hide it.
FULL_DATA = os.environ.get("MINIDL_DATA")
DEBIAN_FOLDER = places.DEBIAN_FASHION_FOLDER


@pytest.fixture(autouse=True)
def _sealed(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MINIDL_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(places, "DEBIAN_FASHION_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(download, "_failed_homes", set())
    monkeypatch.setattr(download, "_fetch", unplugged)
    forget()


FETCH = download._fetch


def unplugged(url, path, md5):
    raise OSError("no network")


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setattr(download, "_fetch", FETCH)


def forget():
    """Do as a new process does: decode and warn again."""
    files._decode_once.cache_clear()
    files._warn_once.cache_clear()


@pytest.fixture
def new_process():
    return forget


@pytest.fixture
def cache_dir(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """An empty folder that MINIDL_DATA points to."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("MINIDL_DATA", str(folder))
    return folder


@pytest.fixture
def mnist(monkeypatch):
    """A made-up MNIST, published nowhere: its arrays, and its files by name."""
    return publish_idx(monkeypatch, "mnist", 0)


@pytest.fixture
def fashion(monkeypatch):
    return publish_idx(monkeypatch, "fashion-mnist", 1)


@pytest.fixture
def cifar10(monkeypatch):
    """A made-up CIFAR-10, published nowhere: its binary archive."""
    return publish_cifar(monkeypatch)


@pytest.fixture
def full_data(monkeypatch):
    """Point the loaders to the full data sets; skip the test if one isn't there."""
    if not FULL_DATA:
        pytest.skip("MINIDL_DATA names no folder with the full data sets")

    def skip(published, searched):
        pytest.skip(f"{published.name} is not in {', '.join(map(str, searched))}")

    monkeypatch.setenv("MINIDL_DATA", FULL_DATA)
    monkeypatch.setattr(places, "DEBIAN_FASHION_FOLDER", DEBIAN_FOLDER)
    monkeypatch.setattr(files, "download", skip)
