"""Every public function refuses a wrong value of each argument, and names the argument.

GOOD holds what parameters of a name take, BAD what they refuse; a call gets one bad
argument among good ones. The texts are tested where `minidl.checks` makes them. No
function of the user's is called before all arguments have been looked at.
"""

import inspect
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest

import attacks
import ensembles
import minidl
from attacks import Suite, Threat
from ensembles import Committee, Ensemble, random_init
from minidl import Adam, ReLU, kernels
from tests.attacks.conftest import new_cnn

N, K = 8, 4
RNG = np.random.default_rng(3)
MODEL = new_cnn(np.random.default_rng(0))
OTHER = new_cnn(np.random.default_rng(0))
X = np.random.default_rng(1).random((N, 6, 6, 2))
Y = MODEL.predict(X)
Z = np.random.default_rng(2).random((N, K))
DIGITS = np.zeros((6, 28, 28, 1))
GREY = X[..., :1]
TORCH_AXES = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}
STATE = {
    f"{i}": p.data.transpose(TORCH_AXES[p.data.ndim])
    for i, p in enumerate(OTHER.params)
}
[JOB] = random_init(1, 0, "mnist-sample")
THREAT = Threat("Linf", 0.1)


def never(*arguments):
    pytest.fail("work began")


class Tensor:
    """Another library's: like an array, but not an array."""

    shape, dtype, ndim, device = X.shape, X.dtype, 4, "cpu"

    def __len__(self):
        return N


def words(text):
    return text.split()


def each(names, value):
    return dict.fromkeys(words(names), value)


FUNCTIONS = """attack forward gradient initializer logits loss make_suite predict
    predict_proba vjp defence backward make_loss"""
SQUARE, WINDOWS, POOLED = np.ones((4, 4)), np.ones((2, 3, 3, 3)), np.ones((N, 2, 2, 9))
GOOD: dict[str, Any] = {  # by a parameter's name, or by a function's and its own
    **each(FUNCTIONS, never),
    **dict(x=X, x_adv=X, y=Y, target=Y, z=Z, rng=RNG, seed=0, data=X),
    **dict(eps=0.1, alpha=0.05, steps=3, norm="Linf", bounds=(0, 1), threat=THREAT),
    **dict(draws=2),
    **dict(model=MODEL, classifier=MODEL, members=[MODEL], i=0, findings=[]),
    **dict(sources={"a": never}, victims={"m": MODEL}, attacks={"a": never}),
    **dict(batch_size=3, epochs=1, lr=0.1, momentum=0.5, rate=0.5, folder="never"),
    **dict(params=MODEL.params, optimizer=Adam(MODEL.params), path="never"),
    **dict(layers=[ReLU()], input_shape=(6,), shape=(3, 4), mean=0.5, std=0.5),
    **dict(in_channels=3, filters=3, in_features=3, out_features=3, device="cpu"),
    **dict(kernel_size=3, stride=2, pad=0, size=2, x_shape=(2, 6, 6, 3), name="auto"),
    **dict(W=np.ones((3, 3, 2, 9)), col=np.ones((2 * 4 * 4, 27)), b=np.ones(9)),
    **dict(dout=WINDOWS, argmax=np.zeros(WINDOWS.shape, np.uint8)),
    **each("a out p g u v m", SQUARE),
    **dict(rates=(0.1, 0.1), step=0.1, correction=1.0),
    **dict(job=JOB, jobs=[JOB], dataset="mnist-sample", sigma=0.1),
    **dict(levels=4, temperature=2, q=np.full((N, K), 1 / K)),
    **dict(method="bagging", index=0, architecture="mnist-cnn"),
    **dict(state=STATE, frames=GREY[None], scale=2, seconds=0.1),
    "minidl.load_torch_state model": OTHER,
    "attacks.save_images x_adv": GREY,
    "attacks.save_images x": GREY,
    "attacks.accuracy_curve eps": [0.1],
    "ensembles.adp z": np.stack([Z, Z + 1, -Z]),
    "committee": Committee([MODEL]),
    "ensembles.materialise x": DIGITS,
    "ensembles.materialise y": np.zeros(6, int),
    **{
        f"ensembles.{method.__name__} members": 2
        for method in (*ensembles.METHODS.values(), *ensembles.CHAIN_METHODS.values())
    },
    "minidl.squared_error out": X,
    "minidl.squared_error target": X,
    "minidl.kernels.conv2d_grads dout": POOLED,
    "minidl.kernels.conv2d_block_grads dout": POOLED,
    "minidl.kernels.bias_relu b": np.ones(4),
    "minidl.kernels.matmul b": SQUARE,
    "minidl.kernels.sign_step g": X,
    "minidl.kernels.relu_grad dout": SQUARE,
}

