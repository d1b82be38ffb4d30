"""Each optimizer against its published rule, written out for single numbers."""

import math
import warnings

import numpy as np
import pytest

from minidl import SGD, Adadelta, Adam, Linear, Parameter, RMSprop
from minidl.optimizers import OPTIMIZERS, Optimizer

GRADIENTS = [0.5, -2.0, 0.25, 3.0, 0.0, -0.125]


def sgd(gs, lr, momentum=0.0):
    v = 0.0
    for g in gs:
        v = momentum * v + g
        yield lr * v


def adam(gs, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    m = v = 0.0
    for t, g in enumerate(gs, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        yield lr * m_hat / (math.sqrt(v_hat) + eps)


def rmsprop(gs, lr=1e-3, rho=0.9, eps=1e-8):
    s = 0.0
    for g in gs:
        s = rho * s + (1 - rho) * g**2
        yield lr * g / (math.sqrt(s) + eps)


def adadelta(gs, lr=1.0, rho=0.95, eps=1e-6):
    s = u = 0.0
    for g in gs:
        s = rho * s + (1 - rho) * g**2
        step = math.sqrt(u + eps) / math.sqrt(s + eps) * g
        u = rho * u + (1 - rho) * step**2
        yield lr * step


RULES = [
    (SGD, sgd, {"lr": 0.1}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (SGD, sgd, {"lr": 0.1, "momentum": 1}),
    (Adam, adam, {}),
    (Adam, adam, {"lr": 0.1, "beta1": 0.5, "beta2": 0.75, "eps": 0.1}),
    (Adam, adam, {"beta1": 0, "beta2": 0}),
    (RMSprop, rmsprop, {}),
    (RMSprop, rmsprop, {"lr": 0.1, "rho": 0.5, "eps": 0.1}),
    (Adadelta, adadelta, {}),
    (Adadelta, adadelta, {"lr": 0.5, "rho": 0.5, "eps": 0.1}),
]
OPTIONS = {SGD: {"lr": 0.1}, Adam: {}, RMSprop: {}, Adadelta: {}}


@pytest.fixture(params=OPTIONS)
def kind(request):
    return request.param


def parameter(*values, dtype=np.float64):
    return Parameter(np.array(values, dtype))


@pytest.mark.parametrize(("kind", "rule", "options"), RULES)
def test_steps_are_the_published_rule(kind, rule, options):
    p = parameter(10.0)
    optimizer, expected = kind([p], **options), 10.0
    for g, step in zip(GRADIENTS, rule(GRADIENTS, **options), strict=True):
        p.grad[:] = g
        optimizer.step()
        expected -= step
        assert p.data[0] == pytest.approx(expected, rel=1e-13)


def test_elements_and_parameters_do_not_mix(kind):
    together = [parameter(1.0, 2.0), parameter(3.0)]
    alone = [parameter(1.0), parameter(2.0), parameter(3.0)]
    optimizers = [kind(together, **OPTIONS[kind])]
    optimizers += [kind([p], **OPTIONS[kind]) for p in alone]
    for g in GRADIENTS:
        together[0].grad[:] = g, 2 * g
        together[1].grad[:] = -g
        for p, factor in zip(alone, (1, 2, -1), strict=True):
            p.grad[:] = factor * g
        for optimizer in optimizers:
            optimizer.step()
    assert [*together[0].data, *together[1].data] == [p.data[0] for p in alone]


def test_a_parameter_moves_in_place_and_its_gradient_stays(kind):
    p = parameter(1.0, 2.0)
    data, grad = p.data, p.grad
    optimizer = kind([p], **OPTIONS[kind])
    p.grad[:] = 1, -1
    optimizer.step()
    assert p.data is data
    assert p.grad is grad
    assert p.grad.tolist() == [1, -1]
    assert p.data[0] < 1
    assert p.data[1] > 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(kind, dtype):
    p = parameter(1.0, 2.0, dtype=dtype)
    optimizer = kind([p], **OPTIONS[kind])
    p.grad[:] = 1, -1
    optimizer.step()
    assert p.data.dtype == dtype
    averages = {name: a for name, a in optimizer.state.items() if name != "t"}
    assert {a.dtype for a in averages.values()} == {np.dtype(dtype)}


def test_a_zero_gradient_moves_nothing(kind):
    p = parameter(1.0, 2.0)
    optimizer = kind([p], **OPTIONS[kind])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 0 / 0 is what eps is for
        optimizer.step()
    assert p.data.tolist() == [1, 2]


def test_a_parabola_is_minimised(kind):
    p = parameter(1.0)
    optimizer = kind([p], lr=10 if kind is Adadelta else 0.05)
    for _ in range(300):
        p.grad[:] = 2 * p.data
        optimizer.step()
    assert abs(p.data[0]) < 0.1


SLOTS = {SGD: ["v"], Adam: ["m", "v"], RMSprop: ["s"], Adadelta: ["s", "u"]}


def test_the_state_names_each_average_and_the_time(kind):
    optimizer = kind([parameter(1.0), parameter(2.0, 3.0)], **OPTIONS[kind])
    names = {f"{slot}.{i}" for slot in SLOTS[kind] for i in (0, 1)}
    assert optimizer.state.keys() == {"t", *names}
    assert optimizer.state["t"] == 0
    for name in names:
        expected = [0] if name.endswith("0") else [0, 0]
        assert optimizer.state[name].tolist() == expected
    optimizer.step()
    optimizer.step()
    assert optimizer.state["t"] == 2


def test_state_and_settings_are_all_that_a_later_step_depends_on(kind):
    one, two = parameter(1.0), parameter(1.0)
    first = kind([one], **OPTIONS[kind])
    for name, value in first.settings.items():
        setattr(first, name, 0.9 * value)
    for g in GRADIENTS:
        one.grad[:] = g
        first.step()
    second = kind([two], **OPTIONS[kind])
    two.data[:] = one.data
    for name, array in first.state.items():
        second.state[name][...] = array
    second.t = int(first.state["t"])
    for name, value in first.settings.items():
        setattr(second, name, value)
    for optimizer, p in ((first, one), (second, two)):
        p.grad[:] = 0.7
        optimizer.step()
    assert one.data == two.data


def test_parameters_may_come_from_an_iterator(kind):
    p = parameter(1.0)
    optimizer = kind(iter([p]), **OPTIONS[kind])
    p.grad[:] = 1
    optimizer.step()
    optimizer.step()
    assert optimizer.params == (p,)


@pytest.mark.parametrize(
    "params", [Linear(2, 2, rng=np.random.default_rng(0)), [np.zeros(2)], 3]
)
def test_what_are_no_parameters_is_named(kind, params):
    with pytest.raises(TypeError, match=r"^params must be parameters, as of model.par"):
        kind(params, **OPTIONS[kind])


def test_an_optimizers_parameters_are_fixed(kind):
    optimizer = kind([parameter(1.0)], **OPTIONS[kind])
    with pytest.raises(TypeError, match=r"^params of .* can't be changed"):
        optimizer.params = (parameter(2.0),)


def test_a_parameter_given_twice_is_named(kind):
    p = parameter(1.0)
    with pytest.raises(ValueError, match=r"^params must be different, got one twice"):
        kind([p, parameter(2.0), p], **OPTIONS[kind])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((2, 3)), r"must have shape \(2, 3\), got \(3,\)"),
        (np.zeros(100_000), r"must have shape \(100000,\), got \(3,\)"),
        (np.zeros(1), r"must have shape \(1,\), got \(3,\)"),
        (np.zeros(3, np.float32), "must .*float32, got float64"),
    ],
)
def test_averages_of_another_parameter_are_named_before_any_moves(kind, data, message):
    first, p = Parameter(np.ones(3)), Parameter(np.ones(3))
    optimizer = kind([first, p], **OPTIONS[kind])
    p.replace(data)
    first.grad[:] = p.grad[:] = 1
    with pytest.raises((TypeError, ValueError), match=message):
        optimizer.step()
    assert first.data.tolist() == [1, 1, 1]
    assert optimizer.t == 0


