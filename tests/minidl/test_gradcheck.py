"""The gradient check passes correct layers, and finds planted mistakes."""

import math

import numpy as np
import pytest

from minidl import Conv2D, Dropout, Flatten, Layer, Linear, ReLU, Sequential
from minidl.gradcheck import (
    check_layer,
    directional_derivative,
    numerical_gradient,
    relative_error,
)


def test_the_differences_are_central():
    x = np.array([1.0, 2.0])
    gradient = numerical_gradient(lambda: float((x**3).sum()), x, h=0.1)
    assert gradient.tolist() == pytest.approx([3 + 0.1**2, 12 + 0.1**2])
    assert x.tolist() == [1, 2]


def test_the_slope_along_a_direction(rng):
    x, v = rng.standard_normal(5), rng.standard_normal(5)
    slope = directional_derivative(lambda x: float((x**2).sum()), x, v)
    assert slope == pytest.approx(2 * x @ v, rel=1e-8)
    steep = directional_derivative(lambda x: float((x**3).sum()), x * 0, v, h=1)
    assert steep == pytest.approx((v**3).sum())


def test_a_function_may_reuse_the_array_of_its_result(rng):
    x, total = rng.standard_normal(3), np.zeros(())
    gradient = numerical_gradient(lambda: np.sum(x * x, out=total), x)
    assert gradient.tolist() == pytest.approx((2 * x).tolist(), rel=1e-8)
    slope = directional_derivative(lambda x: np.sum(x * x, out=total), x, x)
    assert slope == pytest.approx(2 * x @ x, rel=1e-8)


def test_relative_error():
    a = np.array([1.0, -4.0])
    assert relative_error(a, np.array([1.0, -3.0])) == 0.25
    assert relative_error(np.array([1.0, -3.0]), a) == 0.25
    assert relative_error(a, a) == 0
    assert relative_error(a * 0, a * 0) == 0
    assert np.isnan(relative_error(a * 0, a * np.nan))
    assert np.isnan(relative_error(a * np.nan, a * 0))


def test_arguments_that_cannot_be_compared_are_named(rng):
    for x in ([1.0, 2.0], np.ma.masked_array([1.0, 2.0], [0, 1])):
        with pytest.raises(TypeError, match=r"^x must be a NumPy or CuPy array, got"):
            numerical_gradient(lambda: 0.0, x)
    with pytest.raises(ValueError, match=r"^h must be in \(0, inf\), got 0"):
        numerical_gradient(lambda: 0.0, np.ones(2), h=0)
    with pytest.raises(ValueError, match=r"^b must have shape \(2,\), got \(2, 1\)"):
        relative_error(np.ones(2), np.ones((2, 1)))
    b = np.ones(2)
    for a, kind in ((np.ma.array(b, mask=[0, 1]), "Masked"), (b.astype("u1"), "uint8")):
        for name, pair in (("a", (a, b)), ("b", (b, a))):
            with pytest.raises(TypeError, match=f"^{name} must be .*, got .*{kind}"):
                relative_error(*pair)
    with pytest.raises(ValueError, match=r"^a must not be empty, got shape \(0,\)"):
        relative_error(np.ones(0), np.ones(0))
    with pytest.raises(TypeError, match=r"^layer must be of type Layer, got int"):
        check_layer(3, np.ones((2, 2)), rng)
    with pytest.raises(TypeError, match=r"^rng must be a generator, .*got 0"):
        check_layer(ReLU(), np.ones((2, 2)), 0)
    for seed in ("a", -1):
        with pytest.raises((TypeError, ValueError), match=r"^training_seed must be .*"):
            check_layer(ReLU(), np.ones((2, 2)), rng, seed)
    for slope in (numerical_gradient, lambda f, x: directional_derivative(f, x, x)):
        with pytest.raises(TypeError, match=r"^f must be a function, such as .* float"):
            slope(5, np.ones(2))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"x": np.ones(3, np.float32)}, TypeError, "x must be float64, got float32"),
        ({"direction": np.ones(3, int)}, TypeError, "direction must be float64, got"),
        ({"direction": np.ones((3, 1))}, ValueError, r"direction must have shape \(3,"),
        ({"h": 0}, ValueError, r"h must be in \(0, inf\), got 0"),
    ],
)
def test_a_slope_of_what_would_round_or_broadcast_is_refused(changed, error, message):
    given = {"x": np.ones(3), "direction": np.ones(3), "h": 1e-5} | changed
    with pytest.raises(error, match=f"^{message}"):
        directional_derivative(lambda x: float(x.sum()), **given)


def test_a_correct_layer_passes(rng):
    layer = Conv2D(2, 2, pad=1, rng=rng).astype(np.float64)
    errors = check_layer(layer, rng.standard_normal((2, 4, 4, 2)), rng)
    assert errors.keys() == {"x", "params[0]", "params[1]"}
    assert max(errors.values()) < 1e-6


def test_a_read_only_array_is_copied_or_named(rng):
    x = rng.standard_normal((2, 3))
    x.flags.writeable = False
    layer = Linear(3, 2, rng=rng).astype(np.float64)
    assert max(check_layer(layer, x, rng).values()) < 1e-6
    with pytest.raises(ValueError, match=r"^x must be writeable, got a read-only"):
        numerical_gradient(lambda: 0.0, x)