HALF, LOST, EMPTY = X.astype(np.float16), X * np.nan, X[:0]
UNLIKE = X[0], X[:1], X.astype(str)
NO_ARRAYS = [None, X.tolist(), np.ma.masked_array(X, X > 0.5), Tensor(), 0.5, "x"]
NO_FLOATS = [*NO_ARRAYS, X.astype(np.int64), X.astype(complex), X.astype(object), HALF]
LABELS = [
    *(None, Y.tolist(), np.ma.masked_array(Y), Y[:, None], Y[:1], Y[:-1], Y - K),
    *(Y.astype(float), Y.astype(bool), np.eye(K)[Y]),
]
SEQUENCE, ONES, HUGE, ARRAY = [0.1], np.ones(2), 10**400, np.array(0.1)
NO_NUMBERS = [None, "0.1", True, np.nan, Decimal("0.1"), 0.1j, SEQUENCE, ONES]
BELOW_0 = [*NO_NUMBERS, -0.1, HUGE]
UP_TO_0 = [*BELOW_0, 0, np.inf]
UP_TO_1 = [*BELOW_0, 1]
NO_PARTS = [*BELOW_0, 0, 1.1]
NO_INTEGERS = [None, "3", True, 2.0, -1, np.float32(2), [2]]
NO_COUNTS = [*NO_INTEGERS, 0]
NO_FUNCTIONS = [None, 0.5, MODEL, X, "loss"]
NO_MODELS = [None, never, X, Ensemble([MODEL])]
NO_MEMBERS = [None, [], [None], MODEL, [MODEL, never]]
NO_GENERATORS = [0, "seed", np.random, np.random.RandomState(0)]
STRANGERS = [Adam(OTHER.params), Adam([])]
NO_PATHS = [3, b"x", ["a"]]
NO_NAMES = [None, "other", 3, ["auto"]]
BAD: dict[str, list[Any]] = {
    **each(f"{FUNCTIONS} growth perturb", NO_FUNCTIONS),
    **each("steps searches restarts queries rounds epochs batch_size", NO_COUNTS),
    **each("workers size stride draws targets samples tries together", NO_COUNTS),
    **each("in_channels filters in_features out_features train_images", NO_COUNTS),
    **each("attempts scale", NO_COUNTS),
    **each("seed pad index", NO_INTEGERS),
    **each("c lr step temperature", UP_TO_0),
    **each("mu kappa overshoot weight_decay beta", [*BELOW_0, np.inf]),
    **each("gamma area", NO_PARTS),
    **each("momentum rho beta1 beta2 rate", UP_TO_1),
    **each("W a b col data dout g m out p v dW db relu_out u", NO_FLOATS),
    **each("y target", LABELS),
    **each("device name algorithm schedule", NO_NAMES),
    **each("correction factor", NO_NUMBERS),
    "x": [*NO_ARRAYS, EMPTY, HALF, LOST, X.astype(complex)],
    "x_adv": [*NO_ARRAYS, *UNLIKE],
    "z": [*NO_ARRAYS, Z[0], Z[None], Z.astype(int), Z[:0]],
    "levels": [*NO_COUNTS, 1],
    "q": [*NO_FLOATS, Z, Z[0], np.full((N, K), 0.5), np.full((N, 1), 1.0)],
    "eps": [*BELOW_0, np.inf, 8, ARRAY, []],
    "alpha": [*UP_TO_0, 0.2],
    "norm": ["linf", "l2", 2, np.inf, None, ["L2"], np.ones(2)],
    "bounds": [(1, 0), (0, 0), (0,), (0, 1, 2), 1, "01", ("0", "1"), (0, np.nan)],
    "rng": NO_GENERATORS,
    "model": NO_MODELS,
    "committee": [*NO_MODELS, MODEL, [MODEL]],
    "classifier": [None, np.argmax, [1], "network"],
    "members": [*NO_MEMBERS, Ensemble([MODEL])],
    "i": [-1, 1, 0.0, "0", None, True],
    "weights": [["a"], [-1], [1, 1], "a", 1, [None]],
    "threat": [None, 0.1, "Linf"],
    "targeted": [None, 1, "yes"],
    "make_suite": [None, Suite(MODEL, {"a": never}), MODEL, 3],
    "executor": [2, "threads", max, object()],
    "folder": [*NO_PATHS, ""],
    "sources": [None, {}, {1: never}, {"a": None}, [never], never],
    "victims": [None, {}, {1: MODEL}, {"a": never}, [MODEL], MODEL],
    "findings": [None, [None], 3, ["wrong"]],
    "theta": [None, "1", 0, np.nan, np.inf, True],
    "stop_above": [None, "0", np.nan, True],
    "params": [None, 3, [X], [None], [*MODEL.params, MODEL.params[0]]],
    "optimizer": [None, Adam, "adam", *STRANGERS],
    "path": [],
    "state": [None, [], {}, X, MODEL, {**STATE, "0": X}, {**STATE, "6": X}],
    "frames": [*NO_ARRAYS, EMPTY, HALF, LOST, X, GREY, GREY[None] * 2, X[None]],
    "seconds": [*NO_NUMBERS, 0, 61, np.inf],
    "config": [3, "a", [1]],
    "callbacks": [None, 3, [None], [3], never, "print"],
    "layers": [None, [], [None], ReLU(), ReLU, [ReLU, ReLU()], [MODEL, MODEL], 3],
    "input_shape": [None, 6, (0,), (-6,), (6.0,), ("6",)],
    "shape": [None, 3, (3,), (3, 4, 5), [3, 4]],
    "mean": [None, "0.5", np.nan, [np.inf], ["a"], [[0.5]], []],
    "std": [None, "0.5", np.nan, [np.inf], ["a"], [[0.5]], [], 0, -0.5, [0.5, 0]],
    "kernel_size": [None, 0, 2.0, (3,), (3, 3, 3), (3, 0), "3", [3, 3]],
    "x_shape": [None, 6, (6, 6, 3), (-2, 6, 6, 3), (2, 6, 6, 0), (2.0, 6, 6, 3)],
    "argmax": [*NO_FLOATS, np.full(WINDOWS.shape, 4, np.uint8)],
    "jobs": [None, [], [None], JOB, 3],
    "job": [None, 3, [JOB], {}],
    "dataset": [*NO_NAMES, "svhn"],
    "method": [*NO_NAMES, "stacking"],
    "earlier": [None, 3, [(MODEL, 1.0)]],
    "after": [3, [JOB], {}, JOB],
    "architecture": [*NO_NAMES[1:], "cifar10-cnn", "mnist-cnn/10"],
    "sigma": [*BELOW_0, 1.5, np.inf],
}
TAKE_IMAGES = words("""im2col conv2d conv2d_pool conv2d_grads conv2d_block
    conv2d_block_grads max_pool dropout_mask sign_step""")
