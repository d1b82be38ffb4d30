"""One convolution in PyTorch, without autograd's small costs; channels last."""

from collections.abc import Callable
from typing import Any

import torch

from minidl.backend import Array
from tests.benchmarks.torch_convert import (
    Tensor,
    images,
    in_nhwc,
    in_our_layout,
    single_precision,
    tensor,
)


def convolution(
    x: Array, W: Array, b: Array, dout: Array, pad: int
) -> dict[str, Callable[[], Any]]:
    """Return PyTorch's four operations; forward with bias and ReLU."""
    single_precision()
    tx, td, tb = images(x), images(dout), tensor(b)
    tW = tensor(W).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)

    def grads(dx: bool, dW: bool) -> list[Tensor]:
        settings = ([1, 1], [pad, pad], [1, 1], False, [0, 0], 1, [dx, dW, False])
        pair = torch.ops.aten.convolution_backward(td, tx, tW, None, *settings)[:2]
        readers = (in_nhwc, in_our_layout)
        results = zip(readers, pair, (dx, dW), strict=True)
        return [read(array) for read, array, asked in results if asked]

    def forward() -> list[Tensor]:
        return [
            in_nhwc(torch.relu_(torch.nn.functional.conv2d(tx, tW, tb, padding=pad)))
        ]

    return {
        "forward": forward,
        "input gradient": lambda: grads(True, False),
        "weight gradient": lambda: grads(False, True),
        "both gradients": lambda: grads(True, True),
    }
