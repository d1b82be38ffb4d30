"""Auto-PGD once more, image by image, in the paper's words and letters.

Croce & Hein 2020, algorithm 1; Linf and L2. It shares nothing with the library but the
loss. The points W are checked only where a list says so, as the paper gives the rule in
fractions of all steps.
"""

import numpy as np

CHECKPOINTS_OF_100 = [22, 41, 57, 70, 80, 87, 93, 99]


def project(z, x, eps, norm):
    """P_S: into the ball around x, then into [0, 1]."""
    if norm == "Linf":
        return np.clip(np.minimum(np.maximum(z, x - eps), x + eps), 0, 1)
    length = np.linalg.norm(z - x)
    return np.clip(x + (z - x) * min(1, eps / length) if length > 0 else x, 0, 1)


def steepest(g, norm):
    return np.sign(g) if norm == "Linf" else g / (np.linalg.norm(g) or 1)


def naive_apgd(loss, x, y, x_0, eps, norm, W, steps):
    """Return x_max of one image; loss(x) gives f(x) and its gradient."""

    def f(v):
        value, gradient = loss(v[None], np.array([y]))
        return value[0], gradient[0]

    eta, rho, alpha = 2 * eps, 0.75, 0.75
    history = {0: (x_0, *f(x_0))}  # k -> x^(k), f, gradient
    x_1 = project(x_0 + eta * steepest(history[0][2], norm), x, eps, norm)
    history[1] = (x_1, *f(x_1))
    f_max, x_max = history[0][1], x_0
    if history[1][1] > f_max:
        f_max, x_max = history[1][1], x_1
    previous, (current, value, gradient) = x_0, history[1]
    climbs = [history[1][1] > history[0][1]]
    eta_then, f_max_then, last = None, history[0][1], 0
    for k in range(1, steps):
        z = project(current + eta * steepest(gradient, norm), x, eps, norm)
        moved = current + alpha * (z - current) + (1 - alpha) * (current - previous)
        new = project(moved, x, eps, norm)
        new_value, new_gradient = f(new)
        climbs.append(new_value > value)
        if new_value > f_max:
            f_max, x_max = new_value, new
        previous, current, value, gradient = current, new, new_value, new_gradient
        if k + 1 in W:
            condition_1 = sum(climbs) < rho * (k + 1 - last)
            condition_2 = eta_then == eta and f_max_then == f_max
            eta_then, f_max_then, last, climbs = eta, f_max, k + 1, []
            if condition_1 or condition_2:
                eta, current = eta / 2, x_max
                value, gradient = f(x_max)
    return x_max
