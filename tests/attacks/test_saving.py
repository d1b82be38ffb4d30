"""Images in 8 bits: in the ball, as close as can be, and the same when read again."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from attacks import (
    Threat,
    bim,
    load_images,
    model_gradient,
    save_gif,
    save_images,
    trajectory,
)
from attacks.rounding import pixels, round_inside, shades
from attacks.saving import NAME
from minidl.store import DamagedError, read_arrays, write_arrays
from tests.work_array import in_work_array

Image = pytest.importorskip("PIL.Image", reason="Pillow isn't installed")
SHADE = 1 / 255
BOUNDS = [(0, 1), (-1, 1), (0, 255), (-0.3, 0.7)]


def pair(rng, threat, C=1, dtype=np.float32, on_grid=True):
    """Images, and others anywhere in their balls, many at the border."""
    low, high = threat.bounds
    k = rng.integers(256, size=(20, 7, 5, C)) if on_grid else rng.random((20, 7, 5, C))
    fraction = k / 255 if on_grid else k  # in float64: in float32 the last bit differs
    x = (low + (high - low) * fraction).astype(dtype).clip(low, high)
    if threat.norm == "L0":
        x_adv = x.copy()
        x_adv[:, 2, 3] = rng.uniform(low, high, (20, C))
        return x_adv, x
    far = threat.random_point(x, rng) - x
    return threat.project(x + far * dtype(rng.choice([1, 5])), x), x


def threat_of(norm, eps, bounds):
    return Threat(norm, eps if norm == "L0" else eps * (bounds[1] - bounds[0]), bounds)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("eps", [0.1, 8 * SHADE, 1.6 * SHADE, SHADE])
@pytest.mark.parametrize("on_grid", [True, False])
def test_each_pixel_gets_the_nearest_shade_of_its_interval(
    rng, eps, bounds, dtype, on_grid
):
    """By trying all 256, in float64."""
    threat = threat_of("Linf", eps, bounds)
    x_adv, x = pair(rng, threat, dtype=dtype, on_grid=on_grid)
    every = np.linspace(*bounds, 256).reshape(-1, 1, 1, 1, 1)
    slack = 1e-4 * (bounds[1] - bounds[0]) * SHADE
    allowed = abs(every - x.astype(float)) <= threat.eps + slack
    assert allowed.any(axis=0).all()
    error = np.where(allowed, abs(every - x_adv.astype(float)), np.inf)
    k = round_inside(x_adv, x, threat)
    chosen = np.take_along_axis(error, k[None].astype(int), axis=0)[0]
    assert_allclose(chosen, error.min(axis=0), atol=2 * slack)
    assert threat.contains(pixels(k, x, bounds), x).all()


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.parametrize("C", [1, 3])
@pytest.mark.parametrize(
    ("norm", "eps"), [("L2", 1.5), ("L2", 0.1), ("L2", 0.05), ("L0", 3)]
)
def test_other_balls_keep_nearly_all_of_the_perturbation(rng, norm, eps, bounds, C):
    threat = threat_of(norm, eps, bounds)
    x_adv, x = pair(rng, threat, C)
    k = round_inside(x_adv, x, threat)
    found = pixels(k, x, bounds)
    assert threat.contains(found, x).all()
    if norm == "L2":
        before, after = (
            np.linalg.norm((a.astype(float) - x).reshape(20, -1), axis=1)
            for a in (x_adv, found)
        )
        assert (after >= 0.9 * before).all()
        assert (after <= threat.eps * (1 + 1e-4)).all()
        nearest = np.rint(shades(x_adv, bounds))
        outside = ~threat.contains(pixels(nearest, x, bounds), x)
        assert outside.any() or eps > 1  # else the nearest would do
        assert_array_equal(k[~outside], nearest[~outside])
    else:
        assert_array_equal(k, np.rint(shades(x_adv, bounds)))
        assert ((found != x).sum(axis=(1, 2, 3)) <= 3).all()


@pytest.mark.parametrize("norm", ["Linf", "L2", "L0"])
def test_a_ball_without_an_8_bit_image_is_refused(rng, norm):
    threat = Threat(norm, {"Linf": 0.4 * SHADE, "L2": 0.4 * SHADE, "L0": 3}[norm])
    x = (rng.integers(1, 255, (4, 5, 5, 1)) + 0.49) / 255
    with pytest.raises(ValueError, match=r"^threat .* 4 of 4 images"):
        round_inside(x, x, threat)


@pytest.mark.parametrize("C", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bounds", BOUNDS)
def test_what_is_loaded_is_what_was_saved(rng, tmp_path, C, dtype, bounds):
    threat = threat_of("Linf", 0.1, bounds)
    x_adv, x = pair(rng, threat, C, dtype)
    y = rng.integers(10, size=20)
    save_images(x_adv, x, y, tmp_path / "new" / "a", threat)
    found = load_images(tmp_path / "new" / "a")
    expected = pixels(round_inside(x_adv, x, threat), x, bounds)
    for ours, theirs in zip(found, (expected, x, y), strict=True):
        assert_array_equal(ours, theirs, strict=True)
    low, high = bounds
    with Image.open(tmp_path / "new" / "a" / "000007.png") as picture:
        theirs = np.asarray(picture).reshape(7, 5, C) / 255 * (high - low) + low
    assert_allclose(found[0][7], theirs, atol=1e-6 * (high - low))
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_stored_images_are_saved_as_pixels(rng, tmp_path):
    x = rng.integers(256, size=(3, 4, 4, 1)).astype(np.uint8)
    threat = Threat("Linf", 0.02)
    given = (x.astype(np.float32) + 5).clip(0, 255) / 255
    saved = save_images(given, x, np.arange(3), tmp_path / "a", threat)
    assert (saved.before, saved.after) == (None, None)
    assert str(saved) == f"3 images ({threat}) in {tmp_path / 'a'}"
    x_adv, found, _ = load_images(tmp_path / "a")
    assert_array_equal(found, x.astype(np.float32) / np.float32(255), strict=True)
    assert_allclose(x_adv, given, atol=1e-6)


@pytest.mark.parametrize(
    ("targeted", "words"), [(False, "accuracy"), (True, "target missed")]
)
def test_the_accuracy_before_and_after(tmp_path, targeted, words):
    """Two images end just above a border; the second one's ball ends below 101."""

    def predict_proba(x):  # class 1 above 100.5 shades
        p = (x[:, 0, 0, 0] * 255 > 100.5).astype(float)
        return np.column_stack([1 - p, p])

    x, x_adv = np.full((2, 2, 2, 2, 1), 100 / 255)
    x[:, 0, 0, 0] = np.array([100.2, 99.7]) / 255
    x_adv[:, 0, 0, 0] = np.array([100.6, 100.6]) / 255
    y = np.full(2, int(targeted))
    threat = Threat("Linf", 0.95 / 255, targeted=targeted)
    nearest = SimpleNamespace(predict_proba=predict_proba)
    saved = save_images(x_adv, x, y, tmp_path / "a", threat, nearest)
    assert (saved.before.value, saved.after.value) == (0, 0.5)
    assert f"{words} {saved.before} as floats, {saved.after} in 8 bits" in str(saved)


