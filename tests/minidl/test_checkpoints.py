"""Checkpoints: the same bits after an interruption, and no half or foreign state."""

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minidl import (
    SGD,
    Adadelta,
    Adam,
    Dropout,
    Flatten,
    Linear,
    ReLU,
    RMSprop,
    Sequential,
    load_checkpoint,
    save_checkpoint,
    store,
    train,
)
from minidl.store import checkpoints, digest
from tests.oracles import same_bits


def small_network(seed=0, units=5):
    rng = np.random.default_rng(seed)
    layers = [
        Flatten(),
        Linear(12, units, rng=rng),
        ReLU(),
        Dropout(0.3),
        Linear(units, 3, rng=rng),
    ]
    return Sequential(layers, (2, 3, 2))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "model.npz"


@pytest.fixture
def saved(path):
    """A small checkpoint with everything in it."""
    model, config = small_network(), {"sigma": 0.1, "name": "a"}
    save_checkpoint(
        path, model, SGD(model.params, 0.1), np.random.default_rng(3), config
    )
    return path


class Everything:
    """A model, an optimizer and a generator to load into, all unlike the saved ones."""

    def __init__(self):
        self.model = small_network(seed=9)
        self.optimizer = SGD(self.model.params, 0.1)
        self.rng = np.random.default_rng(99)
        for array in self.optimizer.state.values():
            array += 7
        self.before = self.content()

    def content(self):
        arrays = checkpoints.state_arrays(self.model, self.optimizer)
        values = {name: array.tobytes() for name, array in arrays.items()}
        return values, self.rng.bit_generator.state, self.optimizer.t

    def load(self, path, **options):
        return load_checkpoint(path, self.model, self.optimizer, self.rng, **options)

    def assert_refused(self, path, message, **options):
        with pytest.raises(ValueError, match=message) as caught:
            self.load(path, **options)
        assert str(path) in str(caught.value)
        assert self.content() == self.before


@pytest.mark.parametrize("kind", [SGD, Adam, RMSprop, Adadelta])
def test_training_goes_on_as_if_never_interrupted(path, rng, kind):
    x, y = rng.random((20, 2, 3, 2), np.float32), np.arange(20) % 3
    options = {"lr": 0.1, "momentum": 0.9} if kind is SGD else {}

    def start(seed):
        model = small_network(seed)
        return model, kind(model.params, **options), np.random.default_rng(seed)

    def run(model, optimizer, generator, epochs):
        train(model, x, y, optimizer, epochs, 8, generator)

    whole = start(1)
    run(*whole, epochs=4)

    before = start(1)
    run(*before, epochs=2)
    save_checkpoint(path, *before)
    after = start(2)
    load_checkpoint(path, *after)
    run(*after, epochs=2)

    assert same_bits(whole[0].params, after[0].params)


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_each_of_numpys_generators_goes_on(path, kind):
    saved, loaded = (np.random.Generator(getattr(np.random, kind)(s)) for s in (0, 1))
    saved.random(3, np.float32)
    model = small_network()
    save_checkpoint(path, model, rng=saved)
    load_checkpoint(path, model, rng=loaded)
    assert saved.random(9).tolist() == loaded.random(9).tolist()


@pytest.mark.parametrize(
    "seeds",
    [
        *(3, [3, 2**100], np.arange(3)),
        *(np.random.SeedSequence(k, spawn_key=(k, 2), pool_size=8) for k in (4, 5)),
    ],
)
def test_a_generator_goes_on_spawning(path, seeds):
    """Its next children, and theirs, whatever the other generator was made from."""
    size = getattr(seeds, "pool_size", 4)
    other = np.random.SeedSequence(1, pool_size=size)
    saved, loaded = map(np.random.default_rng, (seeds, other))
    model = small_network()
    saved.spawn(3), loaded.spawn(5)
    save_checkpoint(path, model, rng=saved)
    load_checkpoint(path, model, rng=loaded)

    def draws(rng):
        [first, second] = rng.spawn(2)
        return [r.random() for r in (rng, first, second, *second.spawn(1))]

    assert draws(loaded) == draws(saved)


def test_generators_without_seeds_and_older_files_change_none(path):
    model, (own, loaded) = small_network(), map(np.random.default_rng, (1, 1))
    keyed = np.random.Generator(np.random.Philox(key=5))
    save_checkpoint(path, model, rng=keyed)
    load_checkpoint(path, model, rng=np.random.Generator(np.random.Philox(key=6)))
    save_checkpoint(path, model, rng=loaded)
    arrays, facts = store.read_arrays(path)
    del facts["seeds"]
    store.write_arrays(path, arrays, facts)
    load_checkpoint(path, model, rng=loaded)
    assert loaded.spawn(1)[0].random() == own.spawn(1)[0].random()


