"""The cost function J(theta, x, y) that training descends and attacks ascend.

It takes logits, not probabilities. log(softmax(z)) is then computed without taking the
logarithm of a number that was rounded to 0, and the gradient stays exact for images
that the network classifies with confidence, where attacks usually start.

    cross_entropy        -log p_y                   of labels
    soft_cross_entropy   -sum_k q_k log p_k         of probabilities
    squared_error        mean of (out - target)^2   of images

Each returns the cost of every image, and the gradient of the sum of all costs.
"""

from minidl import kernels
from minidl.backend import Array, get_array_module, rounds_to_zero
from minidl.checks import check_batch, check_number
from minidl.checks.losses import images_like, soft_labels
from minidl.checks.rules import checked, nonempty
from minidl.kernels.reference import log_softmax

TEMPERATURES = "[1e-6, 1e6]"  # beyond, z / T overflows in float32, or all p are alike


@rounds_to_zero
def cross_entropy(z: Array, y: Array, temperature: float = 1) -> tuple[Array, Array]:
    """Return each image's cost, -log p_y = log(sum_k exp z_k) - z_y, and its gradient.

    Costs are in nats, and p = softmax(z). dz = p - onehot(y) is the gradient of the sum
    of all costs; training descends their mean, and divides by N. At a temperature T,
    z / T replaces z, and dz = (p - onehot(y)) / T. `kernels.reference` has the
    equations; a GPU computes them in one kernel. There a label outside the classes
    gives NaN, because checking it would mean waiting for the GPU.
    Shapes: z and dz (N, K), y and costs (N,). Raises TypeError or ValueError for
    other logits or labels, and unless T is in TEMPERATURES.
    """
    T = check_number("temperature", temperature, TEMPERATURES)
    if T == 1:
        return kernels.cross_entropy(z, y)
    check_batch("z", z)
    costs, dz = kernels.cross_entropy(z / T, y)
    return costs, dz / T


@rounds_to_zero
@checked(z=nonempty("N K"), q=soft_labels, temperature=TEMPERATURES)
def soft_cross_entropy(
    z: Array, q: Array, temperature: float = 1
) -> tuple[Array, Array]:
    """Return each image's cost, -sum_k q_k log p_k, p = softmax(z / T), and dz.

    dz = (p - q) / T. In distillation, q are a teacher's probabilities softmax(z' / T),
    at the temperature T at which it was trained, and the student predicts at T = 1.
    Shapes: z, q and dz (N, K), costs (N,). Raises TypeError or ValueError for other
    logits, for rows of q that aren't probabilities (of sum 1, up to 1e-5), and unless T
    is in TEMPERATURES.
    Source: Papernot et al., Distillation as a Defense to Adversarial Perturbations
    against Deep Neural Networks, 2016, section IV.
    """
    T, log_p = temperature, log_softmax(z / temperature)
    return -(q * log_p).sum(axis=1), (get_array_module(z).exp(log_p) - q) / T


@rounds_to_zero
@checked(out=nonempty("..."), target=images_like)
def squared_error(out: Array, target: Array) -> tuple[Array, Array]:
    """Return each image's mean of (out - target)^2 over its D values, and dout.

    dout = 2 (out - target) / D, the gradient of the sum of all costs. Autoencoders are
    trained by this loss.
    Shapes: out, target and dout (N, ...), costs (N,). Raises TypeError or ValueError
    unless both are floats of the same shape, and the targets are finite.
    """
    difference = (out - target).reshape(len(out), -1)
    D = difference.shape[1]
    costs = (difference * difference).mean(axis=1)
    return costs, (2 / D * difference).reshape(out.shape)
