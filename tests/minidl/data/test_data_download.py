"""Downloads from servers that work, fail, stay silent, forge or break off."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from minidl.data import download, load_cifar10, load_fashion_mnist, load_mnist
from minidl.data.published import PUBLISHED
from minidl.data.untrusted import in_words
from tests.minidl.data.synthetic_data import (
    publish_cifar,
    publish_idx,
    tree,
    write_files,
)

pytestmark = pytest.mark.usefixtures("network")

IMAGES = "train-images-idx3-ubyte.gz"


class Handler(BaseHTTPRequestHandler):
    """The path's first part says how its last part, the file, is sent."""

    def do_GET(self):
        how, name = self.path.strip("/").split("/")
        self.server.requests.append((how, name))
        content = self.server.files[name]
        if how == "silent":
            if not self.server.released.wait(60):
                self.server.outlasted.append(name)
            return
        if how == "forged":
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.send_response(503 if how == "dead" else 200)
        # Without a length only the checksum shows that bytes are missing.
        if how not in ("unannounced", "endless"):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if how == "endless":
            while not self.server.released.is_set():
                self.wfile.write(bytes(1 << 20))
        short = how in ("truncated", "unannounced")
        self.wfile.write(content[: len(content) // 2] if short else content)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests, server.released = [], threading.Event()
    server.outlasted = []  # requests that waited for the end of silence
    server.home = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def published(server, monkeypatch):
    """Publish a made-up MNIST on the server; the test chooses the homes."""

    def publish(*ways):
        homes = tuple(way if "://" in way else f"{server.home}/{way}" for way in ways)
        arrays, server.files = publish_idx(monkeypatch, "mnist", 0, homes)
        return arrays

    return publish


@pytest.fixture
def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{probe.getsockname()[1]}/closed"


def test_download_and_second_load(server, published, cache_dir, new_process):
    arrays = published("good")
    for _ in range(2):
        for found, made in zip(load_mnist(), arrays, strict=True):
            assert np.array_equal(found, made)
        assert tree(cache_dir) == sorted(f"mnist/{name}" for name in server.files)
        assert len(server.requests) == 4
        new_process()


def test_cifar10_is_downloaded(server, monkeypatch):
    archive = publish_cifar(monkeypatch, homes=(f"{server.home}/good",))
    server.files = {"cifar-10-binary.tar.gz": archive}
    data = load_cifar10()
    assert data.x_train.shape == (15, 32, 32, 3)
    assert data.x_test.shape == (3, 32, 32, 3)


@pytest.mark.parametrize("content", [b"", b"torn"])
def test_a_damaged_download_is_fetched_again(published, server, cache_dir, content):
    arrays = published("good")
    load_mnist()
    damaged = cache_dir / "mnist" / IMAGES
    damaged.write_bytes(content)
    with pytest.warns(UserWarning, match=f"{IMAGES}.*skipped"):
        data = load_mnist()
    assert np.array_equal(data.x_train, arrays[0])
    assert len(server.requests) == 5
    assert damaged.read_bytes() == server.files[IMAGES]


def test_a_damaged_download_without_network_says_so(published, cache_dir, closed_port):
    published(closed_port)
    damaged = cache_dir / "mnist" / IMAGES
    write_files(damaged.parent, {IMAGES: b"torn"})
    with (
        pytest.warns(UserWarning, match="skipped"),
        pytest.raises(
            FileNotFoundError, match=rf"mnist \(skipped: .*{IMAGES}: 4 bytes are too"
        ),
    ):
        load_mnist()
    assert damaged.read_bytes() == b"torn"


@pytest.mark.parametrize("bad", ["dead", "truncated", "unannounced", "forged"])
def test_a_bad_mirror_leaves_nothing_and_is_followed(server, published, cache_dir, bad):
    published(bad)
    with pytest.raises(FileNotFoundError):
        load_mnist()
    assert tree(cache_dir) == []
    arrays = published(bad, "good")
    data = load_mnist()
    assert np.array_equal(data.x_train, arrays[0])
    for name, content in server.files.items():
        assert (cache_dir / "mnist" / name).read_bytes() == content
    assert tree(cache_dir / "mnist") == sorted(server.files)


def test_a_failed_mirror_is_tried_last_from_then_on(server, published):
    published("dead", "good")
    load_mnist()
    assert [how for how, _ in server.requests] == ["dead"] + ["good"] * 4


def test_when_all_mirrors_fail_the_error_says_what_to_do(
    published, server, closed_port, data_dir, cache_dir
):
    published("dead", "forged", closed_port)
    with pytest.raises(FileNotFoundError) as caught:
        load_mnist()
    message = str(caught.value)
    assert "\n" not in message
    searched = f"{data_dir / 'mnist'}, {data_dir}"
    assert message.startswith(f"{IMAGES} found neither in {searched}")
    folder = cache_dir / "mnist"
    assert f"{folder} nor at {server.home}/dead/{IMAGES} (HTTPError: 503" in message
    assert f"{server.home}/forged/{IMAGES} (ValueError: md5 " in message
    assert f"{closed_port}/{IMAGES} (NewConnectionError: " in message
    assert "set MINIDL_DATA to a folder that holds it" in message
    advice = f"download {server.home}/dead/{IMAGES} and put it into {folder}"
    assert message.endswith(advice)


def test_a_long_reason_is_shortened_to_one_line():
    reason = in_words(ValueError("so\n  it\nis " + 999 * "x"))
    assert reason.startswith("ValueError: so it is xxx")
    assert len(reason) < 180


def test_following_the_advice_works(published, server, cache_dir):
    arrays = published("dead")
    write_files(cache_dir / "mnist", server.files)
    assert np.array_equal(load_mnist().x_test, arrays[2])
    assert server.requests == []


def test_a_silent_mirror_is_given_up(server, published, monkeypatch):
    assert sum(download.TIMEOUT) <= 15
    monkeypatch.setattr(download, "TIMEOUT", (1, 1))
    published("silent", "good")
    load_mnist()
    assert [how for how, _ in server.requests] == ["silent", *["good"] * 4]
    assert server.outlasted == []


def test_an_endless_mirror_is_given_up(published, cache_dir, monkeypatch):
    monkeypatch.setattr(download, "MAX_BYTES", 5_000_000)
    published("endless")
    with pytest.raises(FileNotFoundError, match=r"\(ValueError: more than 5000000"):
        load_mnist()
    assert tree(cache_dir) == []


def test_an_unwritable_cache_is_named_when_nothing_can_be_downloaded(
    published, tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("MINIDL_CACHE", str(tmp_path / "file" / "cache"))
    published("good")
    with pytest.raises(FileNotFoundError, match=r"[Nn]ot a directory"):
        load_mnist()


def test_a_file_of_another_data_set_does_not_stop_the_download(
    published, server, monkeypatch, data_dir
):
    fashion, files = publish_idx(monkeypatch, "fashion-mnist", 1)
    write_files(data_dir, files)
    arrays = published("good")
    with pytest.warns(UserWarning, match=r"of fashion-mnist, not .* of mnist; skipped"):
        data = load_mnist()
    assert np.array_equal(data.x_train, arrays[0])
    assert np.array_equal(load_fashion_mnist().x_train, fashion[0])
    for name, content in files.items():
        assert (data_dir / name).read_bytes() == content


def test_published_addresses_are_whole():
    for files in PUBLISHED.values():
        for published in files:
            assert len(published.md5) == 32
            assert published.homes
            for home in published.homes:
                assert home.startswith(("https://", "http://fashion-mnist.s3"))
                assert not home.endswith("/")
