"""The paper's methods (i) to (iv): what differs between members, and what doesn't."""

import pickle
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import norm

from ensembles import (
    METHODS,
    bagging,
    bootstrap_replicate,
    gaussian_noise,
    materialise,
    mixed_models,
    random_init,
)
from ensembles.jobs import member_seed
from ensembles.methods import add_noise
from tests.ensembles.tiny_data import tiny_dataset
from tests.oracles import same_bits

SIGMA = {"gaussian-noise": {"sigma": 0.1}}
METHOD = pytest.mark.parametrize("method", METHODS)


def jobs_of(method, members=3, seed=5, dataset="mnist-sample", **settings):
    return METHODS[method](members, seed, dataset, **SIGMA.get(method, {}) | settings)


@pytest.fixture(scope="module")
def data():
    return tiny_dataset("mnist-sample")[:2]


@METHOD
def test_one_job_a_member_with_all_settings(method):
    settings = {"epochs": 3, "batch_size": 7, "optimizer": "sgd", "lr": 0.5}
    wanted = {"method": method, "dataset": "mnist-sample"} | settings
    wanted["sigma"] = 0.1 if method == "gaussian-noise" else 0
    for i, job in enumerate(jobs := jobs_of(method, 4, **settings)):
        assert vars(job).items() >= (wanted | {"index": i}).items()
    assert len(jobs) == 4
    usual = {"epochs": 10, "batch_size": 128, "optimizer": "adam", "lr": 1e-3}
    assert vars(jobs_of(method)[0]).items() >= usual.items()


@pytest.mark.parametrize(
    ("dataset", "table"),
    [
        ("mnist-sample", "mnist-cnn"),
        ("mnist", "mnist-cnn"),
        ("fashion-mnist", "mnist-cnn"),
        ("cifar10", "cifar10-cnn"),
    ],
)
def test_each_data_set_has_its_tables_network(dataset, table):
    assert {job.architecture for job in random_init(3, 0, dataset)} == {table}
    names = [job.architecture for job in mixed_models(12, 0, dataset)]
    assert names == [f"{table}/{i}" for i in (*range(10), 0, 1)]


def test_the_method_table_names_its_functions():
    assert {
        "random-init": random_init,
        "mixed-models": mixed_models,
        "bagging": bagging,
        "gaussian-noise": gaussian_noise,
    } == METHODS


@METHOD
def test_equal_jobs_give_equal_bits_and_leave_the_data_as_they_are(method, data):
    job, before = jobs_of(method)[1], [array.copy() for array in data]
    copy = pickle.loads(pickle.dumps(job))
    assert copy == job
    (model, x, y), (other, *others) = (materialise(j, *data) for j in (job, copy))
    assert same_bits(model.params, other.params)
    assert same_bits((x, y, *data), (*others, *before))


@METHOD
def test_initial_weights_differ_in_every_method(method, data):
    models = [materialise(job, *data)[0] for job in jobs_of(method)]
    assert len({model.params[0].data.tobytes() for model in models}) == 3


@pytest.mark.parametrize("method", ["random-init", "mixed-models"])
def test_methods_i_and_ii_train_on_the_data_as_it_is(method, data):
    for job in jobs_of(method):
        _, x, y = materialise(job, *data)
        assert_array_equal(x, data[0], strict=True)
        assert_array_equal(y, data[1], strict=True)


@METHOD
@pytest.mark.parametrize("count", [1, 30, 96])
def test_train_images_are_the_first_ones(method, count):
    x = np.arange(96, dtype=np.uint8).reshape(96, 1, 1, 1)
    job = replace(jobs_of(method)[0], train_images=count)
    _, images, y = materialise(job, x, np.arange(96))
    assert len(images) == len(y) == count
    assert y.max() < count


