"""A PyTorch module under the attacks of this library: `torch_forward(module)`.

Calling it imports PyTorch. The images are (N, C, H, W) in PyTorch and (N, H, W, C)
here: their axes are permuted on the way in, and autograd permutes the gradient's back.
"""

from typing import Any

import numpy as np

from attacks.extras import extra
from attacks.forwards import Back, Forward
from attacks.norms import on_device_of
from minidl.backend import Array, to_numpy
from minidl.checks import check_batch, check_shape
from minidl.checks.answers import check_finite, check_rows
from minidl.layers import softmax

__all__ = ["TorchClassifier", "torch_forward"]


class TorchClassifier:
    """A module in the form that `accuracy`, `evaluate` and `diagnose` take.

    `forward` is its forward pass, for loss_of(forward, margin), vjp_of(forward) ...
    """

    def __init__(self, module: Any, channels_last: bool = False) -> None:
        """Arguments and errors are those of `torch_forward`."""
        self.forward = torch_forward(module, channels_last)

    def predict_proba(self, x: Array) -> Array:
        """Return p = softmax(z). Shapes: x (N, H, W, C), p (N, K)."""
        return softmax(self.forward(x)[0])


def torch_forward(module: Any, channels_last: bool = False) -> Forward:
    """Return the forward pass of a torch.nn.Module that gives logits (N, K).

    The module gets images as (N, C, H, W), or unchanged with `channels_last`, in the
    type and on the device of its parameters. Its parameters and their gradients don't
    change.
    Raises TypeError unless it is a module and returns a tensor; ValueError for a module
    in training mode, whose dropout and averages would change with each call, for
    results other than finite logits (N, K), such as probabilities, and in the backward
    pass if no gradient leads from z to x.
    """
    with extra("PyTorch", "torch"):
        import torch
    if not isinstance(module, torch.nn.Module):
        kind = type(module).__name__
        raise TypeError(f"module must be a torch.nn.Module, got {kind}")

    def forward(x: Array) -> tuple[Array, Back]:
        check_batch("x", x, ndim=4)
        check_evaluating(module)
        with torch.inference_mode(False), torch.enable_grad():
            given = torch.tensor(np.ascontiguousarray(to_numpy(x)))
            leaf = given.to(next(module.parameters(), given)).requires_grad_()
            images = leaf if channels_last else leaf.permute(0, 3, 1, 2)
            # A copy: the module may work in place.
            z = module(images.clone(memory_format=torch.contiguous_format))
        if not isinstance(z, torch.Tensor):
            raise TypeError(f"module must return logits, got {type(z).__name__}")
        if z.is_complex():
            raise TypeError(f"module must return floats, got {z.dtype}")

        def back(dz: Array) -> Array:
            check_shape("dz", dz, tuple(z.shape))
            dx = None
            if z.requires_grad:
                dout = torch.tensor(np.ascontiguousarray(to_numpy(dz))).to(z)
                how = dict(retain_graph=True, allow_unused=True)
                [dx] = torch.autograd.grad(z, leaf, dout, **how)
            if dx is None:
                raise ValueError("module must let gradients through, from z to x")
            return on_device_of(x, dx.cpu().double().numpy())

        found = z.detach().cpu().double().numpy()
        check_returned(found, len(x))
        return on_device_of(x, found), back

    return forward


def check_returned(z: Array, count: int) -> None:
    """Raise TypeError or ValueError unless a module has returned logits (N, K)."""
    check_rows("module", z, count, "f")
    check_finite("module", z)
    if (z >= 0).all() and (abs(z.sum(axis=1) - 1) < 1e-5).all():
        raise ValueError(
            "module must return logits, got probabilities: leave out its softmax"
        )


def check_evaluating(module: Any) -> None:
    """Raise ValueError if any part of a module is in training mode."""
    if any(part.training for part in module.modules()):
        raise ValueError(
            "module must be in evaluation mode, got one in training mode: call "
            "module.eval() first"
        )