THREATS = ("alpha", "eps", "bounds")
FINE: dict[str, list[Any]] = {  # what one function takes, and others don't
    "attacks.accuracy_curve eps": [SEQUENCE, ONES],
    "attacks.clip_to_ball eps": [8],
    "attacks.clip_to_ball x": [EMPTY, HALF, LOST],  # x_adv then has the wrong shape
    "attacks.clip_to_bounds x_adv": [*UNLIKE],
    "attacks.diagnose attack": [None],
    **{f"attacks.{kind}_perturb alpha": [0.2] for kind in ("fgsm", "pgd")},
    "attacks.Adversarial alpha": [0.2],
    "attacks.Adversarial growth": [0.5],
    "attacks.growing optimizer": STRANGERS,
    "ensembles.adp alpha": [0, 0.2],
    "attacks.distance x": [EMPTY, HALF, LOST],
    "attacks.input_gradient x": [LOST],  # NaN has a gradient of NaN
    **{f"minidl.{kind} eps": [8, ARRAY] for kind in ("Adadelta", "Adam", "RMSprop")},
    "minidl.SGD momentum": [1],
    "Sequential.forward x": [LOST],
    "Sequential.predict_proba x": [LOST],
    "Sequential.predict x": [LOST],  # refused by what it makes of the logits
    "minidl.trace x": [LOST],
    "minidl.train callbacks": [never],
    "ensembles.train_together callbacks": [never],
    **{f"minidl.{way}_checkpoint optimizer": STRANGERS for way in ("save", "load")},
    # Kernels compute with any numbers, and with no images.
    **{f"minidl.kernels.{kernel} x": [EMPTY, LOST] for kernel in TAKE_IMAGES},
    "minidl.im2col x": [EMPTY, LOST],
    "minidl.kernels.conv2d_grads argmax": [None],
    "minidl.kernels.conv2d_block_grads argmax": [None],
    # An attack checks its own numbers before its first step.
    **{f"minidl.kernels.sign_step {name}": BAD[name] for name in THREATS},
    "minidl.kernels.sgd_step lr": [-0.1, 0],
    "minidl.kernels.sgd_step momentum": [-0.1, 1],
    "minidl.kernels.adam_step step": [-0.1, 0],
    "minidl.kernels.adam_step eps": [-0.1, 8],
}
# They take anything, or have no arguments; types; what files' own tests ask.
OTHERS = words("""minidl.get_array_module minidl.to_numpy minidl.to_device minidl.Array
    minidl.Flatten minidl.Layer minidl.ReLU minidl.Softmax minidl.TraceStep
    minidl.kernels.output_size minidl.kernels.use minidl.kernels.warm_up
    attacks.GradientFn attacks.LossFn attacks.Counter attacks.Suite
    attacks.adversarial_images ensembles.METHODS ensembles.CHAIN_METHODS""")
