"""The cost function J(theta, x, y) that training descends and attacks ascend.

It takes logits, not probabilities: log(softmax(z)) is then computed without ever
taking the logarithm of a number that was rounded to 0, and the gradient stays exact
for points that the network is sure of, which are the points an attack starts from.
"""

from minidl.backend import Array, get_array_module


class SoftmaxCrossEntropy:
    """Cross-entropy of the softmax, J = mean over n of -log p[n, y[n]].

    `costs` holds each image's own -log p[n, y[n]] afterwards.
    Shapes: z (N, K), y (N,), J 0-d, dz (N, K), costs (N,).
    """

    def forward(self, z: Array, y: Array) -> Array:
        """Return J = mean of log(sum_j exp z_j) - z_y, in nats."""
        xp = get_array_module(z)
        self.rows, self.y = xp.arange(len(z)), y
        z = z - z.max(axis=1, keepdims=True)  # softmax is the same; exp can't overflow
        log_p = z - xp.log(xp.exp(z).sum(axis=1, keepdims=True))
        self.p = xp.exp(log_p)
        self.costs = -log_p[self.rows, y]
        return xp.asarray(self.costs.mean())

    def backward(self) -> Array:
        """dJ/dz = (p - onehot(y)) / N.

        The entry p_y - 1 is written as minus the sum of the others: in float32, 1 - p_y
        is exactly 0 once the logits' gap exceeds about 17, and an attack would be lost.
        """
        dz = self.p.copy()
        dz[self.rows, self.y] = 0
        dz[self.rows, self.y] = -dz.sum(axis=1)
        return dz / len(dz)
