"""No test here may touch the user's own cache, data folder or network settings."""

import os

import pytest

from minidl.data import cache, download, files, places

# Where the full data sets are, if the user says so; kept before the tests hide it.
FULL_DATA = os.environ.get("MINIDL_DATA")
DEBIAN_FOLDER = places.DEBIAN_FASHION_FOLDER


@pytest.fixture(autouse=True)
def _sealed(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MINIDL_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(places, "DEBIAN_FASHION_FOLDER", tmp_path / "debian")
    monkeypatch.setattr(cache, "_warned", set())
    monkeypatch.setattr(cache, "_checked", set())
    monkeypatch.setattr(download, "_failed_homes", set())


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


@pytest.fixture(scope="session")
def full_cache(tmp_path_factory):
    """One cache for all tests of the full data, which are decoded only once."""
    return tmp_path_factory.mktemp("full-cache")


@pytest.fixture
def full_data(full_cache, monkeypatch):
    """Point the loaders to the full data sets; skip the test if one isn't there."""
    if not FULL_DATA:
        pytest.skip("MINIDL_DATA names no folder with the full data sets")

    def skip(published, dataset, searched, similar):
        pytest.skip(f"{published.name} is not in {', '.join(searched)}")

    monkeypatch.setenv("MINIDL_DATA", FULL_DATA)
    monkeypatch.setenv("MINIDL_CACHE", str(full_cache))
    monkeypatch.setattr(places, "DEBIAN_FASHION_FOLDER", DEBIAN_FOLDER)
    monkeypatch.setattr(files, "download", skip)
