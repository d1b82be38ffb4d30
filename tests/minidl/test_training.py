"""The training loop and accuracy, on problems of a few numbers."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from minidl import (
    SGD,
    Adam,
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    MaxPool2D,
    Parameter,
    ReLU,
    Sequential,
    Upsample2D,
    accuracy,
    cross_entropy,
    soft_cross_entropy,
    squared_error,
    train,
)
from minidl.batches import to_float
from minidl.classifiers import classes_of, classifier_device
from minidl.kernels import use
from minidl.optimizers import OPTIMIZERS
from tests import oracles
from tests.oracles import assert_close, differences, same_bits


def network(seed=0, rate=0.0):
    rng = np.random.default_rng(seed)
    layers = [
        Flatten(),
        Linear(4, 16, rng=rng),
        ReLU(),
        Dropout(rate),
        Linear(16, 3, rng=rng),
    ]
    return Sequential(layers, (2, 2, 1))


@pytest.fixture
def problem(rng):
    """Images whose label is their brightest pixel."""
    x = rng.integers(0, 256, (50, 2, 2, 1)).astype(np.uint8)
    return x, x[:, :, :, 0].reshape(50, 4)[:, :3].argmax(axis=1)


def run(x, y, epochs=2, batch_size=8, seed=1, rate=0.0, model=None, **options):
    model = model or network(rate=rate)
    rng = np.random.default_rng(seed)
    losses = train(
        model, x, y, Adam(model.params, 0.01), epochs, batch_size, rng, **options
    )
    return losses, [p.data.copy() for p in model.params]


def train_with(kind, lr, x, y, batch_size=8, model=None, **options):
    model, rng = model or network(), np.random.default_rng(1)
    optimizer = kind(model.params, lr)
    return train(model, x, y, optimizer, 2, batch_size, rng, **options)


def test_the_loss_falls_and_the_problem_is_learned(problem):
    x, y = problem
    model = network()
    losses, _ = run(x, y, epochs=80, model=model)
    assert len(losses) == 80
    assert losses[-1] < losses[0] / 5
    assert accuracy(model, x, y) > 0.95


def test_an_epochs_loss_is_the_mean_over_all_images(problem):
    # With steps too small to matter, it is the cost of the initial network.
    x, y = problem
    model = network().astype(np.float64)
    expected = oracles.cross_entropy(model.forward(x / 255), y)
    tiny = SGD(model.params, 1e-12)
    losses = train(model, x / 255, y, tiny, 1, 8, np.random.default_rng(0))
    assert losses == [pytest.approx(expected, rel=1e-9)]
    assert type(losses[0]) is float


@pytest.mark.parametrize("batch_size", [1, 7, 8, 200])
def test_progress_counts_each_batch(problem, monkeypatch, batch_size):
    counted = []

    @contextmanager
    def reported(total, label):
        yield lambda: counted.append((total, label))

    monkeypatch.setattr("minidl.training.reported", reported)
    model, rng = network(), np.random.default_rng(0)
    train(model, *problem, SGD(model.params, 0.01), 3, batch_size, rng)
    total = 3 * np.ceil(len(problem[0]) / batch_size)
    assert counted == [(total, "batches")] * int(total)


def test_a_step_goes_along_the_gradient_of_the_mean(problem):
    x, y = problem[0] / 255, problem[1]
    model = network().astype(np.float64)
    slopes = [
        differences(lambda: oracles.cross_entropy(model.forward(x), y), p.data)
        for p in model.params
    ]
    wanted = [p.data - 0.1 * g for p, g in zip(model.params, slopes, strict=True)]
    train(model, x, y, SGD(model.params, 0.1), 1, 50, np.random.default_rng(0))
    for p, expected in zip(model.params, wanted, strict=True):
        assert_close(p.data, expected, 1e-8)


class Recorder(Sequential):
    """Notes each batch."""

    def forward(self, x, rng=None):
        self.seen = [*getattr(self, "seen", []), x.copy()]
        return super().forward(x, rng)


def test_each_epoch_takes_every_image_once_in_a_new_order():
    x = np.arange(50, dtype=np.uint8).reshape(50, 1, 1, 1)
    rng = np.random.default_rng(0)
    model = Recorder([Flatten(), Linear(1, 2, rng=rng)], (1, 1, 1))
    train(model, x, np.zeros(50, int), SGD(model.params, 0.1), 2, 8, rng)
    assert [len(batch) for batch in model.seen] == [8, 8, 8, 8, 8, 8, 2] * 2
    epochs = np.split(np.concatenate(model.seen).ravel() * 255, 2)
    assert [sorted(np.rint(e).astype(int)) for e in epochs] == [list(range(50))] * 2
    assert not np.array_equal(*epochs)
    assert model.seen[0].dtype == np.float32


def test_stored_bytes_are_pixels_over_255(problem):
    x, y = problem
    floats = x.astype(np.float32) / np.float32(255)
    assert same_bits(run(x, y)[1], run(floats, y)[1])
    assert np.array_equal(to_float(x), floats)
    assert to_float(floats) is floats


def test_dropout_is_on_in_training(problem):
    assert not same_bits(run(*problem)[1], run(*problem, rate=0.5)[1])


def test_the_networks_own_input_gradient_is_not_computed(problem):
    class Strict(Sequential):
        def backward(self, dout, param_grads=True, input_grad=True):
            assert (param_grads, input_grad) == (True, False)
            return super().backward(dout, param_grads, input_grad)

    plain = network()
    run(*problem, model=Strict(plain.layers, plain.input_shape))


def test_callbacks_get_each_epoch_and_its_loss(problem):
    calls = []
    losses, _ = run(
        *problem,
        epochs=3,
        callbacks=iter([lambda *args: calls.append(args)] * 2),
    )
    assert calls == [(e, losses[e - 1]) for e in (1, 1, 2, 2, 3, 3)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence_is_an_error_that_names_the_learning_rate(problem):
    model = network()
    wild = SGD(model.params, 1e30)
    with pytest.raises(FloatingPointError, match=r"J is .* epoch 1: .* lr = 1e\+30"):
        train(model, *problem, wild, 5, 8, np.random.default_rng(0))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("lr", [1e10, 1e30])  # outputs are huge, or infinite
@pytest.mark.parametrize("loss", [squared_error, soft_cross_entropy])
def test_another_loss_is_not_to_blame_for_divergence(problem, loss, lr):
    y = np.eye(3, dtype=np.float32)[problem[1]]
    named = rf"in epoch 1: param.* lr = {re.escape(str(lr))} is"
    with pytest.raises(FloatingPointError, match=named):
        train_with(SGD, lr, problem[0], y, loss=loss)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_perturbation_is_not_to_blame_for_divergence(problem):
    """It follows the network, as attacks do."""
    model = network()

    def follow(x, y, rng):
        return x + 0 * model.forward(x)[:, :1, None, None]

    with pytest.raises(FloatingPointError, match=r"^an output's length is .* lr = 1e"):
        train_with(SGD, 1e30, *problem, model=model, perturb=follow)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_divergence_in_the_last_step_is_an_error(problem):
    """J was taken before it. A callback would keep the parameters."""
    never = lambda epoch, loss: pytest.fail("it did")  # noqa: E731
    with pytest.raises(FloatingPointError, match=r"^the parameters' length .* epoch 1"):
        train_with(SGD, 1e38, *problem, batch_size=50, callbacks=[never])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_callbacks_do_not_get_a_loss_that_is_not_finite(problem):
    never = lambda epoch, loss: pytest.fail("it did")  # noqa: E731
    with pytest.raises(FloatingPointError, match=r"^J is (inf|nan) in epoch 1"):
        train_with(SGD, 1e30, *problem, callbacks=[never])


IMAGES = np.full((6, 2, 2, 1), 0.5, np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])


BAD_DATA = {
    "label too high": (IMAGES, LABELS + 1, "^y must be 0 to 2, got 1 to 3"),
    "too bright": (IMAGES * 3, LABELS, r"^x must lie in \[0, 1\], got .* to 1.5"),
    "channels": (IMAGES.repeat(3, 3), LABELS, r"^x must have shape \(N, 2, 2, 1\)"),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_bad_data_is_named_before_anything_changes(name):
    x, y, message = BAD_DATA[name]
    model = network()
    before = [p.data.copy() for p in model.params]
    for use_data in (lambda: run(x, y, model=model), lambda: accuracy(model, x, y)):
        with pytest.raises((TypeError, ValueError), match=message):
            use_data()
    assert same_bits(before, [p.data for p in model.params])


def test_an_optimizer_of_parameters_that_were_replaced_is_refused():
    """It would train arrays that the network no longer uses."""
    model = network()
    optimizer = Adam(model.params)
    model.layers[1].W = Parameter(model.layers[1].W.data)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"^optimizer must .* replaced since: make"):
        train(model, IMAGES, LABELS, optimizer, 1, 8, rng)
    before = model.layers[1].W.data.copy()
    train(model, IMAGES, LABELS, Adam(model.params), 1, 8, rng)
    assert (model.layers[1].W.data != before).any()


def test_two_threads_cant_train_one_network():
    """Each would step along the other's gradient. A callback in turn may train."""
    model, found = network(), []

    def at_the_same_time(epoch, loss):
        with ThreadPoolExecutor(1) as executor:
            found.append(executor.submit(run, IMAGES, LABELS, model=model).exception())
        run(IMAGES, LABELS, model=model)

    run(IMAGES, LABELS, 1, model=model, callbacks=[at_the_same_time])
    assert isinstance(found[0], RuntimeError)
    assert str(found[0]).startswith("model is being trained in another thread: ")
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(run, IMAGES, LABELS, model=model).exception() is None


