"""The composition of layers."""

import pickle
from collections import UserDict, deque
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Barrier
from types import SimpleNamespace

import numpy as np
import pytest

from ensembles import Committee, train_together
from minidl import (
    SGD,
    Adam,
    Conv2D,
    Dropout,
    Flatten,
    Linear,
    MaxPool2D,
    Normalize,
    Parameter,
    ReLU,
    Sequential,
    Softmax,
    accuracy,
    trace,
    train,
)
from minidl.gradcheck import check_layer
from minidl.layers import Layer
from tests import oracles
from tests.oracles import assert_close


class Spy(Layer):
    """The identity, which notes how it was called."""

    def __init__(self):
        self.forwards, self.backwards = [], []

    def forward(self, x, rng=None):
        self.forwards.append(rng)
        return x

    def backward(self, dout):
        self.backwards.append(())
        return dout


class LearnedSpy(Spy):
    """The same with a parameter."""

    def __init__(self, rng):
        super().__init__()
        self.learned = Linear(1, 1, rng=rng)

    def backward(self, dout, param_grads=True, input_grad=True):
        self.backwards.append((param_grads, input_grad))
        return dout if input_grad else None


def after_forward(layers):
    """A network that has seen an input of three numbers."""
    model = Sequential(layers, (3,))
    model.forward(np.zeros((1, 3)))
    return model


def test_parameters_are_all_layers_in_order(model):
    first, last = model.layers[0], model.layers[-1]
    assert model.params == (first.W, first.b, last.W, last.b)


def test_predict_proba_is_softmax_of_the_logits(model, x):
    assert_close(model.predict_proba(x), oracles.softmax(model.forward(x)), 1e-13)


@pytest.mark.parametrize("spoil", ["image", "weights"])
def test_nan_is_no_class(model, x, spoil):
    """argmax takes the first NaN for the largest: all images would be of class 0."""
    if spoil == "image":
        x[1, 2, 3] = np.nan
    else:
        model.layers[-1].W.data[0, 1] = np.nan
    count = {"image": 1, "weights": 4}[spoil]
    message = rf"^logits must be numbers, got NaN for {count} of 4 images"
    with pytest.raises(ValueError, match=message):
        model.predict(x)


def test_the_generator_reaches_each_layer(rng):
    spies = [Spy(), Spy()]
    model = Sequential(spies, (3,))
    model.forward(np.zeros((1, 3)), rng)
    model.forward(np.zeros((1, 3)))
    assert [spy.forwards for spy in spies] == [[rng, None]] * 2


def test_without_input_grad_backward_ends_at_the_first_layer_that_learns(rng):
    spies = [Spy(), LearnedSpy(rng), Spy(), LearnedSpy(rng)]
    result = after_forward(spies).backward(np.ones((1, 3)), input_grad=False)
    assert result is None
    expected = [[], [(True, False)], [()], [(True, True)]]
    assert [spy.backwards for spy in spies] == expected


def test_with_input_grad_backward_goes_through_all_layers(rng):
    spies = [Spy(), LearnedSpy(rng), Spy()]
    dout = np.ones((1, 3))
    dx = after_forward(spies).backward(dout, param_grads=False)
    assert np.array_equal(dx, dout)
    assert [spy.backwards for spy in spies] == [[()], [(False, True)], [()]]


def test_without_parameters_and_input_grad_backward_does_nothing():
    spies = [Spy(), Spy()]
    assert after_forward(spies).backward(np.ones((1, 3)), input_grad=False) is None
    assert [spy.backwards for spy in spies] == [[], []]


def test_shapes_and_classes(model):
    images = [(6, 6, 1), (4, 4, 2), (4, 4, 2), (2, 2, 2), (2, 2, 2)]
    assert model.shapes == (*images, (8,), (3,))
    assert model.classes == 3


@pytest.mark.parametrize("shape", [(2, 5, 6, 1), (6, 6, 1), (2, 36), ()])
def test_images_that_do_not_fit_are_named(model, shape):
    message = r"^x must have shape \(N, 6, 6, 1\), got"
    with pytest.raises(ValueError, match=message):
        model.forward(np.zeros(shape))


