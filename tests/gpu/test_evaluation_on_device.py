"""Evaluations of a GPU's networks and images are those of the host."""

import numpy as np
import pytest

from attacks import (
    Suite,
    Threat,
    accuracy_curve,
    adversarial_images,
    bim,
    diagnose,
    evaluate,
    fgsm,
    load_images,
    margin_gradient,
    model_gradient,
    save_gif,
    save_images,
    steps_to_success,
    train_substitute,
    trajectory,
    transfer_matrix,
)
from minidl import to_device, to_numpy
from minidl.batches import to_float
from tests.gpu.both_devices import agree, moved
from tests.gpu.test_on_device import FLOAT, X, network

TYPES = ("float32", "float64")
IMAGES = {"uint8": X[:8], "float32": FLOAT[:8], "float64": FLOAT[:8].astype(float)}
THREAT = Threat("Linf", 0.1)
OTHER = {"cpu": "gpu", "gpu": "cpu"}

pytestmark = pytest.mark.usefixtures("gpu", "one_order")


@pytest.fixture(params=[(own, images) for own in TYPES for images in IMAGES], ids=str)
def pair(request):
    """A type of network, and images."""
    own, images = request.param
    return own, IMAGES[images]


def subject(own, x, device):
    """A network, images and the labels that it gives them, but for the first."""
    model = network(dtype=own).to_device(device)
    floats = (x / 255).astype(np.float32) if x.dtype == np.uint8 else x
    y = to_numpy(model.predict(to_device(floats, device)))
    y[0] = (y[0] + 1) % 3
    return model, *moved(device, x, y)


def attacks(model):
    gradient = model_gradient(model)
    return {
        "fgsm": lambda x, y, eps, rng: fgsm(gradient, x, y, eps),
        "bim": lambda x, y, eps, rng: bim(gradient, x, y, eps, eps / 4, 3),
    }


def test_evaluations_count_the_same_and_keep_the_same(pair, tmp_path):
    def evaluated(device):
        model, x, y = subject(*pair, device)
        folder = tmp_path / device
        for _ in range(2):  # the second time from what was kept
            found = evaluate(
                lambda: Suite(model, attacks(model)), x, y, THREAT, 3, folder=folder
            )
        outcomes = [a for o in found.outcomes.values() for a in (o.fooled, o.distance)]
        assert all(type(a) is np.ndarray for a in outcomes)
        return [*outcomes, found.before(), adversarial_images(folder, "bim")]

    agree(evaluated, 1e-4)


def test_curves_and_transfer_count_the_same(pair):
    def counted(device):
        model, x, y = subject(*pair, device)
        other = network(1).to_device(device)
        every = attacks(model)
        curve = accuracy_curve(lambda: Suite(model, every), x, y, THREAT, [0.01, 0.1])
        transfer = transfer_matrix(every, {"own": model, "other": other}, x, y, THREAT)
        return [curve.smallest_eps(), transfer.fooled, transfer.images]

    agree(counted)


@pytest.mark.parametrize("own", TYPES)
def test_steps_are_the_same(own):
    def counted(device):
        model, x, y = subject(own, FLOAT[:8], device)

        def attack(gradient, x, y):
            return bim(gradient, x, y, 0.2, 0.05, 4)

        return [steps_to_success(model.predict, model_gradient(model), attack, x, y)]

    agree(counted)


def test_images_on_a_device_are_saved(pair, tmp_path):
    pytest.importorskip("PIL", reason="Pillow isn't installed")

    def saved(device):
        model, x, y = subject(*pair, device)

        def attack(gradient, x, y):
            return bim(gradient, x, y, 0.1, 0.05, 3)

        points = trajectory(model_gradient(model), attack, to_float(x), y)[..., :1]
        save_images(points[-1], x[..., :1], y, tmp_path / device, THREAT)
        save_gif(points, tmp_path / device / "a.gif")
        return [points, *load_images(tmp_path / device)]

    agree(saved, 1e-4)
    assert (tmp_path / "gpu" / "a.gif").exists()  # no equal errors


@pytest.mark.parametrize("attack", [None, fgsm])
def test_a_diagnosis_finds_the_same(attack):
    def found(device):
        model, x, y = subject("float64", FLOAT[:8].astype(float), device)
        gradient = model_gradient(model)
        findings = diagnose(model.predict_proba, gradient, x, y, 0.1, attack)
        values = np.array([finding.value for finding in findings])
        return [values, [finding.failed for finding in findings]]

    agree(found, 1e-6)


def test_a_substitute_learns_the_same():
    def taught(device):
        model, x, _ = subject("float32", FLOAT[:8], device)
        student, rng = network(1).to_device(device), np.random.default_rng(0)
        train_substitute(model.predict, student, x, rng, rounds=2, epochs=1)
        return [p.data for p in student.params]

    agree(taught, 1e-2)


def test_distances_are_the_same(pair):
    def measured(device):
        x = to_device(FLOAT[:8].astype(pair[0]), device)
        x_adv = x + np.float32(0.05)
        found = [Threat(norm, 3, None).distances(x_adv, x) for norm in ("L2", "L0")]
        Threat("L2", 3, None).check(x_adv, x)
        return [*found, THREAT.contains(x_adv, x), THREAT.contains(x, x)]

    agree(measured, 1e-5)


def test_an_image_beyond_the_threat_model_is_refused_there_too():
    def evaluated(device):
        model, x, y = subject("float32", FLOAT[:8], device)
        far = {"far": lambda x, y, eps, rng: x * 0}
        return [evaluate(lambda: Suite(model, far), x, y, THREAT)]

    agree(evaluated)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_images_on_two_devices_are_named(device):
    x, other = to_device(FLOAT[:2], device), to_device(FLOAT[:2], OTHER[device])
    message = f"x_adv must be on the {device}, .* got one on the {OTHER[device]}"
    for measure in (THREAT.contains, THREAT.check, THREAT.distances):
        with pytest.raises(ValueError, match=message):
            measure(other, x)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_answers_from_another_device_are_named(device):
    model, x, y = subject("float32", FLOAT[:4], device)

    def attack(gradient, x, y):
        return bim(gradient, x, y, 0.2, 0.05, 4)

    def elsewhere(x):
        return to_device(model.predict(x), OTHER[device])

    with pytest.raises(ValueError, match="what predict returns must be on the"):
        steps_to_success(elsewhere, model_gradient(model), attack, x, y)


def test_an_ensembles_margin_names_labels_on_another_device():
    model, x, y = subject("float32", FLOAT[:4], "gpu")
    with pytest.raises(ValueError, match="y must be on the gpu"):
        margin_gradient([model])(x, to_numpy(y))
