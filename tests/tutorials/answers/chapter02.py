"""Plain answers of chapter 2."""


def linear_forward(x, W, b):
    """2.1"""
    return x @ W + b


def linear_backward(x, W, dout):
    """2.2"""
    return dout @ W.T, x.T @ dout, dout.sum(axis=0)


def relu_backward(x, dout):
    """2.3"""
    return dout * (x > 0)


def two_layers_input_gradient(x, W1, W2, dout):
    """2.4"""
    return (dout @ W2.T * (x @ W1 > 0)) @ W1.T
