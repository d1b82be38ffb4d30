"""Monte Carlo dropout, a random defence, and the loss of one draw of it.

Its adaptive attack climbs the mean over draws (EOT: Athalye et al., Synthesizing Robust
Adversarial Examples, 2018).
"""

import numpy as np

from attacks.forwards import Back
from minidl.backend import Array
from minidl.layers import Sequential


class Draw:
    """A network with dropout on: each forward pass draws masks from a generator."""

    def __init__(self, model: Sequential, rng: np.random.Generator) -> None:
        self.model, self.rng = model, rng

    def forward(self, x: Array) -> tuple[Array, Back]:
        """Return logits, and the backward pass through the same masks."""
        z = self.model.forward(x, self.rng)
        latest = self.model.latest

        def back(dz: Array) -> Array:
            self.model.latest = latest
            dx: Array = self.model.backward(dz, param_grads=False)
            return dx

        return z, back