def test_one_layer_in_two_places_is_refused(rng):
    """It keeps one input: that of the first place would be lost."""
    relu = ReLU()
    layers = [Linear(3, 3, rng=rng), relu, Linear(3, 3, rng=rng), relu]
    with pytest.raises(ValueError, match=r"different objects, got ReLU\(\) again"):
        Sequential(layers, (3,))


def test_one_layer_in_two_networks_of_one_is_refused(rng):
    relu = ReLU()
    parts = [Sequential([relu], (3,)), Linear(3, 3, rng=rng), Sequential([relu], (3,))]
    with pytest.raises(ValueError, match=r"different objects, got ReLU\(\) again"):
        Sequential(parts, (3,))


@pytest.mark.parametrize("mode", [0, np.random.RandomState(0)])
def test_training_mode_is_a_generator(x, mode):
    for forward in (Sequential([ReLU()], (6, 6, 1)).forward, Dropout(0.5).forward):
        with pytest.raises(TypeError, match=r"^rng must be a generator, .*got"):
            forward(x, mode)


def test_layers_that_do_not_fit_are_named(rng):
    layers = [Flatten(), Linear(9, 4, rng=rng), Linear(5, 2, rng=rng)]
    with pytest.raises(ValueError, match=r"Linear\(5, 2\) takes shape \(5,\), got"):
        Sequential(layers, (3, 3, 1))
    with pytest.raises(ValueError, match=r"^Softmax\(\) takes shape \(K,\), got"):
        Sequential([Softmax()], (3, 3, 1))


def test_a_classifier_that_ends_in_softmax_is_refused(rng):
    """Its probabilities would be softmax(softmax(z))."""
    x, y = rng.random((4, 3), np.float32), np.zeros(4, int)
    plain = Sequential([Linear(3, 3, rng=rng), Softmax()], (3,))
    for model in (plain, Sequential([Sequential([plain], (3,))], (3,))):
        assert model.forward(x).sum(axis=1) == pytest.approx(np.ones(4), rel=1e-6)
        for use in (
            lambda model=model: model.classes,
            lambda model=model: model.predict(x),
            lambda model=model: model.predict_proba(x),
            lambda model=model: accuracy(model, x, y),
            lambda model=model: next(trace(model, x, y)),
            lambda model=model: train(model, x, y, Adam(model.params), 1, 2, rng),
        ):
            with pytest.raises(ValueError, match=r"logits, .* in Softmax\(\): leave"):
                use()


def test_a_softmax_within_a_network_is_a_layer_as_others(rng):
    gate = Sequential([Linear(3, 3, rng=rng), Softmax()], (3,))
    model = Sequential([gate, Linear(3, 2, rng=rng)], (3,))
    p = model.predict_proba(rng.random((4, 3), np.float32))
    assert (p.shape, model.classes) == ((4, 2), 2)


def test_a_layer_of_ones_own_may_hold_a_softmax_last(rng):
    class Branches(Linear):
        def __init__(self):
            super().__init__(3, 2, rng=rng)
            self.layers = {"gate": Softmax()}

    model = Sequential([Branches()], (3,))
    assert model.predict_proba(rng.random((4, 3), np.float32)).shape == (4, 2)


def test_what_ends_in_images_predicts_no_classes(rng):
    model = Sequential([ReLU()], (3, 3, 1))
    for predict in (model.predict, model.predict_proba):
        with pytest.raises(ValueError, match=r"shape \(N, K\), .* ends in \(3, 3, 1\)"):
            predict(np.ones((2, 3, 3, 1)))


def test_a_network_can_be_a_layer_of_another(model, x, rng):
    outer = Sequential([model, Linear(3, 2, rng=rng)], (6, 6, 1)).astype(np.float64)
    assert outer.shapes == ((6, 6, 1), (3,), (2,))
    assert outer.forward(x).shape == (4, 2)
    assert len(outer.params) == len(model.params) + 2
    with pytest.raises(ValueError, match=r"takes \(6, 6, 1\), got \(5, 5, 1\)"):
        Sequential([model], (5, 5, 1))