def test_a_network_with_dropout_passes_in_training_mode(rng):
    layers = [Flatten(), Linear(8, 6, rng=rng), ReLU(), Dropout(0.5)]
    model = Sequential(layers, (2, 2, 2)).astype(np.float64)
    errors = check_layer(model, rng.standard_normal((3, 2, 2, 2)), rng, training_seed=3)
    assert max(errors.values()) < 1e-6


class WrongInput(Linear):
    """dJ/dx is one percent too long."""

    def backward(self, dout, param_grads=True, input_grad=True):
        return 1.01 * super().backward(dout, param_grads, input_grad)


class WrongWeights(Linear):
    """One entry of dJ/dW is a little off."""

    def backward(self, dout, param_grads=True, input_grad=True):
        dx = super().backward(dout, param_grads, input_grad)
        self.W.grad[1, 2] += 1e-4
        return dx


class StaleDropout(Dropout):
    """The mask of an earlier training pass is used in evaluation mode too."""

    def forward(self, x, rng=None):
        out = super().forward(x, rng)
        return self.remember(out, self.draw_mask(x, np.random.default_rng(0)))


@pytest.mark.parametrize(
    ("make", "wrong"), [(WrongInput, "x"), (WrongWeights, "params[0]")]
)
def test_a_planted_mistake_is_found_and_only_there(rng, make, wrong):
    layer = make(4, 3, rng=rng).astype(np.float64)
    errors = check_layer(layer, rng.standard_normal((5, 4)), rng)
    assert errors.pop(wrong) > 1e-6
    assert max(errors.values()) < 1e-6


class AddsToGradients(Linear):
    """PyTorch's habit; nothing here zeroes gradients."""

    def backward(self, dout, param_grads=True, input_grad=True):
        self.b.grad += dout.sum(axis=0)
        kept = self.b.grad.copy()
        dx = super().backward(dout, param_grads, input_grad)
        self.b.grad[:] = kept
        return dx


def test_gradients_that_are_not_written_in_place_are_found(rng):
    layer = AddsToGradients(4, 3, rng=rng).astype(np.float64)
    errors = check_layer(layer, rng.standard_normal((5, 4)), rng)
    assert math.isnan(errors.pop("params[1]"))
    assert max(errors.values()) < 1e-6


class AlwaysAsked(Linear):
    """Right, but networks also say which gradients they need."""

    def backward(self, dout):
        return super().backward(dout)


def test_a_backward_that_training_cant_use_doesnt_pass(rng):
    layer = AlwaysAsked(4, 3, rng=rng).astype(np.float64)
    with pytest.raises(TypeError, match=r"^layer\.backward must take \(dout, param_g"):
        check_layer(layer, rng.standard_normal((5, 4)), rng)


class DoublesInPlace(Layer):
    """The identity; twice its gradient, in the array that it is given."""

    def forward(self, x, rng=None):
        return self.remember(x.copy(), None)

    def backward(self, dout):
        self.recall(dout)
        dout *= 2
        return dout


class SquaresInPlace(Layer):
    """x^2, right in both directions, but x isn't what it was."""

    def forward(self, x, rng=None):
        factor = 2 * x
        x *= x
        return self.remember(x, factor)

    def backward(self, dout):
        return dout * self.recall(dout)


class ReluInPlace(ReLU):
    """The gradient is right, and x is clipped when it is taken."""

    def forward(self, x, rng=None):
        return self.remember(np.maximum(x, 0), x)

    def backward(self, dout):
        x = self.recall(dout)
        np.maximum(x, 0, out=x)
        return dout * (x > 0)


@pytest.mark.parametrize("make", [DoublesInPlace, SquaresInPlace, ReluInPlace])
def test_a_layer_that_changes_its_arguments_is_refused(rng, make):
    """Its own c would agree with twice the gradient: (2 c) / (2 c)."""
    x = rng.standard_normal((2, 3))
    kept = x.copy()
    with pytest.raises(ValueError, match=r"^layer must leave its arguments as they"):
        check_layer(make(), x, rng)
    assert x.tolist() == kept.tolist()


def test_a_gradient_of_another_shape_is_refused(rng):
    class Sums(ReLU):
        def backward(self, dout):
            return super().backward(dout).sum(axis=0)

    with pytest.raises(ValueError, match=r"^backward must return .* \(2, 3\), got"):
        check_layer(Sums(), rng.standard_normal((2, 3)), rng)


def test_the_array_in_float32_is_named(rng):
    x = rng.standard_normal((5, 4))
    with pytest.raises(TypeError, match=r"^params\[0\] must be float64, got float32"):
        check_layer(Linear(4, 3, rng=rng), x, rng)
    layer = Linear(4, 3, rng=rng).astype(np.float64)
    with pytest.raises(TypeError, match=r"^x must be float64, got float32"):
        check_layer(layer, x.astype(np.float32), rng)


def test_x_is_restored_after_an_error():
    x = np.zeros(3)

    def fails_when_changed():
        if x[1] != 0:
            raise ZeroDivisionError
        return 0.0

    with pytest.raises(ZeroDivisionError):
        numerical_gradient(fails_when_changed, x)
    assert x.tolist() == [0, 0, 0]


def test_a_stale_mask_is_found(rng):
    errors = check_layer(StaleDropout(0.5), rng.standard_normal((5, 4)), rng)
    assert errors["x"] > 0.1


def test_a_gradient_that_is_not_a_number_is_found(rng):
    layer = WrongInput(4, 3, rng=rng).astype(np.float64)
    layer.W.data[0, 0] = math.nan
    errors = check_layer(layer, rng.standard_normal((5, 4)), rng)
    assert not errors["x"] <= 1e-6
