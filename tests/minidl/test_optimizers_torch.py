"""The optimizers against PyTorch's."""

import pytest

from minidl import (
    SGD,
    Adadelta,
    Adam,
    Parameter,
    RMSprop,
)
from tests.oracles import assert_close

torch = pytest.importorskip("torch", reason="PyTorch, an oracle, isn't installed")


OPTIMIZERS = [
    (SGD, torch.optim.SGD, {"lr": 0.1}, {}),
    (SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}, {}),
    (Adam, torch.optim.Adam, {}, {}),
    (
        Adam,
        torch.optim.Adam,
        {"lr": 0.1, "beta1": 0.7, "beta2": 0.8, "eps": 0.1},
        {"betas": (0.7, 0.8)},
    ),
    (RMSprop, torch.optim.RMSprop, {}, {"lr": 1e-3, "alpha": 0.9}),
    (RMSprop, torch.optim.RMSprop, {"lr": 0.1, "rho": 0.6, "eps": 0.1}, {"alpha": 0.6}),
    (Adadelta, torch.optim.Adadelta, {}, {"rho": 0.95}),
    (Adadelta, torch.optim.Adadelta, {"lr": 0.3, "rho": 0.6, "eps": 0.1}, {}),
]


@pytest.mark.parametrize(("ours", "theirs", "options", "renamed"), OPTIMIZERS)
def test_optimizers(rng, ours, theirs, options, renamed):
    start = rng.standard_normal((4, 3))
    p, leaf = Parameter(start.copy()), torch.tensor(start, requires_grad=True)
    optimizer = ours([p], **options)
    known = {k: v for k, v in options.items() if k not in ("beta1", "beta2")}
    if "alpha" in renamed:
        known.pop("rho", None)
    their_optimizer = theirs([leaf], **known | renamed)
    for _ in range(10):
        p.grad[...] = rng.standard_normal((4, 3))
        leaf.grad = torch.tensor(p.grad)
        optimizer.step()
        their_optimizer.step()
        assert_close(p.data, leaf.detach(), 1e-12)