def gradients(model, x, dout):
    """dJ/dx and dJ/dparameters of a network alone."""
    model.forward(x)
    return model.backward(dout), *(p.grad.copy() for p in model.params)


def assert_same(found, expected):
    for a, b in zip(found, expected, strict=True):
        assert np.array_equal(a, b)


def two_networks_that_share(rng):
    """A convolution, a ReLU and a network in two networks each."""
    conv, relu = Conv2D(1, 2, rng=rng), ReLU()
    within = Sequential([Linear(8, 4, rng=rng), relu], (8,))
    return [
        Sequential([conv, *more, Flatten(), within, Linear(4, 3, rng=rng)], (6, 6, 1))
        for more in ([ReLU(), MaxPool2D(2)], [Dropout(0.5), MaxPool2D(2)])
    ]


def test_networks_that_share_layers_keep_their_own_passes(rng, x):
    """All run forward, then all backward, as an ensemble's gradient does."""
    models = [model.astype(np.float64) for model in two_networks_that_share(rng)]
    inputs, douts = [x, x[:2] * 2], [rng.standard_normal((n, 3)) for n in (4, 2)]
    expected = list(map(gradients, models, inputs, douts))
    for model, x_i in zip(models, inputs, strict=True):
        model.forward(x_i)
    for model, dout, wanted in zip(models, douts, expected, strict=True):
        dx = model.backward(dout)
        assert_same((dx, *(p.grad for p in model.params)), wanted)


class Residual(Layer):
    """x + f(x): a layer of a user's own, which remembers nothing itself."""

    def __init__(self, inner):
        self.parts = [{"inner": inner}]

    def forward(self, x, rng=None):
        return x + self.parts[0]["inner"].forward(x, rng)

    def backward(self, dout, param_grads=True, input_grad=True):
        inner = self.parts[0]["inner"]
        return dout + inner.backward(dout, *[param_grads, True] * bool(inner.params))


def test_layers_within_layers_keep_each_networks_pass(rng):
    within = Sequential([Linear(3, 3, rng=rng), ReLU()], (3,))
    block = Residual(Residual(within))
    models = [
        Sequential([Normalize(mean, 0.5), block, Linear(3, 2, rng=rng)], (3,))
        for mean in (0.2, 0.9)
    ]
    x, dout = rng.random((4, 3)), rng.standard_normal((4, 2))
    for model in models:
        model.astype(np.float64)
    expected = [
        oracles.differences(lambda m=model: (m.forward(x) * dout).sum(), x)
        for model in models
    ]
    for model in models:
        model.forward(x)
    within.forward(x[:1])
    for model, wanted in zip(models, expected, strict=True):
        assert_close(model.backward(dout), wanted, 1e-7)


def test_one_layer_in_and_outside_of_another_is_refused(rng):
    relu = ReLU()
    for layers in ([Residual(relu), relu], [relu, Residual(Residual(relu))]):
        message = r"must be different objects, got ReLU\(\) again"
        with pytest.raises(ValueError, match=message):
            Sequential(layers, (3,))
    Sequential([Residual(ReLU()), ReLU()], (3,))


class Holds(Layer):
    """The identity, whose attribute holds anything."""

    def __init__(self, held):
        self.held = held

    def forward(self, x, rng=None):
        return self.remember(x, None)


class Slotted(Layer):
    """The same with a slot."""

    __slots__ = ("held",)
    __init__ = Holds.__init__


HIDING = {
    "a set": lambda layer: {layer},
    "a deque in a list": lambda layer: [deque([layer])],
    "an array of objects": lambda layer: np.array([[layer, None]]),
    "a dict of another class": lambda layer: UserDict(a=layer),
    "keys": lambda layer: {layer: 1},
    "a view": lambda layer: {"a": layer}.values(),
    "another object": lambda layer: SimpleNamespace(a=[layer.params[0]]),
}


