"""The parts of the page: training, int8 weights and counts."""

import json
import os
import re

import numpy as np
import pytest

from attacks import model_gradient
from attacks.evaluation.intervals import wilson
from minidl.data import Dataset, load_mnist
from tests.oracles import assert_close
from tutorials.playground import committee, images, mask, table, training
from tutorials.playground.__main__ import main
from tutorials.playground.attack import Setting
from tutorials.playground.networks import pack, stored
from tutorials.playground.page import NUMBERS, build_page

FULL_DATA = os.environ.get("MINIDL_DATA")
KEPT = json.loads(NUMBERS.read_text(encoding="utf-8"))


@pytest.fixture
def mnist(monkeypatch):
    if not FULL_DATA:
        pytest.skip("MINIDL_DATA names no folder with MNIST")
    monkeypatch.setenv("MINIDL_DATA", FULL_DATA)
    return load_mnist()


@pytest.fixture
def tiny(monkeypatch):
    """A data set of a few images, and trainings of a moment."""
    rng = np.random.default_rng(0)
    x = rng.integers(256, size=(60, 28, 28, 1)).astype(np.uint8)
    y = np.arange(60) % 10
    for module in (training, "tutorials.playground.networks"):
        name = module if isinstance(module, str) else module.__name__
        monkeypatch.setattr(f"{name}.load_dataset", lambda _: Dataset(x, y, x, y))
    monkeypatch.setattr(training, "EPOCHS", 1)
    monkeypatch.setattr(training, "MEMBERS", 2)


def test_a_network_has_37890_parameters_of_a_byte():
    assert stored()["q"].shape == (20, 37_890)
    assert stored()["q"].dtype == np.int8
    assert sum(p.data.size for p in committee()[0].params) == 37_890


def test_training_gives_the_same_bits_and_is_found_again(tiny, tmp_path, monkeypatch):
    first = training.train_all(tmp_path, 1)
    assert len(first) == 4
    assert len({p[0].tobytes() for p in first.values()}) == 4
    again = training.train_one(("noise", 1))
    assert all(map(np.array_equal, first["noise", 1], again))
    monkeypatch.setattr(training, "train_one", lambda _: pytest.fail("trained again"))
    found = training.train_all(tmp_path, 1)
    assert all(map(np.array_equal, first["plain", 0], found["plain", 0]))


def test_a_file_of_networks_is_checked(tiny, tmp_path, monkeypatch):
    file = tmp_path / "networks.npz"
    pack(training.train_all(tmp_path, 1), file)
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)
    monkeypatch.setattr("tutorials.playground.networks.FILE", file)
    stored.cache_clear()
    with pytest.raises(ValueError, match=r"networks\.npz is damaged"):
        stored()


def test_int8_costs_less_than_a_point():
    for found in KEPT["accuracies"].values():
        assert abs(found["float32"] - found["int8"]) < 0.01
        assert found["largest loss"] < 0.01
        assert found["together"] > found["int8"] > 0.97


def test_the_images_are_mnists_first_of_each_digit(mnist):
    x, y = images()
    assert np.array_equal(y, np.repeat(np.arange(10), 4))
    first = np.concatenate([np.flatnonzero(mnist.y_test == k)[:4] for k in range(10)])
    assert np.array_equal(stored()["places"], first)
    assert_close(x, mnist.x_test[first] / 255, 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "whose"), [("fgsm", "sum"), ("bim", "0")])
def test_counts_are_those_of_the_file(mnist, rule, whose):
    """A sample, once more. Rounding differs between kinds of CPU."""
    s, place = Setting(rule=rule, whose=whose), 2
    again = table.count((s, place * table.EVERY))
    kept = KEPT["table"]["counts"][table.name_of(s)][place]
    assert abs(again - kept) <= 5


def test_attacks_hurt_more_at_a_larger_eps():
    for counts in KEPT["table"]["counts"].values():
        assert len(counts) == len(table.EPS)
        assert all(np.diff(counts) < 20)  # FGSM may overshoot


def test_a_mask_changes_no_vote_and_hides_the_gradient():
    x, y = images()
    one = committee()[0]
    masked = mask(one)
    assert np.array_equal(one.predict(x), masked.predict(x))
    zero = (model_gradient(masked)(x, y) == 0).all(axis=(1, 2, 3))
    assert zero.mean() > 0.9
    assert not (model_gradient(one)(x, y) == 0).all(axis=(1, 2, 3)).any()


def test_the_page_says_the_accuracies_with_their_interval():
    p = KEPT["accuracies"]["plain"]["together"]
    _, low, high = wilson(p, 10_000)
    assert f"{p:.1%} [{low:.1%}, {high:.1%}]" in build_page()


def test_a_byte_has_256_shades():
    assert set(re.findall(r"(\d+) shades", build_page())) == {"16", "256"}


def test_the_command_writes_a_page_and_says_where(tmp_path, capsys):
    main([str(tmp_path / "page.html"), "--chapters", "there/{}.html"])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'href="there/06_the_input_gradient_and_fgsm.html"' in page
    assert "{{" not in page.partition("<script>")[0]
    assert "page.html written" in capsys.readouterr().out