# Good calls train for a while, or read and write files.
AT_WORK = words("""ensembles.train_ensemble ensembles.train_together minidl.train
    minidl.load_checkpoint minidl.save_checkpoint
    attacks.save_images attacks.save_gif attacks.load_images""")
ANY_TRUTH = words("""channels_last relu relu_logits after_relu param_grads input_grad
    pool keep rates""")


def entries() -> dict[str, Any]:
    """Return all public functions by name, and those of networks and losses."""
    named = {
        f"{room.__name__}.{name}": getattr(room, name)
        for room in (minidl, kernels, attacks, ensembles)
        for name in room.__all__
    }
    for name in ("conv2d_grads", "conv2d_block_grads"):
        named[f"minidl.kernels.{name}"] = partial(
            getattr(kernels, name), argmax=np.zeros(POOLED.shape, np.uint8)
        )
    named["minidl.trace"] = lambda model, x, y=None: list(minidl.trace(model, x, y))
    for name in ("forward", "predict", "predict_proba"):
        named[f"Sequential.{name}"] = getattr(MODEL, name)
    return {name: entry for name, entry in named.items() if name not in OTHERS}


def parameters(entry):
    found = inspect.signature(entry).parameters.values()
    return [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def good_call(good, name, entry):
    """Return what a function's parameters without a default take."""
    needed = [p.name for p in parameters(entry) if p.default is p.empty]
    return {p: good.get(f"{name} {p}", good[p]) for p in needed}


def cases():
    for name, entry in entries().items():
        for p in parameters(entry):
            if p.name in ANY_TRUTH:
                continue
            fine = [p.default, *FINE.get(f"{name} {p.name}", [])]
            bad = [v for v in BAD[p.name] if not any(v is taken for taken in fine)]
            for i, value in enumerate(bad):
                yield pytest.param(name, p.name, value, id=f"{name}-{p.name}-{i}")


@pytest.mark.parametrize(("name", "parameter", "value"), list(cases()))
def test_a_wrong_value_is_refused_by_name(name, parameter, value):
    entry = entries()[name]
    named = rf"\b{parameter.removesuffix('s')}s*\b"  # of sources, one may be named
    with pytest.raises((TypeError, ValueError), match=named):
        entry(**good_call(GOOD, name, entry) | {parameter: value})


def test_good_calls_are_accepted():
    """A good call returns, or reaches the first call of a user's function."""
    for name, entry in entries().items():
        if name not in AT_WORK:
            with suppress(pytest.fail.Exception):
                entry(**good_call(GOOD, name, entry))


@pytest.mark.parametrize("number", [Fraction(1, 8), np.float32(0.125), np.int64(1), 1])
def test_numbers_are_converted_to_pythons(number):
    threat = Threat("Linf", number, (0, number))
    assert type(threat.eps) is float
    assert type(threat.bounds[1]) is float
    assert threat == Threat("Linf", float(number), (0.0, float(number)))


@pytest.mark.parametrize("number", [Fraction(1, 8), np.float64(0.125)])
@pytest.mark.parametrize("name", ["fgsm", "bim", "mi_fgsm", "pgd", "apgd", "square"])
def test_the_type_of_a_number_changes_no_bit(name, number):
    model = new_cnn(np.random.default_rng(0), np.float32)
    attack = getattr(attacks, name)
    functions = {
        "gradient": attacks.model_gradient(model),
        "loss": attacks.model_loss(model),
        "predict_proba": model.predict_proba,
    }

    def run(eps):
        given = GOOD | functions | {"x": X.astype(np.float32), "eps": eps}
        given |= {"alpha": eps / 2, "rng": np.random.default_rng(0)}
        queries = {"queries": 20} if name == "square" else {}
        return attack(**good_call(given, name, attack), **queries)

    np.testing.assert_array_equal(run(number), run(0.125), strict=True)