def test_a_finished_networks_file_has_the_facts_that_it_always_had(path):
    save_checkpoint(path, small_network(), config={"a": 1})
    _, facts = store.read_arrays(path)
    assert facts == {"config": {"a": 1}, "rng": None, "optimizer": None}


def test_parameters_alone_are_loaded_in_place(path):
    """Whether the file holds an optimizer or not."""
    model, other = small_network(1), small_network(2)
    arrays = [p.data for p in other.params]
    for more in {}, {"optimizer": SGD(model.params, 0.1)}:
        save_checkpoint(path, model, **more)
        assert load_checkpoint(path, other) == {}
        for p, array, wanted in zip(other.params, arrays, model.params, strict=True):
            assert p.data is array
            assert_array_equal(array, wanted.data)
            array[:] = 7


def test_the_config_comes_back(saved):
    assert Everything().load(saved) == {"sigma": 0.1, "name": "a"}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"sigma": 0.2, "name": "a"},
            "another configuration: sigma is 0.1, wanted 0.2",
        ),
        ({"sigma": 0.1}, "name is 'a', wanted None"),
        ({"sigma": 0.1, "name": "a", "epochs": 3}, "epochs is None, wanted 3"),
    ],
)
def test_another_config_is_named(saved, config, message):
    Everything().assert_refused(saved, message, config=config)


WHOLE = small_network()
FEWER = Sequential(small_network().layers[:-1], (2, 3, 2))


@pytest.mark.parametrize(
    ("saves", "loads", "message"),
    [
        (WHOLE, small_network(units=6), r"param.0 is float32 \(12, 5\), wanted"),
        (WHOLE, FEWER, "param.2 is float32.*, wanted missing"),
        (FEWER, WHOLE, "param.2 is missing, wanted float32"),
        (WHOLE, Sequential([Flatten()], (2, 3, 2)), "param.0 is float32.*, wanted mis"),
        (WHOLE, small_network().astype(np.float64), "float32 .*, wanted float64"),
    ],
)
def test_another_network_is_named(path, saves, loads, message):
    save_checkpoint(path, saves)
    with pytest.raises(ValueError, match=f"model.npz doesn't fit: .*{message}"):
        load_checkpoint(path, loads)


@pytest.mark.parametrize(("saves", "loads"), [(Adam, SGD), (SGD, Adam)])
def test_another_optimizer_is_named(path, saves, loads):
    # Both have an average called v, of the same shapes, that means something else.
    model = small_network()
    save_checkpoint(path, model, saves(model.params, 0.1))
    optimizer = loads(model.params, 0.1)
    with pytest.raises(ValueError, match=r"doesn't fit: optimizer.m.0 is"):
        load_checkpoint(path, model, optimizer)
    assert not optimizer.averages[0]["v"].any()


def test_a_missing_optimizer_state_is_named(path):
    target = Everything()
    save_checkpoint(path, target.model, rng=target.rng)
    target.assert_refused(path, "optimizer.t is missing")


def test_a_missing_generator_state_is_named(path):
    target = Everything()
    save_checkpoint(path, target.model, target.optimizer)
    target.assert_refused(path, "doesn't fit: rng is missing, wanted PCG64")


def test_a_generator_of_another_kind_is_refused(saved):
    target = Everything()
    target.rng = np.random.Generator(np.random.PCG64DXSM(1))
    target.before = target.content()
    target.assert_refused(saved, "doesn't fit: rng is PCG64, wanted PCG64DXSM")


def test_a_truncated_file_is_refused(saved):
    content, target = saved.read_bytes(), Everything()
    for length in range(0, len(content), 29):
        saved.write_bytes(content[:length])
        target.assert_refused(saved, "damaged")


def test_a_config_that_can_be_saved_can_be_asked_for(tmp_path):
    config = {"lr": np.float32(0.25), "sizes": np.arange(2), "nothing": math.nan}
    config["shape"] = 2, 3
    path, model = tmp_path / "x.npz", small_network()
    save_checkpoint(path, model, config=config)
    assert load_checkpoint(path, model, config=config)["shape"] == [2, 3]
    with pytest.raises(ValueError, match=r"lr is 0\.25, wanted 0\.5"):
        load_checkpoint(path, model, config=config | {"lr": np.float32(0.5)})


