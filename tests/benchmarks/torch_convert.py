"""Conversion of minidl's networks and arrays to PyTorch: same weights, channels last.

ReLU works in place. Images are flattened in the order of memory, which saves PyTorch a
copy (a tenth of Table 1's training step), and needs no reordering of weights.
"""

from typing import Any

import numpy as np
import torch
from torch import nn

from minidl import Conv2D, Dropout, Flatten, Linear, MaxPool2D, ReLU, Sequential
from minidl.backend import Array, Device, device_of

Tensor = torch.Tensor
TORCH_DEVICE = {"cpu": "cpu", "gpu": "cuda"}


class FlattenNHWC(nn.Module):
    """Images to rows: a view, because channels are last."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, H*W*C)."""
        return x.permute(0, 2, 3, 1).flatten(1)


def convert(model: Sequential, device: Device = "cpu") -> nn.Sequential:
    """Return the same network, with the same weights, in PyTorch."""
    layers = [module(layer) for layer in model.layers]
    network = nn.Sequential(*layers).to(memory_format=torch.channels_last)
    return network.to(TORCH_DEVICE[device])


def single_precision() -> None:
    """Let PyTorch compute in float32 on a GPU too, with its fastest algorithms."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = True


def module(layer: Any) -> nn.Module:
    """Return one layer in PyTorch."""
    match layer:
        case Conv2D():
            C, F = layer.W.data.shape[2:]
            conv = nn.Conv2d(C, F, layer.kernel_size, layer.stride, layer.pad)
            return fill(conv, layer.W.data.transpose(3, 2, 0, 1), layer.b.data)
        case Linear():
            return fill(nn.Linear(*layer.W.data.shape), layer.W.data.T, layer.b.data)
        case MaxPool2D():
            return nn.MaxPool2d(layer.size, layer.stride)
        case Dropout():
            return nn.Dropout(layer.rate)
        case ReLU():
            return nn.ReLU(inplace=True)
        case Flatten():
            return FlattenNHWC()
    raise TypeError(f"PyTorch's {layer} isn't known here")


def fill(target: Any, W: Array, b: Array) -> nn.Module:
    """Copy weights, in PyTorch's order of axes, and biases."""
    with torch.no_grad():
        target.weight.copy_(torch.from_numpy(np.ascontiguousarray(W)))
        target.bias.copy_(torch.from_numpy(b))
    return target


def tensor(x: Array) -> Tensor:
    """Return an array as a tensor on the same device, without a copy."""
    return torch.as_tensor(x, device=TORCH_DEVICE[device_of(x)])


def images(x: Array) -> Tensor:
    """View images (N, H, W, C) as tensors (N, C, H, W), channels last."""
    return tensor(x).permute(0, 3, 1, 2)


def in_nhwc(x: Tensor) -> Tensor:
    """View (N, C, H, W) as (N, H, W, C)."""
    return x.permute(0, 2, 3, 1)


def in_our_layout(p: Tensor) -> Tensor:
    """View weights, or their gradient, in minidl's order of axes."""
    axes = {1: (0,), 2: (1, 0), 4: (2, 3, 1, 0)}[p.ndim]
    return p.permute(axes)