@pytest.mark.parametrize("number", [np.float64, np.float32, np.longdouble])
def test_numbers_of_numpys_types_are_pythons(kind, number):
    """With NumPy's, float32 parameters would be computed in another precision."""
    wanted = kind([parameter(1.0)], **OPTIONS[kind]).settings
    values = {name: number(value) for name, value in wanted.items()}
    made = kind([parameter(1.0)], **values)
    later = kind([parameter(1.0)], **OPTIONS[kind])
    for name, value in values.items():
        setattr(later, name, value)
    expected = {name: float(value) for name, value in values.items()}
    assert made.settings == later.settings == expected
    assert {type(value) for value in made.settings.values()} == {float}
    assert {type(value) for value in later.settings.values()} == {float}


def test_settings_are_checked_later_too(kind):
    optimizer = kind([parameter(1.0)], **OPTIONS[kind])
    before = optimizer.settings
    for name in before:
        for value in (-1, float("nan"), "0.1", None, np.zeros(1)):
            with pytest.raises((TypeError, ValueError), match=rf"^{name} must be"):
                setattr(optimizer, name, value)
    assert optimizer.settings == before


@pytest.mark.parametrize("lr", [0, -1, float("nan"), float("inf")])
def test_a_learning_rate_that_cannot_be_is_named(kind, lr):
    with pytest.raises(ValueError, match=r"^lr must be in \(0, inf\), got"):
        kind([], lr=lr)