def test_a_config_that_is_not_like_json_is_named(tmp_path):
    config = {"folder": tmp_path}
    with pytest.raises(TypeError, match=r"^config must be JSON-like, got PosixPath"):
        save_checkpoint(tmp_path / "x.npz", small_network(), config=config)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (SGD, {"momentum": 0.9}),
        (Adam, {"beta1": 0.8, "beta2": 0.9, "eps": 1e-3}),
        (RMSprop, {"rho": 0.7, "eps": 1e-3}),
        (Adadelta, {"rho": 0.7, "eps": 1e-3}),
    ],
)
def test_an_optimizers_settings_are_restored(path, kind, options):
    model, other = small_network(), small_network(seed=1)
    save_checkpoint(path, model, kind(model.params, lr=0.25, **options))
    optimizer = kind(other.params, lr=0.1)
    load_checkpoint(path, other, optimizer)
    assert optimizer.settings == {"lr": 0.25, **options}


@pytest.mark.parametrize(("saved", "own"), [(0.01, 0.0), (0.0, 0.3), (0.01, 0.3)])
def test_a_weight_decay_is_restored_also_one_of_0(path, saved, own):
    model = small_network()
    save_checkpoint(path, model, SGD(model.params, 0.1, weight_decay=saved))
    optimizer = SGD(model.params, 0.2, weight_decay=own)
    load_checkpoint(path, model, optimizer)
    assert (optimizer.lr, optimizer.weight_decay) == (0.1, saved)


def test_settings_of_another_optimizer_do_not_fit(path):
    @dataclass
    class Slower(SGD):
        patience: float = 3.0

    model = small_network()
    save_checkpoint(path, model, Slower(model.params, 0.1))
    optimizer = SGD(model.params, 0.2)
    message = r"has weight_decay, lr, momentum, patience, wanted weight_decay, lr, mom"
    with pytest.raises(ValueError, match=message):
        load_checkpoint(path, model, optimizer)
    assert optimizer.lr == 0.2


@pytest.mark.parametrize(
    "settings", [{"lr": -1.0}, {"lr": 0.0}, {"lr": math.nan}, {"momentum": -1.0}]
)
def test_impossible_settings_change_nothing(path, monkeypatch, settings):
    """The loss would rise, or stay."""
    model, target = small_network(), Everything()
    with monkeypatch.context() as hostile:
        hostile.setattr(SGD, "settings", {"lr": 0.3, "momentum": 0.5} | settings)
        optimizer = SGD(model.params, 0.1)
        save_checkpoint(path, model, optimizer, np.random.default_rng(0))
    target.assert_refused(path, f"doesn't fit: {next(iter(settings))} must be in")
    assert target.optimizer.settings == {"lr": 0.1, "momentum": 0.0}


def test_an_earlier_versions_file_keeps_the_optimizers_own_settings(path, monkeypatch):
    model = small_network()
    with monkeypatch.context() as earlier:
        earlier.setattr(SGD, "settings", None)
        save_checkpoint(path, model, SGD(model.params, 0.1))
    optimizer = SGD(model.params, 0.2, momentum=0.5)
    load_checkpoint(path, model, optimizer)
    assert optimizer.settings == {"lr": 0.2, "momentum": 0.5}


def test_a_checkpoint_of_version_0_1_0_is_loaded(path):
    model = small_network(1)
    arrays = {f"param.{i}": p.data for i, p in enumerate(model.params)}
    text = json.dumps({"config": {"z": 1, "a": 2}, "rng": None, "optimizer": None})
    path.parent.mkdir()
    np.savez(path, description=text, sha256=digest(arrays, text), **arrays)
    target = small_network(2)
    assert load_checkpoint(path, target) == {"z": 1, "a": 2}
    assert_array_equal(target.params[0].data, model.params[0].data)


@pytest.mark.parametrize(
    "facts",
    [
        {"config": 3},
        {"rng": {"bit_generator": "PCG64", "state": 3}},
        {"rng": []},
        {"optimizer": {"lr": "fast", "momentum": 0.0}},
        {"optimizer": [3]},
        {"seeds": {"entropy": 3, "pool_size": 2**40}},
        {"seeds": {"entropy": -3, "pool_size": 4}},
        {"seeds": {"entropy": 3, "pool_size": 4, "n_children_spawned": -1}},
        {"seeds": [3]},
    ],
)
def test_impossible_facts_are_refused(saved, facts):
    arrays, right = store.read_arrays(saved)
    store.write_arrays(saved, arrays, right | facts)
    Everything().assert_refused(saved, "damaged or not the expected file|doesn't fit")


def test_a_file_far_larger_than_the_model_is_not_read(saved):
    with saved.open("r+b") as file:
        file.truncate(4 * 10**7)
    Everything().assert_refused(saved, "it has 40000000 bytes, 335.* at most")
