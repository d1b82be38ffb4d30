"""Rounding: a network that sees pixels in a few levels only.

Xu, Evans & Qi, Feature Squeezing: Detecting Adversarial Examples in Deep Neural
Networks, NDSS 2018. The true gradient is 0. Its adaptive attack takes rounding for the
identity on the way back (BPDA: Athalye, Carlini & Wagner, Obfuscated Gradients Give a
False Sense of Security, ICML 2018, section 4.1).
"""

from attacks.adaptive import bpda
from attacks.forwards import network
from minidl import Round, Sequential


class Rounded:
    """A trained network with a rounding layer in front."""

    def __init__(self, model: Sequential, levels: int = 4) -> None:
        rounding = Round(levels)
        self.model = Sequential([rounding, *model.layers], model.input_shape)
        self.predict_proba = self.model.predict_proba
        self.true_forward = network(self.model)  # for a non-adaptive attack
        self.forward = bpda(network(model), rounding.forward)