@pytest.mark.parametrize("hide", HIDING.values(), ids=HIDING)
def test_layers_and_parameters_out_of_sight_are_refused(rng, hide):
    """They would not be trained, and two networks would mix up their passes."""
    hidden = hide(linear := Linear(3, 3, rng=rng))
    message = r"^held of Holds\(\) must hold layers and parameters in lists, .* elsewh"
    for layer in (Holds(hidden), Holds([Holds(hidden)])):
        for make in (lambda layer=layer: Sequential([layer], (3,)), check_alone(layer)):
            with pytest.raises(TypeError, match=message):
                make()
    assert Sequential([Holds([linear, hidden])], (3,)).params == linear.params


def test_layers_that_come_later_are_trained_or_refused(rng):
    """Layers in other objects stayed as they were, without a word."""

    class Late(Holds):
        def forward(self, x, rng=None):
            return self.held.forward(x, rng)

        def backward(self, dout, *asked):
            return self.held.backward(dout, *asked)

    late = Late(Linear(2, 2, rng=rng))
    model = Sequential([Flatten(), late], (1, 1, 2))
    x, y = np.ones((4, 1, 1, 2), np.float32), np.zeros(4, int)
    late.held = Sequential([Linear(2, 2, rng=rng), Linear(2, 2, rng=rng)], (2,))
    before = [p.data.copy() for p in late.params]
    train(model, x, y, SGD(model.params, 0.1), 1, 4, rng)
    for p, data in zip(late.params, before, strict=True):
        assert (p.data != data).any()
    late.more = SimpleNamespace(a=Linear(2, 2, rng=rng))
    with pytest.raises(TypeError, match=r"^more of Late\(\) must hold layers and para"):
        train(model, x, y, SGD(model.params, 0.1), 1, 4, rng)
    committee = Committee([model])
    with pytest.raises(TypeError, match=r"^more of Late\(\) must hold layers and para"):
        train_together(committee, x, y, SGD(committee.params, 0.1), 1, 4, rng)


def test_functions_may_call_a_network_that_stays_as_it_is(rng):
    teacher = Sequential([Linear(3, 3, rng=rng)], (3,))
    functions = [teacher.predict_proba, lambda x: teacher.forward(x)]
    assert Sequential([Holds(functions)], (3,)).params == ()


def check_alone(layer):
    return lambda: check_layer(layer, np.ones((2, 3)), np.random.default_rng(0))


def test_a_layer_in_a_slot_is_refused(rng):
    with pytest.raises(TypeError, match=r"^a slot of Slotted\(\) must hold layers and"):
        Sequential([Slotted(Linear(3, 3, rng=rng))], (3,))


def test_what_a_network_of_another_class_holds_is_trained(rng):
    inner = Linear(3, 3, rng=rng)
    network = SimpleNamespace(forward=None, backward=None, parts=[inner])
    assert Sequential([Holds(network)], (3,)).params == inner.params


def test_a_layer_used_alone_meanwhile_disturbs_no_backward(model, x, rng):
    dout = rng.standard_normal((4, 3))
    expected = gradients(model, x, dout)
    model.forward(x)
    for layer, shape in zip(model.layers, model.shapes[:-1], strict=True):
        layer.forward(np.ones((1, *shape)))
    list(trace(model, x[:3], np.zeros(3, int)))
    assert np.array_equal(model.backward(dout), expected[0])


def test_threads_share_a_network(model, x, rng):
    """One runs forward between another's forward and backward."""
    douts = rng.standard_normal((4, 4, 3))
    inputs = [x * (i + 1) for i in range(4)]
    expected = [gradients(model, *pair)[0] for pair in zip(inputs, douts, strict=True)]
    together = Barrier(4, timeout=60)

    def work(i):
        found = []
        for _ in range(3):
            together.wait()
            model.forward(inputs[i])
            together.wait()
            model.predict_proba(x)  # of this thread's own
            model.forward(inputs[i])
            together.wait()
            found.append(model.backward(douts[i], param_grads=False))
        return found

    with ThreadPoolExecutor(4) as executor:
        for found, wanted in zip(executor.map(work, range(4)), expected, strict=True):
            for dx in found:
                assert_close(dx, wanted, 1e-12)