def test_nor_can_they_with_optimizers_of_different_parameters():
    """`backward` writes all gradients."""
    model, found = network(), []
    first, second = (Adam(part) for part in (model.params[:2], model.params[2:]))

    def train_by(optimizer, **options):
        rng = np.random.default_rng(0)
        return train(model, IMAGES, LABELS, optimizer, 1, 8, rng, **options)

    def at_the_same_time(epoch, loss):
        with ThreadPoolExecutor(1) as executor:
            found.append(executor.submit(train_by, second).exception())

    train_by(first, callbacks=at_the_same_time)
    assert isinstance(found[0], RuntimeError)
    assert train_by(second)


def test_some_parameters_may_stay_what_they_are():
    model = network()
    before = [p.data.copy() for p in model.params]
    optimizer = Adam(model.params[2:])
    train(model, IMAGES, LABELS, optimizer, 1, 8, np.random.default_rng(0))
    changed = [(p.data != b).any() for p, b in zip(model.params, before, strict=True)]
    assert changed == [False, False, True, True]


def test_a_network_that_ends_in_images_is_no_classifier():
    model = Sequential([ReLU(), MaxPool2D(2)], (2, 2, 1))
    message = r"output must have shape \(N, K\), Sequential.* ends in \(1, 1, 1\) for"
    with pytest.raises(ValueError, match=message):
        train(model, IMAGES, LABELS, Adam([]), 1, 8, np.random.default_rng(0))