def test_each_pieces_answers_may_share_one_work_array(rng, tmp_path):
    """The first 256 images are right, the others wrong."""
    x = rng.integers(256, size=(300, 2, 2, 1)) / 255
    y = (x[:, 0, 0, 0] > 0.5).astype(int)
    y[256:] = 1 - y[256:]

    @in_work_array
    def predict_proba(x):
        p = (x[:, 0, 0, 0] > 0.5).astype(float)
        return np.column_stack([1 - p, p])

    reusing = SimpleNamespace(predict_proba=predict_proba)
    saved = save_images(x, x, y, tmp_path / "a", Threat("Linf", 0.1), reusing)
    assert saved.before.value == saved.after.value == 256 / 300


def small(tmp_path):
    """A saved folder of three images."""
    x = np.arange(27, dtype=np.float32).reshape(3, 3, 3, 1) / 255
    save_images(x, x, np.arange(3), tmp_path / "a", Threat("Linf", 0.1))
    return tmp_path / "a"


def test_nothing_is_overwritten(tmp_path):
    folder = small(tmp_path)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(FileExistsError, match=r"^folder must be new, got .*a, which"):
        small(tmp_path)
    assert before == {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(FileExistsError, match=r"^path must be new"):
        save_gif(np.zeros((2, 1, 3, 3, 1)), folder / "000000.png")
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def test_a_classifier_that_fails_leaves_no_folder(tmp_path):
    broken = SimpleNamespace(predict_proba=lambda x: x[:, 0, 0])
    x = np.zeros((2, 3, 3, 1))
    with pytest.raises(ValueError, match=r"^predict_proba must return"):
        save_images(x, x, np.arange(2), tmp_path / "a", Threat("L2", 1), broken)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_save_leaves_nothing(tmp_path, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("attacks.saving.write_arrays", stop)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda f: (f / NAME).unlink(), FileNotFoundError, f"^folder .* {NAME}"),
        (lambda f: (f / NAME).write_bytes(b"x"), DamagedError, NAME),
        (lambda f: (f / "000001.png").unlink(), FileNotFoundError, "000001"),
        (lambda f: (f / "000001.png").write_bytes(b""), DamagedError, "000001.*checks"),
        (
            lambda f: (f / "000001.png").write_bytes((f / "000002.png").read_bytes()),
            DamagedError,
            "000001.*checksum",
        ),
    ],
)
def test_changed_and_foreign_folders_are_refused(tmp_path, change, error, message):
    change(small(tmp_path))
    with pytest.raises(error, match=message):
        load_images(tmp_path / "a")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda about, arrays: about.update(eps=-1.0), "eps must be in"),
        (lambda about, arrays: about.update(eps=1e-9), "left the threat model"),
        (lambda about, arrays: about.update(norm=3), "norm must be str"),
        (lambda about, arrays: about.pop("sha256"), "sha256 is missing"),
        (lambda about, arrays: about["sha256"].pop(), "more or fewer"),
        (lambda about, arrays: arrays.pop("x"), "'x'"),
        (lambda about, arrays: arrays.update(x=np.zeros((3, 2, 3, 1))), "8-bit image"),
        (lambda about, arrays: arrays.update(x=np.zeros((3, 3, 3, 3))), "8-bit image"),
        (lambda about, arrays: arrays.update(x=np.zeros((3, 3, 3, 4))), "with C 1"),
        (lambda about, arrays: arrays.update(x=np.zeros(3)), "with C 1"),
    ],
)
def test_a_folder_that_contradicts_itself_is_refused(tmp_path, change, message):
    """With right checksums, as if written anew."""
    path = small(tmp_path) / NAME
    arrays, about = read_arrays(path)
    if "eps" in message or "left" in message:
        arrays["x"] = arrays["x"] + np.float32(0.01)
    change(about, arrays)
    write_arrays(path, arrays, about)
    with pytest.raises(DamagedError, match=message):
        load_images(tmp_path / "a")