def test_more_train_images_than_there_are_are_refused(data):
    job = replace(jobs_of("bagging")[0], train_images=len(data[0]) + 1)
    most = f"^train_images must be at most {len(data[0])}, .*got {len(data[0]) + 1}"
    with pytest.raises(ValueError, match=most):
        materialise(job, *data)


def test_mixed_models_are_built_as_named(data):
    counts = [
        sum(p.data.size for p in materialise(job, *data)[0].params)
        for job in mixed_models(10, 5, "mnist")
    ]
    assert counts[0] == 600_810
    assert len(set(counts)) == 10


# Bagging


@pytest.mark.parametrize(("size", "draws"), [(1000, 200), (60_000, 4)])
def test_a_replicate_holds_63_2_percent_of_the_data(rng, size, draws):
    held = [len(set(bootstrap_replicate(size, rng).tolist())) for _ in range(draws)]
    expected = 1 - (1 - 1 / size) ** size
    assert np.mean(held) / size == pytest.approx(expected, abs=0.003)
    assert expected == pytest.approx(0.632, abs=5e-4)


def test_a_replicate_is_as_large_as_the_data_and_stays_inside(rng):
    replicate = bootstrap_replicate(50, rng)
    assert replicate.shape == (50,)
    many = np.concatenate([bootstrap_replicate(50, rng) for _ in range(100)])
    assert sorted(set(many.tolist())) == list(range(50))


def test_bagging_keeps_each_image_with_its_label():
    x = np.arange(40, dtype=np.uint8).reshape(40, 1, 1, 1)
    _, x_bag, y_bag = materialise(bagging(1, 5, "mnist")[0], x, np.arange(40))
    assert_array_equal(x_bag.ravel(), y_bag)
    assert 15 < len(set(y_bag.tolist())) < 35


def test_each_bag_is_another(data):
    bags = [materialise(job, *data)[1] for job in bagging(3, 5, "mnist")]
    assert len({bag.tobytes() for bag in bags}) == 3


# Gaussian noise

GREY = np.full((50, 28, 28, 1), 0.5, np.float32)
LABELS = np.zeros(50, np.int64)


@pytest.mark.parametrize("sigma", [0.01, 0.1])
def test_noise_is_normal_in_each_pixel_with_the_sigma_asked_for(sigma):
    _, x, _ = materialise(gaussian_noise(1, 5, "mnist", sigma)[0], GREY, LABELS)
    assert (x - 0.5).std() == pytest.approx(sigma, rel=0.02)
    assert x.mean() == pytest.approx(0.5, abs=0.02 * sigma)
    within = [(np.abs(x - 0.5) < sigma * width).mean() for width in (1, 2, 3)]
    assert within == pytest.approx([0.6827, 0.9545, 0.9973], abs=0.01)
    assert len(np.unique(x)) > 0.5 * x.size


@pytest.mark.parametrize("level", [0, 51, 255])
def test_noise_is_added_to_pixels_in_0_to_1_and_clipped(level):
    x = np.full((50, 28, 28, 1), level, np.uint8)
    _, noisy, y = materialise(gaussian_noise(1, 5, "mnist", 1.0)[0], x, LABELS)
    assert noisy.dtype == np.float32
    assert (noisy.min(), noisy.max()) == (0, 1)
    below, above = norm.cdf([0, 1], loc=level / 255)
    assert (noisy == 0).mean() == pytest.approx(below, abs=0.02)
    assert (noisy == 1).mean() == pytest.approx(1 - above, abs=0.02)
    assert_array_equal(y, LABELS)


def test_noise_takes_little_more_memory_than_the_images_as_floats():
    """CIFAR-10's take 0.6 GB: a process that trains must stay below 2 GB."""
    x = np.zeros((1000, 28, 28, 1), np.uint8)
    rng = np.random.default_rng(5)
    tracemalloc.start()
    noisy = add_noise(x, 0.1, rng)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert noisy.nbytes == 4 * x.nbytes
    assert peak < 2.5 * noisy.nbytes  # the images and the noise, their sum in place