@pytest.mark.parametrize("kernels", ["reference", "numba"])
def test_images_in_float64_train_a_network_in_float32(problem, kernels):
    if kernels == "numba":
        pytest.importorskip("numba", reason="no Numba")
    x, y = problem
    with use(kernels):
        losses, params = run(x / 255, y)
        expected, _ = run(x, y)
    assert params[0].dtype == np.float32
    np.testing.assert_allclose(losses, expected, rtol=1e-4)


@pytest.mark.parametrize("implementation", ["reference", "auto"])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_numpys_warnings_as_errors_change_nothing(problem, kind, implementation):
    """Probabilities and averages of sure networks underflow, which is no error."""

    def trained():
        model = network()
        model.layers[-1].W.data *= 300
        optimizer, rng = OPTIMIZERS[kind](model.params, 1e-6), np.random.default_rng(1)
        losses = train(model, *problem, optimizer, 2, 8, rng)
        x = to_float(problem[0])
        return losses, [model.predict_proba(x), *(p.data for p in model.params)]

    with use(implementation):
        expected, wanted = trained()
        with np.errstate(all="raise"):
            losses, found = trained()
    assert losses == expected
    assert same_bits(found, wanted)
    assert (found[0] == 0).any()


class Table:
    """A classifier that knows the answer to each image by its first pixel."""

    def __init__(self, guesses):
        self.p = np.eye(10)[list(guesses)]

    def predict_proba(self, x):
        return self.p[np.rint(x[:, 0, 0, 0] * 255).astype(int)]


@pytest.mark.parametrize("batch_size", [1, 3, 10, 11, 512])
def test_accuracy_does_not_depend_on_the_batches(batch_size):
    x = np.arange(11, dtype=np.uint8).reshape(11, 1, 1, 1)
    guesses = np.arange(11) % 10
    y = guesses.copy()
    y[[0, 4, 10]] = 9
    assert accuracy(Table(guesses), x, y, batch_size) == 8 / 11


def test_accuracy_of_a_network_is_the_fraction_of_its_predictions(problem):
    x, y = problem
    expected = (network().predict(to_float(x)) == y).mean()
    assert accuracy(network(), x, y) == expected
    assert accuracy(network(), to_float(x), y, batch_size=7) == expected


def test_labels_are_looked_at_before_a_classifier_predicts():
    """If it has told its number of classes."""
    never = SimpleNamespace(classes=3, predict_proba=lambda x: pytest.fail("it did"))
    with pytest.raises(ValueError, match=r"^y must be 0 to 2, got 3 to 3"):
        accuracy(never, np.zeros((1, 1, 1, 1)), np.array([3]))


