"""Each optimizer against its published rule, written out for single numbers."""

import math
import warnings

import numpy as np
import pytest

from minidl import SGD, Adadelta, Adam, Parameter, RMSprop
from minidl.optimizers import OPTIMIZERS

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


def test_weight_decay_is_the_gradient_of_half_the_squared_length(kind):
    """Steps are taken along g + c p, also where g is 0."""
    p, q = parameter(10.0, -2.0), parameter(10.0, -2.0)
    decayed = kind([p], **OPTIONS[kind], weight_decay=0.25)
    by_hand = kind([q], **OPTIONS[kind])
    for g in [*GRADIENTS, 0.0]:
        before = p.data.copy()
        p.grad[:], q.grad[:] = g, g + q.data / 4
        decayed.step()
        by_hand.step()
        assert [*p.data] == [*q.data]
        assert (p.grad == g).all()  # it is no part of dJ/dp
    assert abs(before - p.data).all()


def test_weight_decay_is_a_setting_where_there_is_one():
    p, usual = parameter(3.0), {"lr": 0.5, "momentum": 0.0}
    assert SGD([p], 0.5, weight_decay=0.1).settings == usual | {"weight_decay": 0.1}
    assert SGD([p], 0.5).settings == usual  # as in files of earlier versions


def stepped(optimizer, params, g):
    """One step along g."""
    for p in params:
        p.grad[:] = g
    optimizer.step()


def test_elements_and_parameters_do_not_mix(kind):
    together = [parameter(1.0, 2.0), parameter(3.0)]
    alone = [parameter(1.0), parameter(2.0), parameter(3.0)]
    optimizers = [kind(params, **OPTIONS[kind]) for params in (together, alone)]
    for g in GRADIENTS:
        together[0].grad[:] = g, 2 * g
        together[1].grad[:] = -g
        for p, factor in zip(alone, (1, 2, -1), strict=True):
            p.grad[:] = factor * g
        for optimizer in optimizers:
            optimizer.step()
    assert [*together[0].data, *together[1].data] == [p.data[0] for p in alone]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_parameter_moves_in_place_and_keeps_its_type_and_gradient(kind, dtype):
    p = parameter(1.0, 2.0, dtype=dtype)
    data, grad = p.data, p.grad
    optimizer = kind(iter([p]), **OPTIONS[kind])
    stepped(optimizer, [p], (1, -1))
    assert optimizer.params == (p,)
    assert p.data is data
    assert p.grad is grad
    assert p.grad.tolist() == [1, -1]
    assert p.data[0] < 1
    assert p.data[1] > 2
    averages = [a for name, a in optimizer.state.items() if name != "t"]
    assert {a.dtype for a in (data, *averages)} == {np.dtype(dtype)}


def test_a_zero_gradient_moves_nothing(kind):
    p = parameter(1.0, 2.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 0 / 0 is what eps is for
        kind([p], **OPTIONS[kind]).step()
    assert p.data.tolist() == [1, 2]


SLOTS = {SGD: ["v"], Adam: ["m", "v"], RMSprop: ["s"], Adadelta: ["s", "u"]}


def test_the_state_names_each_average_and_the_time(kind):
    optimizer = kind([parameter(1.0), parameter(2.0, 3.0)], **OPTIONS[kind])
    names = {f"{slot}.{i}" for slot in SLOTS[kind] for i in (0, 1)}
    state = {name: array.tolist() for name, array in optimizer.state.items()}
    assert state == {"t": 0} | {n: [0, 0] if "1" in n else [0] for n in names}
    optimizer.step()
    optimizer.step()
    assert optimizer.state["t"] == 2


def test_state_and_settings_are_all_that_a_later_step_depends_on(kind):
    one, two = parameter(1.0), parameter(1.0)
    first = kind([one], **OPTIONS[kind])
    for name, value in first.settings.items():
        setattr(first, name, 0.9 * value)
    for g in GRADIENTS:
        stepped(first, [one], g)
    second = kind([two], **OPTIONS[kind])
    two.data[:] = one.data
    for name, array in first.state.items():
        second.state[name][...] = array
    second.t = int(first.state["t"])
    for name, value in first.settings.items():
        setattr(second, name, value)
    for optimizer, p in ((first, one), (second, two)):
        stepped(optimizer, [p], 0.7)
    assert one.data == two.data


def test_an_optimizers_parameters_are_fixed(kind):
    optimizer = kind([parameter(1.0)], **OPTIONS[kind])
    with pytest.raises(TypeError, match=r"^params of .* can't be changed"):
        optimizer.params = (parameter(2.0),)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((2, 3)), r"must have shape \(2, 3\), got \(3,\)"),
        (np.zeros(1), r"must have shape \(1,\), got \(3,\)"),
        (np.zeros(3, np.float32), "must .*float32, got float64"),
    ],
)
def test_averages_of_another_parameter_are_named_before_any_moves(kind, data, message):
    first, p = Parameter(np.ones(3)), Parameter(np.ones(3))
    optimizer = kind([first, p], **OPTIONS[kind])
    p.replace(data)
    with pytest.raises((TypeError, ValueError), match=message):
        stepped(optimizer, [first, p], 1)
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
    both = (*made.settings.values(), *later.settings.values())
    assert {type(value) for value in both} == {float}


def test_settings_are_checked_later_too(kind):
    optimizer = kind([parameter(1.0)], **OPTIONS[kind])
    before = optimizer.settings
    for name in before:
        for value in (-1, float("nan"), "0.1", None, np.zeros(1)):
            with pytest.raises((TypeError, ValueError), match=rf"^{name} must be"):
                setattr(optimizer, name, value)
    assert optimizer.settings == before


def test_optimizers_by_name():
    made = {name: make([parameter(1.0)], 0.25) for name, make in OPTIMIZERS.items()}
    kinds = {"sgd": SGD, "momentum": SGD, "adam": Adam} | {
        "rmsprop": RMSprop,
        "adadelta": Adadelta,
    }
    assert {name: type(optimizer) for name, optimizer in made.items()} == kinds
    assert {optimizer.lr for optimizer in made.values()} == {0.25}
    assert (made["sgd"].momentum, made["momentum"].momentum) == (0, 0.9)


@pytest.mark.parametrize(("kind", "rule", "options"), RULES)
def test_averages_dont_end_among_subnormal_numbers(kind, rule, options):
    """The gradient of a dead unit stays 0: its averages shrink to nothing."""
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


def test_a_small_eps_keeps_small_averages():
    """With a constant gradient each step of Adam is lr g / (|g| + eps)."""
    g, eps, p = 1e-17, 1e-20, Parameter(np.zeros(1))
    optimizer = Adam([p], 0.01, eps=eps)
    for _ in range(205):
        p.grad[:] = g
        optimizer.step()
    np.testing.assert_allclose(p.data, -205 * 0.01 * g / (g + eps), rtol=1e-9)


def test_averages_that_move_nothing_are_zeroed_every_hundred_steps():
    """Below 1e-32, at a unit that learns nothing; else they would become subnormal."""
    optimizer = SGD([Parameter(np.ones(3, np.float32))], 0.1, momentum=0.9)
    [averages] = optimizer.averages
    for t in range(1, 202):
        averages["v"][:] = -3e-32, 9e-33, -9e-33
        optimizer.step()
        left = t not in (100, 200)
        assert (averages["v"] != 0).tolist() == [True, left, left]
