"""Stepping through a network: its trace and its summary."""

from itertools import pairwise

import numpy as np
import pytest

from minidl import (
    Conv2D,
    Flatten,
    Linear,
    MaxPool2D,
    Sequential,
    cross_entropy,
    summary,
    trace,
)
from tests import oracles
from tests.oracles import assert_close, differences

Y = np.array([0, 1, 2, 1])


def test_a_trace_shows_each_layers_input_and_output(model, x):
    steps = list(trace(model, x))
    assert [s.name for s in steps] == [f"{i} {m}" for i, m in enumerate(model.layers)]
    assert steps[0].input is x
    assert_close(steps[-1].output, model.forward(x), 1e-13)
    for one, two in pairwise(steps):
        assert two.input is one.output
    assert {(s.dinput, s.doutput, s.param_grads) for s in steps} == {(None,) * 3}


def test_without_labels_a_layer_runs_when_its_step_is_asked_for(model, x, monkeypatch):
    ran = []
    for i, layer in enumerate(model.layers):
        forward = layer.forward
        monkeypatch.setattr(
            layer, "forward", lambda x, i=i, f=forward: (ran.append(i), f(x))[1]
        )
    steps = trace(model, x)
    assert ran == []
    next(steps)
    next(steps)
    assert ran == [0, 1]


def test_with_labels_it_shows_the_gradients_of_backward(model, x):
    steps = list(trace(model, x, Y))
    dz = cross_entropy(model.forward(x), Y)[1] / len(x)
    dx = model.backward(dz)
    assert_close(steps[0].dinput, dx, 1e-13)
    assert_close(steps[-1].doutput, dz, 1e-13)
    gradients = [g for step in steps for g in step.param_grads]
    for gradient, p in zip(gradients, model.params, strict=True):
        assert_close(gradient, p.grad, 1e-13)
        assert not np.shares_memory(gradient, p.grad)
    for one, two in pairwise(steps):
        assert two.dinput is one.doutput


def test_with_labels_it_shows_derivatives_of_the_cost(x, rng):
    # Without ReLU, whose zeros tie in a pooling window, where no derivative exists.
    layers = [Conv2D(1, 2, rng=rng), MaxPool2D(2), Flatten(), Linear(8, 3, rng=rng)]
    model = Sequential(layers, (6, 6, 1)).astype(np.float64)
    for i, step in enumerate(trace(model, x, Y)):

        def cost(out=step.output, rest=layers[i + 1 :]):
            for layer in rest:
                out = layer.forward(out)
            return oracles.cross_entropy(out, Y)

        assert_close(step.doutput, differences(cost, step.output), 1e-6)


def test_bad_arguments_are_named(model, x):
    with pytest.raises(ValueError, match=r"^y must be 0 to 2, got 1 to 3"):
        list(trace(model, x, Y + 1))
    with pytest.raises(ValueError, match=r"^x must have shape \(N, 6, 6, 1\)"):
        list(trace(model, x[0]))


def test_a_summary(capsys, rng):
    layers = [Conv2D(1, 32, rng=rng), Flatten(), Linear(128, 10, rng=rng)]
    summary(Sequential(layers, (4, 4, 1)))
    lines = capsys.readouterr().out.splitlines()
    assert len({len(line) for line in lines}) == 1
    cells = [[c.strip() for c in line.split("  ") if c.strip()] for line in lines]
    assert cells == [
        ["layer", "output shape", "parameters"],
        ["input", "(4, 4, 1)"],
        ["0 Conv2D(1, 32, 3x3)", "(2, 2, 32)", "320"],
        ["1 Flatten()", "(128,)", "0"],
        ["2 Linear(128, 10)", "(10,)", "1,290"],
        ["total", "1,610"],
    ]