def test_accuracy_without_a_known_number_of_classes():
    x = np.zeros((1, 1, 1, 1))
    with pytest.raises(ValueError, match=r"^y must be 0 to 9, got 99 to 99"):
        accuracy(Table([0]), x, np.array([99]))
    with pytest.raises(ValueError, match=r"^y must be 0 or more, got -1 to -1"):
        accuracy(Table([0]), x, np.array([-1]))


def test_a_classifier_is_named_for_what_it_does():
    """Other answers: test_answers."""

    class Scales(Table):
        def predict_proba(self, x):
            x *= 2
            return super().predict_proba(x)

    x = np.full((4, 1, 1, 1), 0.01)
    with pytest.raises(ValueError, match=r"^predict_proba must leave its arguments"):
        accuracy(Scales(range(10)), x, np.zeros(4, int))
    assert (x == 0.01).all()
    unsure = Table(range(10))
    unsure.p /= 2
    with pytest.raises(ValueError, match=r"^predict_proba must return probabilities"):
        accuracy(unsure, x, np.zeros(4, int))


class Foreign(Table):
    """As scikit-learn's and PyTorch's: `classes` are names, `device` is an object."""

    classes = ("zero", "one")
    device = object()


def test_accuracy_of_another_librarys_classifier():
    assert accuracy(Foreign([1]), np.zeros((2, 1, 1, 1)), np.array([1, 0])) == 0.5
    assert classes_of(Foreign([0])) is None
    assert classes_of(network()) == 3
    assert classifier_device(Foreign([0])) == "cpu"
    assert classifier_device(Foreign([0]), "gpu") == "gpu"


def test_images_and_labels_may_lie_in_a_file(tmp_path, problem):
    x, y = problem
    stored = np.memmap(tmp_path / "x", np.uint8, "w+", shape=x.shape)
    labels = np.memmap(tmp_path / "y", np.int64, "w+", shape=y.shape)
    stored[:], labels[:] = x, y
    (losses, params), (expected, wanted) = run(stored, labels), run(x, y)
    assert losses == expected
    assert same_bits(params, wanted)
    assert accuracy(network(), stored, labels) == accuracy(network(), x, y)


def noise(x, y, rng):
    return (x + rng.uniform(-0.2, 0.2, x.shape).astype(x.dtype)).clip(0, 1)


def test_a_perturbation_that_changes_nothing_changes_no_bit(problem):
    expected, wanted = run(*problem, rate=0.5)
    losses, params = run(*problem, rate=0.5, perturb=lambda x, y, rng: x)
    assert losses == expected
    assert same_bits(params, wanted)


def test_networks_are_trained_on_what_perturb_returns(problem):
    x, y = problem
    _, wanted = run(255 - x, y)
    one = np.float32(1)
    _, params = run(x, y, perturb=lambda x, y, rng: one - x)
    for p, expected in zip(params, wanted, strict=True):
        np.testing.assert_allclose(p, expected, atol=1e-5)


def test_perturb_sees_each_batch_with_its_labels(problem):
    x, y = problem
    seen = []
    run(x, y, 1, 8, perturb=lambda *batch: seen.append(batch[:2]) or batch[0])
    assert [len(x) for x, _ in seen] == [8, 8, 8, 8, 8, 8, 2]
    images, labels = map(np.concatenate, zip(*seen, strict=True))
    order = np.random.default_rng(1).permutation(50)
    np.testing.assert_array_equal(images, to_float(x)[order], strict=True)
    np.testing.assert_array_equal(labels, y[order], strict=True)


def test_perturb_may_work_in_place(problem):
    x, y = problem

    def in_place(x, y, rng):
        x[...] = noise(x, y, rng)
        y[:] = 0
        return x

    floats = to_float(x)
    before = floats.copy()
    assert same_bits(run(floats, y, perturb=in_place)[1], run(x, y, perturb=noise)[1])
    np.testing.assert_array_equal(floats, before)


def test_perturb_may_return_a_work_array_that_the_loss_changes(problem):
    """As one does that attacks, too: layers remember the batch until `backward`."""
    work = np.empty((8, 2, 2, 1), np.float32)

    def noisy(x, y, rng):
        work[: len(x)] = noise(x, y, rng)
        return work[: len(x)]

    def overwriting(z, y):
        work.fill(0)
        return cross_entropy(z, y)

    (losses, params), (expected, wanted) = (
        run(*problem, perturb=perturb, loss=loss)
        for perturb, loss in ((noisy, overwriting), (noise, cross_entropy))
    )
    assert losses == expected
    assert same_bits(params, wanted)


