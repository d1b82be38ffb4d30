"""Every public function and every argument: what makes no sense is refused by name.

Nothing is asked, and no attack begins, before all arguments have been looked at.
"""

import inspect
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import attacks
from attacks import Suite, Threat
from ensembles import Ensemble
from tests.attacks.conftest import new_cnn

N, K = 8, 4
MODEL = new_cnn(np.random.default_rng(0))
X = np.random.default_rng(1).random((N, 6, 6, 2))
Y = MODEL.predict(X)
Z = np.random.default_rng(2).random((N, K))
RNG = np.random.default_rng(3)
THREAT = Threat("Linf", 0.1)


def never(*arguments):
    pytest.fail("work began")


class Tensor:
    """As another library's: it has what an array has, and isn't one."""

    shape, dtype, ndim, device = X.shape, X.dtype, 4, "cpu"

    def __len__(self):
        return N


IMAGES = {"x": X, "y": Y}
ALONG = {"gradient": never, **IMAGES, "eps": 0.1}
UP = {"loss": never, **IMAGES}
BACK = {"logits": never, "vjp": never, "x": X}
WORK = {**IMAGES, "threat": THREAT, "batch_size": 3, "seed": 0}
CALLS = {
    "accuracy_curve": {"make_suite": never, **WORK, "eps": [0.1], "executor": None},
    "apgd": {**UP, "eps": 0.1, "steps": 3, "rng": RNG},
    "bim": {**ALONG, "alpha": 0.05, "steps": 3},
    "carlini_wagner": UP,
    "clip_to_ball": {"x_adv": X, "x": X, "eps": 0.1},
    "clip_to_bounds": {"x_adv": X, "bounds": (0, 1)},
    "cross_entropy": {"z": Z, "y": Y},
    "deepfool": {**BACK, "y": Y},
    "diagnose": {"predict_proba": never, **ALONG, "attack": never},
    "distance": {"x_adv": X, "x": X, "norm": "L2"},
    "dlr": {"z": Z, "y": Y},
    "ensemble_loss": {"members": [MODEL], "weights": [1]},
    "evaluate": {"make_suite": never, **WORK, "executor": None},
    "fgsm": ALONG,
    "input_gradient": {"model": MODEL, **IMAGES},
    "jsma": {**BACK, "target": Y},
    "lbfgs": {"loss": never, "predict": never, "x": X, "target": Y},
    "log_mean_probability": {"members": [MODEL], "weights": [1]},
    "logits_of": {"forward": never},
    "loss_of": {"forward": never},
    "margin": {"z": Z, "y": Y},
    "margin_gradient": {"members": [MODEL]},
    "mean_logit_gradient": {"members": [MODEL]},
    "mean_logits": {"members": [MODEL]},
    "mean_probability_gradient": {"members": [MODEL]},
    "mean_probability_loss": {"members": [MODEL]},
    "member_gradient": {"members": [MODEL], "i": 0},
    "mi_fgsm": {**ALONG, "alpha": 0.05, "steps": 3},
    "model_gradient": {"model": MODEL, "loss": never},
    "model_loss": {"model": MODEL, "loss": never},
    "network": {"model": MODEL},
    "normalized_gradient": {"members": [MODEL]},
    "pgd": {**UP, "eps": 0.1, "alpha": 0.05, "steps": 3, "rng": RNG},
    "report": {"findings": []},
    "square": {"predict_proba": never, **IMAGES, "eps": 0.1, "rng": RNG},
    "steps_to_success": {
        "predict": never,
        "gradient": never,
        "attack": never,
        **IMAGES,
    },
    "sum_gradient": {"members": [MODEL]},
    "targeted": {"loss": never},
    "targeted_dlr": {"z": Z, "y": Y},
    "train_substitute": {"predict": never, "model": MODEL, "x": X, "rng": RNG},
    "transfer_matrix": {"sources": {"a": never}, "victims": {"m": MODEL}, **WORK},
    "vjp_of": {"forward": never},
    "within": {"attack": never, "threat": THREAT},
    "Threat": {"norm": "Linf", "eps": 0.1, "bounds": (0, 1), "targeted": False},
}
# Without arguments, types, or read from files, whose tests are those of `saved`.
OTHERS = {"Counter", "Suite", "GradientFn", "LossFn", "adversarial_images"}

