"""A classifier whose logits are linear, z = flat(x) W + b: attacks in closed form."""

import numpy as np

from attacks import logits_of, network, vjp_of
from tests.attacks.conftest import new_linear_model


class LinearVictim:
    """A model, the functions that attacks take, and the distances to its borders."""

    def __init__(self, seed=3, dtype=np.float64, images=12):
        rng = np.random.default_rng(seed)
        self.model = new_linear_model(rng, dtype)
        self.x = (0.4 + 0.2 * rng.random((images, 6, 6, 2))).astype(dtype)
        self.y = self.model.predict(self.x)
        forward = network(self.model)
        self.logits, self.vjp = logits_of(forward), vjp_of(forward)

    def borders(self):
        """f_k = z_y - z_k (N, K) and w_k = W_k - W_y (N, K, D); 0 at k = y."""
        W, z = self.model.params[0].data, self.model.forward(self.x)
        f = z[np.arange(len(z)), self.y][:, None] - z
        return f, W.T[None] - W.T[self.y][:, None]

    def smallest(self, dual):
        """The least |r| that reaches a border: min over k of f_k / |w_k|_dual."""
        f, w = self.borders()
        far = np.linalg.norm(w, dual, axis=2)
        far = np.where(far > 0, f / np.where(far > 0, far, 1), np.inf)
        return far.min(axis=1), far.argmin(axis=1)