def test_each_member_has_noise_of_its_own():
    jobs = gaussian_noise(3, 5, "mnist", 0.1)
    a, b, c = (materialise(job, GREY, LABELS)[1].ravel() for job in jobs)
    assert np.abs(np.corrcoef([a, b, c])[np.triu_indices(3, 1)]).max() < 0.03


# Seeds


def test_every_member_has_a_seed_of_its_own():
    cases = [
        (seed, method, i)
        for seed in (0, 1, 2, 10, 2**32 - 1, 2**32, 2**33, 2**64)
        for method in METHODS
        for i in range(10)
    ]
    seeds = {member_seed(*case) for case in cases}
    assert len(seeds) == len(cases)
    assert 2**60 < max(seeds) < 2**64


def test_a_members_seed_does_not_depend_on_the_number_of_members():
    assert random_init(2, 5, "mnist") == random_init(9, 5, "mnist")[:2]


def test_weights_data_and_training_draw_from_streams_of_their_own():
    job = random_init(1, 5, "mnist")[0]
    first = {
        purpose: job.generator(purpose).integers(2**62)
        for purpose in ("weights", "data", "training")
    }
    assert len(set(first.values())) == 3
    assert first["data"] == job.generator("data").integers(2**62)


def test_a_jobs_data_do_not_depend_on_its_network(data):
    job = bagging(1, 5, "mnist")[0]
    larger = replace(job, architecture="mnist-cnn/4")
    assert_array_equal(materialise(job, *data)[1], materialise(larger, *data)[1])


# Jobs


def test_jobs_can_be_keys_and_are_frozen():
    job, other = random_init(2, 5, "mnist")
    assert len({job, other, replace(job)}) == 2
    with pytest.raises(AttributeError):
        job.epochs = 3


def test_numpy_numbers_become_pythons():
    """Otherwise a job couldn't be written as JSON, which names its file."""
    plain = {"index": 1, "seed": 2, "sigma": 0.5, "train_images": 9, "epochs": 3}
    plain |= {"batch_size": 4, "lr": 1.0}
    other = {name: np.array(value)[()] for name, value in plain.items()}
    job = gaussian_noise(1, 5, "mnist", sigma=0.1)[0]
    assert repr(replace(job, **other)) == repr(replace(job, **plain))
    assert replace(job, lr=1, sigma=0) == replace(job, lr=1.0, sigma=0.0)
    assert repr(replace(job, lr=1, sigma=0)) == repr(replace(job, lr=1.0, sigma=0.0))


@pytest.mark.parametrize("make", [random_init, mixed_models, bagging])
def test_only_one_method_has_noise(make):
    with pytest.raises(ValueError, match=r"^sigma belongs to gaussian-noise: .* 0\.3"):
        make(2, 0, "mnist", sigma=0.3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "cifar10-cnn"}, "architecture must.*got 'cifar10-cnn'"),
        ({"dataset": "cifar10"}, "architecture must .*cifar10-cnn.*got 'mnist-cnn'"),
    ],
)
def test_an_architecture_of_another_data_set_is_refused(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        replace(random_init(1, 0, "mnist")[0], **change)


def test_gaussian_noise_needs_a_sigma_above_0():
    with pytest.raises(ValueError, match=r"^sigma must be in \(0, 1\], got 0.0$"):
        gaussian_noise(2, 0, "mnist", 0)


def test_mixed_models_take_the_variants_of_a_table():
    jobs = mixed_models(12, 0, "mnist", architecture="mnist-cnn-literal")
    names = [job.architecture for job in jobs]
    assert names == [f"mnist-cnn-literal/{i % 10}" for i in range(12)]
    tables = "mnist-cnn, mnist-cnn-literal, mnist-cnn-centred"
    with pytest.raises(ValueError, match=f"^architecture must be .*{tables}, .*cnn/5'"):
        mixed_models(2, 0, "mnist", architecture="mnist-cnn/5")
