"""Usual wrong answers to chapter 2, each under the sentence that names it."""

import numpy as np

MISTAKES = {
    "linear_forward": {
        "you leave out b": lambda x, W, b: x @ W,
        "you subtract b": lambda x, W, b: x @ W - b,
        "a ReLU doesn't belong to this layer": (
            lambda x, W, b: np.maximum(x @ W + b, 0)
        ),
        "you multiply by b where it must be added": lambda x, W, b: x @ W * b,
        "you add b twice": lambda x, W, b: x @ W + 2 * b,
        "you add b's mean: each output has its own b": (
            lambda x, W, b: x @ W + b.mean()
        ),
        "you add b to each product: add it once, to their sum": (
            lambda x, W, b: (x[:, :, None] * W + b).sum(axis=1)
        ),
        "you use the first row of x for all rows": (
            lambda x, W, b: np.repeat(x[:1] @ W + b, len(x), axis=0)
        ),
    },
    "linear_backward": {
        "dJ/db is the sum over the batch: J's mean is in dout already": (
            lambda x, W, dout: (dout @ W.T, x.T @ dout, dout.mean(axis=0))
        ),
        "you divide dJ/dW by N: J's mean is in dout already": (
            lambda x, W, dout: (dout @ W.T, x.T @ dout / len(x), dout.sum(axis=0))
        ),
        "dJ/dW is transposed: it must have W's shape": (
            lambda x, W, dout: (dout @ W.T, dout.T @ x, dout.sum(axis=0))
        ),
        "dJ/db is summed over the wrong axis": (
            lambda x, W, dout: (dout @ W.T, x.T @ dout, dout.sum(axis=1))
        ),
        "you return max(dout, 0) W^T: this layer has no ReLU": lambda x, W, dout: (
            np.maximum(dout, 0) @ W.T,
            x.T @ dout,
            dout.sum(axis=0),
        ),
        "dJ/dx and dJ/dW are divided by N: J's mean is in dout already": (
            lambda x, W, dout: (
                dout @ W.T / len(x),
                x.T @ dout / len(x),
                dout.sum(axis=0),
            )
        ),
        "all three are divided by N: J's mean is in dout already": (
            lambda x, W, dout: (
                dout @ W.T / len(x),
                x.T @ dout / len(x),
                dout.mean(axis=0),
            )
        ),
        "dJ/db is one number: each output has its own b": lambda x, W, dout: (
            dout @ W.T,
            x.T @ dout,
            np.full(W.shape[1], dout.sum()),
        ),
        "the results are in the wrong order: return dx, dW, db": (
            lambda x, W, dout: (x.T @ dout, dout @ W.T, dout.sum(axis=0))
        ),
    },
    "relu_backward": {
        "you return max(dout, 0): the sign of x decides": (
            lambda x, dout: np.maximum(dout, 0)
        ),
        "at x = 0 the gradient is 0 by convention, but yours passes": (
            lambda x, dout: dout * (x >= 0)
        ),
        "the gradient passes where x is negative": lambda x, dout: dout * (x < 0),
        "you return the derivative alone: it must be multiplied by dout": (
            lambda x, dout: (x > 0).astype(x.dtype)
        ),
        "you multiply by x, not by the derivative of max(x, 0)": (
            lambda x, dout: dout * np.maximum(x, 0)
        ),
        "you multiply by x, not by the derivative": lambda x, dout: dout * x,
        "you multiply by the sign of x: where x is negative the derivative is 0": (
            lambda x, dout: dout * np.sign(x)
        ),
        "you return dout unchanged: it stops where x is negative": (
            lambda x, dout: dout.copy()
        ),
        "you stop dout where it is negative, too: only x decides": (
            lambda x, dout: np.maximum(dout, 0) * (x > 0)
        ),
        "you return max(x, 0): this is the forward pass": (
            lambda x, dout: np.maximum(x, 0)
        ),
    },
    "two_layers_input_gradient": {
        "you leave out the ReLU": lambda x, W1, W2, dout: dout @ W2.T @ W1.T,
        "the ReLU's derivative depends on x W1, not on the gradient": (
            lambda x, W1, W2, dout: np.maximum(dout @ W2.T, 0) @ W1.T
        ),
        "the gradient passes where x W1 is negative: it must stop there": (
            lambda x, W1, W2, dout: (dout @ W2.T * (x @ W1 < 0)) @ W1.T
        ),
        "the ReLU's derivative depends on x W1, not on x": lambda x, W1, W2, dout: (
            dout @ W2.T @ W1.T * (x > 0)
        ),
        "at 0 the ReLU's derivative is 0 by convention, but yours passes": (
            lambda x, W1, W2, dout: (dout @ W2.T * (x @ W1 >= 0)) @ W1.T
        ),
        "you multiply by x W1, not by the derivative of max(x W1, 0)": (
            lambda x, W1, W2, dout: (dout @ W2.T * (x @ W1)) @ W1.T
        ),
        "you stop the gradient where it is negative, too": (
            lambda x, W1, W2, dout: np.maximum(dout @ W2.T, 0) * (x @ W1 > 0) @ W1.T
        ),
        "this layer has a ReLU before W2 only, not at the end": (
            lambda x, W1, W2, dout: (
                dout * (np.maximum(x @ W1, 0) @ W2 > 0) @ W2.T * (x @ W1 > 0) @ W1.T
            )
        ),
        "you multiply by max(x W1, 0), not by its derivative": (
            lambda x, W1, W2, dout: (dout @ W2.T * np.maximum(x @ W1, 0)) @ W1.T
        ),
        "you return the gradient after the first layer, not the gradient of x": (
            lambda x, W1, W2, dout: dout @ W2.T * (x @ W1 > 0)
        ),
    },
}
