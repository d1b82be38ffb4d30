"""Transfer from a substitute: a network of your own that learns the victim's answers.

The victim only predicts classes; its gradients and probabilities aren't needed. Images
that fool the substitute often fool the victim too.
"""

import numpy as np

from attacks.arguments import checked, images
from attacks.forwards import network
from attacks.threat import clip_to_bounds
from attacks.victims import Predict, vjp_of
from minidl.backend import Array, get_array_module
from minidl.batches import batches
from minidl.checks import check_labels
from minidl.layers import Sequential
from minidl.optimizers import Adam
from minidl.training import train


@checked(model=Sequential, x=images(bounds=(0, 1)))
def train_substitute(
    predict: Predict,
    model: Sequential,
    x: Array,
    rng: np.random.Generator,
    rounds: int = 6,
    step: float = 0.1,
    epochs: int = 10,
    batch_size: int = 32,
    lr: float = 1e-3,
) -> Sequential:
    """Train `model`, in place, to answer like the victim around the images x.

    In each round the victim labels the new images, the substitute is trained on all
    images, and each image gets a neighbour in the direction in which the substitute's
    answer changes most:

        S <- S + {v + step sign(dF_k/dv) : v in S},   k = the victim's answer for v,

    so that S doubles; all rounds take len(x) 2^(rounds - 1) queries. Attack the victim
    with `model_gradient` of the result, which is `model`.

    Shapes: x (N, H, W, C) in [0, 1]: a few images of each class, and none of the
    victim's.
    Source: Papernot et al., Practical Black-Box Attacks against Machine Learning, 2017,
    algorithm 1.
    """
    optimizer, xp = Adam(model.params, lr), get_array_module(x)
    y = predict(x)
    check_labels("what predict returns", y, len(x), model.classes)
    for i in range(rounds):
        if i > 0:
            new = clip_to_bounds(neighbours(model, x, y, step), (0, 1))
            x, y = xp.concatenate([x, new]), xp.concatenate([y, predict(new)])
        train(model, x, y, optimizer, epochs, batch_size, rng)
    return model


def neighbours(model: Sequential, x: Array, y: Array, step: float) -> Array:
    """Return x + step sign(dF_y/dx), F the substitute's logits; shapes like x."""
    xp, vjp = get_array_module(x), vjp_of(network(model))
    found = []
    for batch in batches(xp.arange(len(x)), 256):
        dz = xp.zeros((len(batch), model.classes), x.dtype)
        dz[xp.arange(len(batch)), y[batch]] = 1
        found.append(x[batch] + step * xp.sign(vjp(x[batch], dz)))
    return xp.concatenate(found)