HALF, LOST, EMPTY = X.astype(np.float16), X * np.nan, X[:0]
UNLIKE = X[0], X[:1], X.astype(str)
ARRAYS = [None, X.tolist(), np.ma.masked_array(X, X > 0.5), Tensor(), 0.5, "x"]
LABELS = [
    None,
    Y.tolist(),
    np.ma.masked_array(Y),
    Y[:, None],
    Y[:1],
    Y[:-1],
    Y - K,
    Y.astype(float),
    Y.astype(bool),
    np.eye(K)[Y],
]
SEQUENCE, ONES, HUGE = [0.1], np.ones(2), 10**400
NUMBERS = [None, "0.1", True, -0.1, np.nan, Decimal("0.1"), 0.1j, SEQUENCE, ONES, HUGE]
ABOVE_0, PARTS = [*NUMBERS, 0, np.inf], [*NUMBERS, 0, 1.1]
COUNTS = [None, "3", True, 2.0, 0, -1, np.float32(2), [2]]
BOUNDS = [(1, 0), (0, 0), (0,), (0, 1, 2), 1, "01", ("0", "1"), (0, np.nan)]
FUNCTIONS = [None, 0.5, MODEL, X, "loss"]
MEMBERS = [None, [], [None], Ensemble([MODEL]), MODEL, [MODEL, never]]
BAD = {
    "x": [*ARRAYS, EMPTY, HALF, LOST, X.astype(complex)],
    "x_adv": [*ARRAYS, *UNLIKE],
    "z": [*ARRAYS, Z[0], Z[None], Z.astype(int), Z[:0]],
    "y": LABELS,
    "target": LABELS,
    "eps": [*NUMBERS, np.inf, 8, np.array(0.1)],
    "alpha": [*NUMBERS, np.inf, 0, 0.2],
    "norm": ["linf", "l2", 2, np.inf, None, ["L2"], np.ones(2)],
    "bounds": BOUNDS,
    "rng": [0, "seed", np.random, np.random.RandomState(0)],
    "model": [None, never, X, Ensemble([MODEL])],
    "members": MEMBERS,
    "i": [-1, 1, 0.0, "0", None, True],
    "weights": [["a"], [-1], [1, 1], "a", 1, [None]],
    "threat": [None, 0.1, "Linf"],
    "seed": [None, -1, 1.0, "0", RNG],
    "targeted": [None, 1, "yes"],
    "make_suite": [None, Suite(MODEL, {"a": never}), MODEL, 3],
    "executor": [2, "threads", max, object()],
    "folder": [3, "", b"x", ["a"]],
    "sources": [None, {}, {1: never}, {"a": None}, [never], never],
    "victims": [None, {}, {1: MODEL}, {"a": never}, [MODEL], MODEL],
    "findings": [None, [None], 3, ["wrong"]],
    "theta": [None, "1", 0, np.nan, np.inf, True],
    "stop_above": [None, "0", np.nan, True],
    "overshoot": [*NUMBERS, np.inf],
    "mu": [*NUMBERS, np.inf],
    "kappa": [*NUMBERS, np.inf],
    **dict.fromkeys(("c", "lr", "step"), ABOVE_0),
    **dict.fromkeys(("gamma", "area"), PARTS),
    **dict.fromkeys(("steps", "searches", "restarts", "queries", "rounds"), COUNTS),
    **dict.fromkeys(("epochs", "batch_size"), COUNTS),
    **dict.fromkeys(("gradient", "logits", "vjp", "predict"), FUNCTIONS),
    **dict.fromkeys(("predict_proba", "loss", "attack", "forward"), FUNCTIONS),
}
FINE = {  # what one function takes, and others don't
    ("accuracy_curve", "eps"): [SEQUENCE, ONES],
    ("diagnose", "attack"): [None],
    ("clip_to_ball", "eps"): [8],
    ("clip_to_bounds", "x_adv"): UNLIKE,
    ("clip_to_ball", "x"): [EMPTY, HALF, LOST],  # the shape of x_adv is then wrong
    ("distance", "x"): [EMPTY, HALF, LOST],
    ("input_gradient", "x"): [LOST],  # NaN has a gradient of NaN
}


def cases():
    for name in CALLS:
        for parameter in inspect.signature(getattr(attacks, name)).parameters:
            fine = [id(value) for value in FINE.get((name, parameter), [])]
            bad = [value for value in BAD[parameter] if id(value) not in fine]
            for i, value in enumerate(bad):
                yield pytest.param(name, parameter, value, id=f"{name}-{parameter}-{i}")


def test_every_public_name_is_here():
    assert {*CALLS} | OTHERS == {*attacks.__all__}


@pytest.mark.parametrize(("name", "parameter", "value"), list(cases()))
def test_what_makes_no_sense_is_refused_by_name(name, parameter, value):
    named = rf"\b{parameter.removesuffix('s')}s*\b"  # of sources, one may be named
    with pytest.raises((TypeError, ValueError), match=named):
        getattr(attacks, name)(**CALLS[name] | {parameter: value})


@pytest.mark.parametrize("number", [Fraction(1, 8), np.float32(0.125), np.int64(1), 1])
def test_real_numbers_are_pythons_own_inside(number):
    threat = Threat("Linf", number, (0, number))
    assert type(threat.eps) is float
    assert type(threat.bounds[1]) is float
    assert threat == Threat("Linf", float(number), (0.0, float(number)))


@pytest.mark.parametrize("number", [Fraction(1, 8), np.float64(0.125)])
@pytest.mark.parametrize("name", ["fgsm", "bim", "mi_fgsm", "pgd", "apgd", "square"])
def test_a_numbers_type_changes_no_bit(name, number):
    x = X.astype(np.float32)
    model = new_cnn(np.random.default_rng(0), np.float32)
    functions = {
        "gradient": attacks.model_gradient(model),
        "loss": attacks.model_loss(model),
        "predict_proba": model.predict_proba,
    }
    first = next(iter(CALLS[name]))
    settings = {**CALLS[name], first: functions[first], "x": x} | (
        {"queries": 20} if name == "square" else {}
    )
    attack = getattr(attacks, name)

    def run(eps):
        alpha = {"alpha": eps / 2} if "alpha" in settings else {}
        rng = {"rng": np.random.default_rng(0)} if "rng" in settings else {}
        return attack(**settings | {"eps": eps} | alpha | rng)

    np.testing.assert_array_equal(run(number), run(0.125), strict=True)
