"""The parts of a training step: their work, counted by hand, and their bounds."""

import pytest

from minidl import Conv2D, Dropout, Flatten, Linear, MaxPool2D, ReLU, Sequential
from tests.benchmarks import parts, problems, state
from tests.benchmarks.cli import Options
from tests.benchmarks.parts import LOSS, STEP, moved_per_image
from tests.oracles import same_bits

N = 3  # images
SPEEDS = {"sgemm_gflop_per_s": 100.0, "triad_gb_per_s": 10.0, "load_average": 0.0}


def small(rng):
    """A network with one layer of each kind, in which Winograd's algorithm pays."""
    layers = [
        *(Conv2D(1, 8, rng=rng), ReLU(), Conv2D(8, 16, rng=rng), ReLU(), MaxPool2D(2)),
        *(Flatten(), Dropout(0.5), Linear(64, 10, rng=rng)),
    ]
    return Sequential(layers, (8, 8, 1))


# Of one image: 8x8 pixels; 6x6 places of 8 channels; 4x4 of 16, pooled to 2x2 of 16.
X, HIDDEN, OUT, LOGITS = 8 * 8, 6 * 6 * 8, 2 * 2 * 16, 10
W1, W2, W3 = 9 * 8 + 8, 9 * 8 * 16 + 16, 64 * 10 + 10  # with biases
DIRECT, WINOGRAD = 9 * 8 * 36, 36 * 8 * 16  # multiplications: a single tile
EXPECTED = {  # float32 numbers of the batch, of the parameters; multiplications
    "0 Conv2D(1, 8, 3x3), ReLU(), forward": (X + HIDDEN, W1, DIRECT),
    # With the places of the maxima, of one byte each.
    "1 Conv2D(8, 16, 3x3), ReLU(), MaxPool2D(2x2), forward": (
        *(HIDDEN + OUT + OUT / 4, W2, WINOGRAD),
    ),
    "2 Flatten(), forward": (0, 0, 0),
    "3 Dropout(0.5), forward": (3 * OUT, 0, 0),  # with its mask
    "4 Linear(64, 10), forward": (OUT + LOGITS, W3, 64 * 10),
    "4 Linear(64, 10), backward": (2 * OUT + LOGITS, 2 * W3, 2 * 64 * 10),
    "3 Dropout(0.5), backward": (3 * OUT, 0, 0),
    "2 Flatten(), backward": (0, 0, 0),
    # dout, out for the derivative of ReLU, places of maxima, x, dx.
    "1 Conv2D(8, 16, 3x3), ReLU(), MaxPool2D(2x2), backward": (
        *(2 * OUT + OUT / 4 + 2 * HIDDEN, 2 * W2, 2 * WINOGRAD),
    ),
    # dout comes through ReLU already; no dx.
    "0 Conv2D(1, 8, 3x3), ReLU(), backward": (X + HIDDEN, 2 * W1, DIRECT),
    "optimizer": (0, 7 * (W1 + W2 + W3), 0),  # p, m and v in and out, g in
    LOSS: (2 * LOGITS, 0, 0),
}


@pytest.fixture
def measured(monkeypatch):
    """One round with the small network."""
    monkeypatch.setitem(problems.NETWORKS, "small", small)
    monkeypatch.setattr(state, "measure", lambda threads: SPEEDS)
    return parts.measure("small", Options(rounds=2, batch=N, cores=(0,)))


def test_the_work_of_each_part_is_that_counted_by_hand(measured):
    found = measured["parts"]
    assert [*found] == [*EXPECTED, STEP]
    for part, (numbers, learned, multiplications) in EXPECTED.items():
        assert found[part]["mb"] == pytest.approx(4 * (N * numbers + learned) / 1e6)
        assert found[part]["gflop"] == pytest.approx(2 * N * multiplications / 1e9)


def test_bounds_and_shares_follow_from_the_speeds(measured):
    *found, whole = measured["parts"].values()
    for part in (*found, whole):
        bound = 1e3 * (part["gflop"] / 100 + part["mb"] / 1e3 / 10)
        assert part["bound_ms"] == pytest.approx(bound)
        assert part["share"] == pytest.approx(part["ms"] / whole["ms"])
        if bound:
            assert part["times_bound"] == pytest.approx(part["ms"] / bound)
        else:
            assert part["times_bound"] is None
    for figure in ("ms", "mb", "gflop", "bound_ms", "share"):
        assert sum(part[figure] for part in found) == pytest.approx(whole[figure])


def test_the_first_step_is_not_counted():
    row = parts.row([9.0, 0.001, 0.003], (0, 0), SPEEDS)
    assert row["ms"] == pytest.approx(2)


def test_bytes_of_an_image_are_those_of_its_parts(measured, monkeypatch):
    monkeypatch.setitem(problems.NETWORKS, "small", small)
    moved = sum(p["mb"] for name, p in measured["parts"].items() if name in EXPECTED)
    loss = measured["parts"][LOSS]["mb"]
    assert moved_per_image("small", N) == pytest.approx(1e6 * (moved - loss) / N)


def test_a_watched_network_computes_the_same(monkeypatch):
    monkeypatch.setitem(problems.NETWORKS, "small", small)
    x, y = problems.synthetic_batch("small", N)
    plain, watched = (parts.Trainer(problems.build("small")) for _ in range(2))
    parts.watch(watched)
    for trainer in (plain, watched):
        trainer.step(x, y)
    assert same_bits(plain.model.params, watched.model.params)
