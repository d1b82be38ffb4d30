"""Diversity as a loss: members are trained together, to differ where they err.

Source: Pang et al., Improving Adversarial Robustness via Promoting Ensemble Diversity,
2019: adaptive diversity promoting (ADP) training.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ensembles.checks import check_member_logits
from minidl.backend import Array, get_array_module, rounds_to_zero, to_numpy
from minidl.checks.rules import checked
from minidl.kernels.reference import log_softmax
from minidl.losses import cross_entropy

OFFSET = 1e-6  # added to G's diagonal: else members that agree give log 0


@rounds_to_zero
@checked(alpha="[0, inf)", beta="[0, inf)")
def adp(
    z: Array | Sequence[Array], y: Array, alpha: float = 2, beta: float = 0.5
) -> tuple[Array, Array]:
    """Return each image's cost, sum_i J(z_i, y) - alpha H - beta log det G, and dz.

    H is the entropy of the mean prediction, and G the Gram matrix of the members'
    probabilities of the wrong classes, each scaled to length 1: det G is large where
    these vectors point in different directions. The defaults are the paper's. dz[i] is
    the gradient of the sum of all costs with respect to member i's logits.
    Shapes: z and dz (M, N, K), of all members' logits, y and costs (N,), in nats.
    Raises TypeError or ValueError for other logits or labels, for a single member, for
    more than K - 1, whose G is singular, and unless alpha >= 0 and beta >= 0.
    """
    z = check_member_logits(z, y)
    entropy, dH = ensemble_entropy(z)
    diversity, dD = log_det_diversity(z, y)
    J: list[Any] = [cross_entropy(z_i, y) for z_i in z]
    dJ = get_array_module(z).stack([dz_i for _, dz_i in J])
    costs = sum(costs_i for costs_i, _ in J) - alpha * entropy - beta * diversity
    return costs, dJ - alpha * dH - beta * dD


def ensemble_entropy(z: Array) -> tuple[Array, Array]:
    """H = -sum_k p_k log p_k, where p is the mean of p_i = softmax(z_i).

    dH/dz_ik = -p_ik (log p_k - sum_j p_ij log p_j) / M.
    Shapes: z and dz (M, N, K), H (N,), in nats.
    """
    xp, M = get_array_module(z), len(z)
    log_p_i = xp.stack([log_softmax(z_i) for z_i in z])
    p_i, top = xp.exp(log_p_i), log_p_i.max(axis=0)
    log_p = top + xp.log(xp.exp(log_p_i - top).mean(axis=0))  # finite where p is 0
    along = (p_i * log_p).sum(axis=2, keepdims=True)
    return -(xp.exp(log_p) * log_p).sum(axis=1), -p_i * (log_p - along) / M


def log_det_diversity(z: Array, y: Array) -> tuple[Array, Array]:
    """log det G, G_ij = <q_i, q_j>, q_i = p_i without its entry y, scaled to length 1.

    The scaling cancels the softmax's sum, so q_ik = exp(z_ik) / |exp(z_i)| over k != y.
    With g_i = d(log det G)/dq_i = 2 sum_j (G^-1)_ij q_j, the gradient is
    dz_ik = q_ik (g_ik - q_ik <g_i, q_i>).
    Computed in float64, because G is nearly singular as long as members agree.
    Shapes: z and dz (M, N, K), y and log det G (N,).
    """
    xp, M, K = get_array_module(z), len(z), z.shape[2]
    others = xp.where(xp.arange(K) == y[:, None], -np.inf, z.astype(np.float64))
    e = xp.exp(others - others.max(axis=2, keepdims=True))
    q = (e / xp.sqrt((e * e).sum(axis=2, keepdims=True))).transpose(1, 0, 2)
    G = to_numpy(q @ q.transpose(0, 2, 1)) + OFFSET * np.eye(M)  # (N, M, M)
    g = 2 * xp.asarray(np.linalg.inv(G)) @ q
    dz = q * (g - q * (g * q).sum(axis=2, keepdims=True))
    value = xp.asarray(np.linalg.slogdet(G).logabsdet)
    return value.astype(z.dtype), dz.transpose(1, 0, 2).astype(z.dtype)