def test_backward_in_another_thread_has_seen_no_forward(model, x):
    model.forward(x)
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(model.backward, np.ones((4, 3)))
        with pytest.raises(RuntimeError, match=r"^backward of Sequential of 6 layers"):
            future.result()
    assert model.backward(np.ones((4, 3))) is not None


@pytest.mark.parametrize("copy", [deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_goes_on_alone(model, x, copy):
    out = model.forward(x)
    twin = copy(model)
    with pytest.raises(RuntimeError, match=r"^backward of Sequential of 6 layers need"):
        twin.backward(np.ones((4, 3)))
    twin.forward(x * 2)
    assert np.array_equal(model.forward(x), out)
    assert np.array_equal(twin.forward(x), out)
    twin.layers[0].W.data += 1
    assert np.array_equal(model.forward(x), out)


def test_after_a_forward_that_failed_there_is_no_backward(model, x):
    model.forward(x)
    model.layers[-1].W.data = np.zeros((9, 3))
    with pytest.raises(ValueError, match=r"^x must have shape \(N, 9\), got \(4, 8\)"):
        model.forward(x)
    with pytest.raises(RuntimeError, match=r"needs a forward pass"):
        model.backward(np.ones((4, 3)))


def test_a_parameter_that_is_replaced_is_trained(model, x):
    W = model.layers[-1].W = Parameter(np.zeros((8, 3)))
    assert W in model.params
    model.forward(x)
    model.backward(np.ones((4, 3)))
    assert W.grad.any()
    conv = model.layers[0]
    conv.W = Parameter(np.ones((5, 5, 1, 2)))
    assert conv.kernel_size == (5, 5)
    with pytest.raises(ValueError, match=r"must have shape|takes shape"):
        model.forward(x)


def test_another_number_of_classes_is_noticed(model, x):
    model.layers[-1].W.data = np.zeros((8, 5))
    model.layers[-1].b.data = np.zeros(5)
    with pytest.raises(ValueError, match=r"^out must have shape \(4, 3\), got .*5"):
        model.forward(x)


class Half(Layer):
    """Every second image of a batch."""

    def forward(self, x, rng=None):
        return self.remember(x[::2], None)


def test_a_layer_that_drops_images_is_noticed(rng):
    model = Sequential([Half(), Linear(3, 2, rng=rng)], (3,))
    message = r"^out must have shape \(4, 2\), got \(2, 2\)"
    with pytest.raises(ValueError, match=message):
        model.predict(np.zeros((4, 3), np.float32))


def test_one_layer_cast_alone_is_noticed(model, x):
    model.layers[0].astype(np.float32)
    with pytest.raises(ValueError, match=r"^layers must have parameters of one type.*"):
        model.forward(x)
    assert model.astype(np.float32).forward(x.astype(np.float32)).dtype == np.float32


def test_a_parameter_in_two_places_is_noticed(rng):
    """Its gradient would be that of the first place alone."""
    layers = [Linear(3, 3, rng=rng), ReLU(), Linear(3, 3, rng=rng)]
    model = Sequential(layers, (3,))
    layers[2].W = layers[0].W
    with pytest.raises(ValueError, match=r"^layers must have parameters of their own"):
        model.forward(np.zeros((1, 3), np.float32))


def test_a_parameter_of_two_layers_within_one_is_noticed(rng):
    parts = [Linear(3, 3, rng=rng), {"second": Linear(3, 3, rng=rng)}]
    model = Sequential([Holds(Holds([*parts, parts[0]]))], (3,))
    model.forward(np.zeros((1, 3), np.float32))
    parts[1]["second"].W = parts[0].W
    with pytest.raises(ValueError, match=r"^layers must have parameters of their own"):
        model.forward(np.zeros((1, 3), np.float32))
    with pytest.raises(ValueError, match=r"^params must be different"):
        Adam(model.layers[0].params)


@pytest.mark.parametrize("name", ["layers", "input_shape", "fused", "shapes"])
def test_a_network_is_made_once(model, name):
    value = getattr(model, name)
    assert isinstance(value, tuple)
    with pytest.raises(TypeError, match=rf"^{name} of Sequential can't be changed"):
        setattr(model, name, value[:-1])
    assert getattr(model, name) is value