def test_other_formats_are_refused_before_they_are_decoded(tmp_path):
    folder = small(tmp_path)
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(folder / "000000.png", "BMP")
    arrays, about = read_arrays(folder / NAME)
    content = (folder / "000000.png").read_bytes()
    about["sha256"][0] = hashlib.sha256(content).hexdigest()
    write_arrays(folder / NAME, arrays, about)
    with pytest.raises(DamagedError, match="cannot identify image"):
        load_images(folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threat": Threat("Linf", 0.1, None)}, r"threat.bounds must be \(low, high\)"),
        ({"x_adv": np.full((2, 3, 3, 1), 0.2)}, "x_adv: 2 of 2 images left the threat"),
        ({"x": np.full((2, 3, 3, 1), 1.5)}, r"x must lie in \[0, 1\], got values"),
        ({"x": np.zeros((2, 3, 3, 4))}, "x must be images .* with C 1 .* 3, 3, 4"),
        ({"x": np.zeros((2, 9))}, "x must be images .* with C 1 .*, 9"),
        ({"folder": ""}, "folder must not be empty"),
    ],
)
def test_what_cannot_be_saved_is_named(tmp_path, arguments, message):
    x = np.zeros((2, 3, 3, 1))
    given = dict(x_adv=x, x=x, y=np.arange(2), folder=tmp_path / "a")
    given |= {"threat": Threat("Linf", 0.1)} | arguments
    with pytest.raises(ValueError, match=f"^{message}"):
        save_images(**given)
    assert not list(tmp_path.iterdir())


def test_a_trajectory_leads_from_x_to_the_result(cnn, x, y):
    gradient = model_gradient(cnn)

    def attack(gradient, x, y):
        return bim(gradient, x, y, 0.1, 0.03, 4)

    found = trajectory(gradient, attack, x, y)
    for steps in range(1, 5):
        expected = bim(gradient, x, y, 0.1, 0.03, steps)
        assert_array_equal(found[steps], expected)
    assert_array_equal(found[0], x)
    assert len(found) == 5


@pytest.mark.parametrize("bounds", [(0, 1), (-2, 2)])
def test_a_gif_shows_each_step_exactly_in_grey(rng, tmp_path, bounds):
    low, high = bounds
    k = rng.integers(256, size=(4, 3, 6, 5, 1))
    frames = low + (high - low) * (k / 255)
    save_gif(frames, tmp_path / "a.gif", bounds, scale=2, seconds=0.3)
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 4
        assert film.info["loop"] == 0
        times = []
        for t in range(4):
            film.seek(t)
            times.append(film.info["duration"])
            side_by_side = np.hstack(k[t, ..., 0])  # three images of 6 x 5
            expected = np.kron(side_by_side, np.ones((2, 2)))
            assert_array_equal(np.asarray(film.convert("L")), expected)
        assert times == [300, 300, 300, 1200]


def test_a_gif_is_four_times_as_large_and_shows_a_frame_for_two_fifths_of_a_second(
    rng, tmp_path
):
    save_gif(rng.random((2, 1, 3, 5, 1)), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as film:
        assert film.size == (4 * 5, 4 * 3)
        assert film.info["duration"] == 400


def test_a_gif_in_colour(rng, tmp_path):
    """A frame of few colours keeps them."""
    colours = rng.integers(256, size=(6, 3))
    frames = colours[rng.integers(6, size=(3, 2, 4, 4))] / 255
    save_gif(frames, tmp_path / "a.gif", scale=1)
    with Image.open(tmp_path / "a.gif") as film:
        film.seek(2)
        found = np.asarray(film.convert("RGB"))
    assert_array_equal(found, np.rint(255 * np.hstack(frames[2])))