def test_perturb_draws_from_the_generator_that_is_the_state(problem):
    """Four epochs are one and three more: nothing else has a state."""
    expected, wanted = run(*problem, epochs=4, rate=0.5, perturb=noise)
    model, rng = network(rate=0.5), np.random.default_rng(1)
    optimizer = Adam(model.params, 0.01)
    losses = [
        J
        for epochs in (1, 3)
        for J in train(model, *problem, optimizer, epochs, 8, rng, perturb=noise)
    ]
    assert losses == expected
    assert same_bits([p.data for p in model.params], wanted)


BAD_BATCHES = {
    "shorter": (lambda x: x[1:], r"an array of shape .* got \(7, 2, 2, 1\)"),
    "wider": (lambda x: x.astype(np.float64), "float32, got float64"),
    "bytes": (lambda x: (x * 255).astype(np.uint8), "floats, got uint8"),
    "NaN": (lambda x: x * np.float32(np.nan), "finite numbers, got NaN or infinity"),
    "dark": (lambda x: x - 1, r"must lie in \[0, 1\], got values from -"),
    "bright": (lambda x: x + 1, r"must lie in \[0, 1\], got values from 1"),
}


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_batch_that_cant_be_trained_on_is_named_where_it_happens(problem, name):
    """In the second epoch's third batch; earlier steps have been taken."""
    change, message = BAD_BATCHES[name]
    model, finished, calls = network(), [], []

    def perturb(x, y, rng):
        calls.append([p.data.copy() for p in model.params])
        return change(x) if len(calls) == 10 else x

    with pytest.raises(
        (TypeError, ValueError), match=rf"^.*perturb (must )?return.* {message}"
    ):
        run(
            *problem,
            model=model,
            perturb=perturb,
            callbacks=lambda *e: finished.append(e),
        )
    assert [epoch for epoch, _ in finished] == [1]
    assert len(calls) == 10
    assert same_bits(calls[-1], [p.data for p in model.params])


def test_a_loss_at_temperature_1_trains_to_the_same_bits(problem):
    _, params = run(*problem)
    _, same = run(*problem, loss=partial(cross_entropy, temperature=1))
    assert same_bits(params, same)


def test_a_loss_may_run_the_model_itself(problem):
    """The next `backward` still belongs to the batch, of which both have the size."""
    model = network()

    def watching(z, y):
        model.predict(to_float(problem[0][: len(z)]))
        return cross_entropy(z, y)

    expected, params = run(*problem)
    losses, same = run(*problem, model=model, loss=watching)
    assert losses == expected
    assert same_bits(params, same)


def test_a_loss_that_works_in_place_is_named(problem):
    def shifted(z, y):
        z -= z.max(axis=1, keepdims=True)
        return cross_entropy(z, y)

    with pytest.raises(ValueError, match=r"^loss must leave its arguments as they"):
        run(*problem, loss=shifted)


def test_an_autoencoder_learns_to_remove_noise(problem):
    x, _ = problem
    target = to_float(x)
    rng = np.random.default_rng(0)
    encoder = [Conv2D(1, 8, rng=rng, pad=1), ReLU(), MaxPool2D(2)]
    decoder = [Upsample2D(2), Conv2D(8, 1, rng=rng, pad=1)]
    model = Sequential([*encoder, *decoder], (2, 2, 1))

    def noise(x, y, rng):
        assert y.shape == x.shape
        return np.clip(x + rng.normal(0, 0.1, x.shape), 0, 1).astype(x.dtype)

    losses, _ = run(x, target, 20, model=model, loss=squared_error, perturb=noise)
    assert losses[-1] < 0.9 * float(squared_error(target * 0 + 0.5, target)[0].mean())


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda z, y: (z[:, 0].mean(keepdims=True), z), r"^loss must .* \(1,\)$"),
        (lambda z, y: (z[:, 0], z[:1]), r"^loss must return .* got \(1, 3\)$"),
        (lambda z, y: (z[:, 0] * np.nan, z), "^loss must return finite numbers"),
        (squared_error, "^target must be float32"),
    ],
)
def test_a_loss_that_cannot_be_descended_is_named(problem, loss, message):
    with pytest.raises((TypeError, ValueError), match=message):
        run(*problem, loss=loss)


@pytest.mark.parametrize("y", [None, np.zeros((3, 2), np.float32), np.float32(1)])
def test_targets_that_are_not_one_an_image_are_named(problem, y):
    with pytest.raises((TypeError, ValueError), match=r"^y must "):
        run(problem[0], y, loss=soft_cross_entropy)