@pytest.mark.parametrize(
    ("kind", "name", "too_high"),
    [
        (SGD, "momentum", 1.01),
        (Adam, "beta1", 1),
        (Adam, "beta2", 1),
        (RMSprop, "rho", 1),
        (Adadelta, "rho", 1),
    ],
)
def test_factors_that_cannot_be_are_named(kind, name, too_high):
    for value in (-0.1, too_high):
        with pytest.raises(ValueError, match=rf"^{name} must be in \[0, 1.* got"):
            kind([], lr=0.1, **{name: value})
    with pytest.raises(TypeError, match=f"^{name} must be a number, got '0.9'"):
        kind([], lr=0.1, **{name: "0.9"})


@pytest.mark.parametrize("kind", [Adam, RMSprop, Adadelta])
@pytest.mark.parametrize("eps", [0.0, -1.0, float("nan"), float("inf")])
def test_eps_must_be_above_zero(kind, eps):
    with pytest.raises(ValueError, match=r"^eps must be in \(0, inf\), got"):
        kind([], lr=0.1, eps=eps)


def test_the_base_class_has_no_rule():
    p = parameter(1.0)
    with pytest.raises(NotImplementedError):
        Optimizer([p], 0.1).step()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("sgd", SGD),
        ("momentum", SGD),
        ("adam", Adam),
        ("rmsprop", RMSprop),
        ("adadelta", Adadelta),
    ],
)
def test_optimizers_by_name(name, kind):
    optimizer = OPTIMIZERS[name]([parameter(1.0)], 0.25)
    assert type(optimizer) is kind
    assert optimizer.lr == 0.25
    assert getattr(optimizer, "momentum", None) == {"sgd": 0, "momentum": 0.9}.get(name)


@pytest.mark.parametrize("kind", [SGD, Adam, RMSprop, Adadelta])
def test_a_parameter_given_in_another_memory_layout_is_moved_too(kind):
    data = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    plain, transposed = Parameter(data.copy(order="C")), Parameter(data)
    for p in (plain, transposed):
        p.grad[:] = 1
        kind([p], 0.1).step()
    assert np.array_equal(transposed.data, plain.data)
    assert not np.array_equal(plain.data, data)


@pytest.mark.parametrize(("kind", "rule", "options"), RULES)
def test_averages_dont_end_among_subnormal_numbers(kind, rule, options):
    """The gradient of a dead unit is 0 for ever: its averages shrink to nothing."""
    start, first = np.array([0.25, -1.0]), np.array([1e-3, -2.0])
    p = Parameter(start.astype(np.float32))
    optimizer = kind([p], **options)
    for t in range(1500):
        p.grad[:] = first if t == 0 else 0
        optimizer.step()
    for average in optimizer.averages[0].values():
        assert not np.any((average != 0) & (abs(average) < 1e-38))
    moved = [sum(rule([g] + [0.0] * 1499, **options)) for g in first]
    np.testing.assert_allclose(p.data, start - moved, rtol=1e-4)
