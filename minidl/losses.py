"""The cost function J(theta, x, y) that training descends and attacks ascend.

It takes logits, not probabilities: log(softmax(z)) is then computed without ever
taking the logarithm of a number that was rounded to 0, and the gradient stays exact
for points that the network is sure of, which are the points an attack starts from.
"""

import threading
from collections.abc import Callable
from typing import Any

from minidl import kernels
from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_batch, check_device, check_label_array, check_logits


class SoftmaxCrossEntropy(threading.local):
    """Cross-entropy of the softmax, J = mean over n of -log p[n, y[n]].

    `costs` holds each image's own -log p[n, y[n]] afterwards. As a layer does, it keeps
    the latest forward pass of each thread.
    Shapes: z (N, K), y (N,), J 0-d, dz (N, K), costs (N,). Raises TypeError or
    ValueError for other logits or labels.
    """

    @rounds_to_zero
    def forward(self, z: Array, y: Array) -> Array:
        """Return J = mean of log(sum_j exp z_j) - z_y, in nats."""
        check_logits(z, y)
        xp = get_array_module(z)
        self.rows, self.y = xp.arange(len(z)), y
        z = z - z.max(axis=1, keepdims=True)  # softmax is the same; exp can't overflow
        log_p = z - xp.log(xp.exp(z).sum(axis=1, keepdims=True))
        self.p = xp.exp(log_p)
        self.costs = -log_p[self.rows, y]
        return xp.asarray(self.costs.mean())

    @rounds_to_zero
    def backward(self) -> Array:
        """dJ/dz = (p - onehot(y)) / N.

        The entry p_y - 1 is written as minus the sum of the others: in float32, 1 - p_y
        is exactly 0 once the logits' gap exceeds 17 to 19, and what lowers z_y is lost.
        """
        self.check_forward()
        dz = self.p.copy()
        dz[self.rows, self.y] = 0
        dz[self.rows, self.y] = -dz.sum(axis=1)
        return dz / len(dz)

    def check_forward(self) -> None:
        """Raise RuntimeError unless this thread has called `forward`."""
        if not hasattr(self, "costs"):
            raise RuntimeError(
                "backward of the loss needs a forward pass in the same thread first"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return SoftmaxCrossEntropy, ()  # a copy has seen no forward pass yet


class FusedSoftmaxCrossEntropy(SoftmaxCrossEntropy):
    """The same in one kernel of a GPU, which computes J and its gradient.

    Starting a kernel takes longer there than this loss: as written above it takes 20.
    """

    def __init__(self, kernel: Callable[[Array, Array], tuple[Array, Array]]) -> None:
        self.kernel = kernel

    def forward(self, z: Array, y: Array) -> Array:
        """Return J, and keep dJ/dz; NaN, not an error, where a label is no class.

        To look for such a label would be to wait for the GPU.
        """
        check_batch("z", z, ndim=2)
        check_label_array("y", y, len(z))
        check_device("y", y, z)
        self.costs, self.dz = self.kernel(z, y)
        return self.costs.mean()

    def backward(self) -> Array:
        """dJ/dz = (p - onehot(y)) / N, computed by `forward`."""
        self.check_forward()
        return self.dz


def loss_for(z: Array) -> SoftmaxCrossEntropy:
    """Return the loss that suits the device and type of the logits z."""
    kernel = kernels.gpu_kernel("cross_entropy", z)
    return FusedSoftmaxCrossEntropy(kernel) if kernel else SoftmaxCrossEntropy()
