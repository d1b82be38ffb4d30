"""The cost function J(theta, x, y) that training descends and attacks ascend.

It takes logits, not probabilities: log(softmax(z)) is then computed without ever
taking the logarithm of a number that was rounded to 0, and the gradient stays exact
for points that the network is sure of, which are the points an attack starts from.
"""

from minidl import kernels
from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_batch, check_logits
from minidl.layers.activations import log_softmax


@rounds_to_zero
def cross_entropy(z: Array, y: Array) -> tuple[Array, Array]:
    """Return each image's cost, -log p_y = log(sum_k exp z_k) - z_y, and its gradient.

    Costs are in nats, p = softmax(z), and dz = p - onehot(y), each image's own: the
    gradient of the sum of all costs. Training descends their mean, and divides by N.
    On a GPU a label that is no class gives NaN: to look for it would be to wait.
    Shapes: z and dz (N, K), y and costs (N,). Raises TypeError or ValueError for
    other logits or labels.
    """
    check_batch("z", z, ndim=2)
    if kernel := kernels.gpu_kernel("cross_entropy", z):
        return kernel(z, y)
    check_logits(z, y)
    xp = get_array_module(z)
    rows, log_p = xp.arange(len(z)), log_softmax(z)
    dz = xp.exp(log_p)
    # p_y - 1 is minus the sum of the others. In float32, 1 - p_y is exactly 0 once the
    # logits' gap exceeds 17 to 19, and what lowers z_y would be lost.
    dz[rows, y] = 0
    dz[rows, y] = -dz.sum(axis=1)
    return -log_p[rows, y], dz
