"""The cost function J(theta, x, y) that training descends and attacks ascend.

It takes logits, not probabilities: log(softmax(z)) is then computed without ever
taking the logarithm of a number that was rounded to 0, and the gradient stays exact
for points that the network is sure of, which are the points an attack starts from.
"""

from minidl import kernels
from minidl.backend import Array


def cross_entropy(z: Array, y: Array) -> tuple[Array, Array]:
    """Return each image's cost, -log p_y = log(sum_k exp z_k) - z_y, and its gradient.

    Costs are in nats, p = softmax(z), and dz = p - onehot(y), each image's own: the
    gradient of the sum of all costs. Training descends their mean, and divides by N.
    The equations stand in `kernels.reference`; a GPU has them in one kernel. There a
    label that is no class gives NaN: to look for it would be to wait.
    Shapes: z and dz (N, K), y and costs (N,). Raises TypeError or ValueError for
    other logits or labels.
    """
    return kernels.cross_entropy(z, y)
