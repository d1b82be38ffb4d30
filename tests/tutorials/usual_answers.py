"""Answers that learners give to exercises of chapters 8 to 13, right and wrong."""

import math

import numpy as np


def onehot(y, K):
    return np.eye(K)[y]


def of_label(a, y):
    return a[np.arange(len(y)), y]


def without_label(a, y, low):
    other = a.copy()
    other[np.arange(len(y)), y] = low
    return other


def vote_loop(p):
    return [np.bincount(v, minlength=p.shape[2]).argmax() for v in p.argmax(axis=2).T]


def last_vote(p):
    counts = [np.bincount(v, minlength=p.shape[2]) for v in p.argmax(axis=2).T]
    return np.array([np.flatnonzero(c == c.max())[-1] for c in counts])


def norms(g, axis=(2, 3, 4)):
    return np.sqrt((g**2).sum(axis=axis, keepdims=True))


def unit(g, axis=(2, 3, 4)):
    n = norms(g, axis)
    return g / np.where(n > 0, n, 1)


def weights(J):
    p = np.exp(-(J - J.min(axis=0)))
    return p / p.sum(axis=0)


def unit_loop(g):
    total = np.zeros(g.shape[1:])
    for member in g:
        for n, image in enumerate(member):
            length = np.linalg.norm(image)
            if length > 0:
                total[n] += image / length
    return total


def wilson(correct, images, z=1.959964):
    p, n = correct / images, images
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return [(p + z**2 / (2 * n) + s * half) / (1 + z**2 / n) for s in (-1, 1)]


def wald(correct, images, z=1.96, clip=False):
    p = correct / images
    half = z * math.sqrt(p * (1 - p) / images)
    ends = p - half, p + half
    return (max(0, ends[0]), min(1, ends[1])) if clip else ends


def agresti(correct, images):
    n = images + 1.96**2
    p = (correct + 1.96**2 / 2) / n
    half = 1.96 * math.sqrt(p * (1 - p) / n)
    return p - half, p + half


def pairwise(wrong, f, ordered=False):
    M = len(wrong)
    pairs = [
        (i, j) for i in range(M) for j in range(M) if (i != j if ordered else j < i)
    ]
    return np.mean([f(wrong[i], wrong[j]) for i, j in pairs])


def margin_of(z, y, k):
    rows, dz = np.arange(len(z)), np.zeros_like(z)
    dz[rows, k] += 1
    dz[rows, y] -= 1
    return z[rows, k] - z[rows, y], dz


def runner_up(z, y):
    return without_label(z, y, -np.inf).argmax(axis=1)


def first_eps(fooled, eps, never=1.0):
    return np.where(fooled.any(axis=0), eps[fooled.argmax(axis=0)], never)


def first_eps_loop(fooled, eps):
    found = []
    for column in fooled.T:
        hits = [e for e, f in zip(eps, column, strict=True) if f]
        found.append(hits[0] if hits else 1)
    return found


def log_odds(p, y):
    return np.log(without_label(p, y, 0).sum(axis=1)) - np.log(of_label(p, y))


def pearson(a, b, ddof=0):
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    return (a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))


def step(x_adv, x, g, eps, alpha):
    return np.clip(np.clip(x_adv + alpha * np.sign(g), x - eps, x + eps), 0, 1)


def inside(x_adv, x, eps):
    low, high = np.ceil(255 * (x - eps)), np.floor(255 * (x + eps))
    return np.clip(np.rint(255 * x_adv), low, high) / 255


RIGHT = {
    "ensemble_predict": [
        lambda p: p.sum(axis=0).argmax(axis=1),
        lambda p: [int(np.argmax(p[:, n].mean(axis=0))) for n in range(p.shape[1])],
        lambda p: np.mean(p, 0).argmax(1).astype(np.int32),
    ],
    "majority_vote": [vote_loop, lambda p: np.array(vote_loop(p))],
    "margin": [
        lambda p, y: of_label(p, y) - (p - 2 * onehot(y, p.shape[1])).max(axis=1),
        lambda p, y: [r[k] - max(np.delete(r, k)) for r, k in zip(p, y, strict=True)],
    ],
    "bootstrap_fraction": [lambda m: 1 - ((m - 1) / m) ** m],
    "ensemble_weights": [
        weights,
        lambda J: np.exp(-J - np.log(np.exp(J.min(0) - J).sum(0)) + J.min(0)),
    ],
    "normalized_sum": [lambda g: unit(g).sum(axis=0), unit_loop],
    "products_saved": [lambda m, r: (m * m * r * r) / (m + r - 1) ** 2],
    "im2col_growth": [
        lambda H, W, K: (H - K + 1) * (W - K + 1) * K * K / H / W,
        lambda H, W, K: np.float32((H - K + 1) * (W - K + 1) * K**2 / (H * W)),
    ],
    "table2_row": [
        lambda members, ensemble: (np.trace(members) / len(members), np.mean(ensemble)),
        lambda members, ensemble: [np.diag(members).mean(), ensemble.mean()],
    ],
    "wilson_interval": [wilson, lambda c, n: wilson(c, n, 1.96)],
    "disagreement": [
        lambda wrong: pairwise(wrong, lambda a, b: (a != b).mean()),
        lambda wrong: pairwise(wrong, lambda a, b: (a ^ b).mean(), ordered=True),
    ],
    "margin_loss": [lambda z, y: margin_of(z, y, runner_up(z, y))],
    "worst_case": [
        lambda fooled: 1 - fooled.any(axis=0).mean(),
        lambda fooled: (~fooled).all(axis=0).mean(),
        lambda fooled: (fooled.sum(axis=0) == 0).mean(),
    ],
    "smallest_eps": [first_eps, first_eps_loop],
    "log_odds": [log_odds],
    "part_without_gradient": [
        lambda g: (g == 0).all(axis=(1, 2, 3)).mean(),
        lambda g: sum(not image.any() for image in g) / len(g),
        lambda g: (abs(g).max(axis=(1, 2, 3)) == 0).mean(),
        lambda g: (np.sqrt((g**2).sum(axis=(1, 2, 3))) == 0).mean(),
    ],
    "correlation": [
        pearson,
        lambda a, b: [np.corrcoef(a[:, n], b[:, n])[0, 1] for n in range(a.shape[1])],
    ],
    "repaired_step": [
        step,
        lambda x_adv, x, g, eps, alpha: np.clip(
            x_adv + alpha * np.sign(g), np.maximum(x - eps, 0), np.minimum(x + eps, 1)
        ),
        lambda x_adv, x, g, eps, alpha: np.clip(
            np.clip(x_adv + alpha * np.sign(g), 0, 1), x - eps, x + eps
        ),
    ],
    "rounded_inside": [inside],
}
WRONG = {
    "ensemble_predict": {
        "probabilities": lambda p: p.mean(axis=0),
        "the largest probability": lambda p: p.mean(axis=0).max(axis=1),
        "argmax over images": lambda p: p.mean(axis=0).argmax(axis=0),
        "argmin": lambda p: p.mean(axis=0).argmin(axis=1),
        "votes": lambda p: np.array(vote_loop(p)),
        "mean of the votes": lambda p: (
            p.argmax(axis=2).mean(axis=0).round().astype(int)
        ),
        "median of probabilities": lambda p: np.median(p, axis=0).argmax(axis=1),
        "one member each": lambda p: p.argmax(axis=2),
        "last member": lambda p: p[-1].argmax(axis=1),
        "most confident member": lambda p: p.max(axis=0).argmax(axis=1),
        "product": lambda p: np.log(p).sum(axis=0).argmax(axis=1),
        "over members": lambda p: p.mean(axis=2).argmax(axis=0),
        "numbered from 1": lambda p: p.mean(axis=0).argmax(axis=1) + 1,
        "least confident member": lambda p: p.min(axis=0).argmax(axis=1),
    },
    "majority_vote": {
        "mean probability": lambda p: p.mean(axis=0).argmax(axis=1),
        "last of a tie": last_vote,
        "counts": lambda p: onehot(p.argmax(axis=2), p.shape[2]).sum(axis=0),
        "the largest count": lambda p: (
            onehot(p.argmax(axis=2), p.shape[2]).sum(axis=0).max(axis=1)
        ),
        "all votes": lambda p: p.argmax(axis=2),
        "mean of votes": lambda p: p.argmax(axis=2).mean(axis=0).round().astype(int),
        "mean of votes, cut off": lambda p: p.argmax(axis=2).mean(axis=0).astype(int),
        "largest vote": lambda p: p.argmax(axis=2).max(axis=0),
        "bincount of all": lambda p: np.bincount(p.argmax(axis=2).ravel()).argmax(),
        "the first member's": lambda p: p[0].argmax(axis=1),
        "over images": lambda p: (
            onehot(p.argmax(axis=2), p.shape[2]).sum(axis=1).argmax(axis=1)
        ),
        "most confident": lambda p: p.max(axis=0).argmax(axis=1),
        "more than half": lambda p: np.where(
            onehot(p.argmax(axis=2), p.shape[2]).sum(axis=0).max(axis=1) > len(p) / 2,
            np.array(vote_loop(p)),
            -1,
        ),
    },
    "margin": {
        "p_y": of_label,
        "minus the largest of all": lambda p, y: of_label(p, y) - p.max(axis=1),
        "two largest": lambda p, y: np.sort(p)[:, -1] - np.sort(p)[:, -2],
        "flipped": lambda p, y: without_label(p, y, -1).max(axis=1) - of_label(p, y),
        "absolute": lambda p, y: abs(
            of_label(p, y) - without_label(p, y, 0).max(axis=1)
        ),
        "mean of others": lambda p, y: (
            of_label(p, y) - (1 - of_label(p, y)) / (p.shape[1] - 1)
        ),
        "sum of others": lambda p, y: of_label(p, y) - (1 - of_label(p, y)),
        "smallest": lambda p, y: of_label(p, y) - p.min(axis=1),
        "p[:, y]": lambda p, y: p[:, y] - p.max(axis=1),
        "correct": lambda p, y: (p.argmax(axis=1) == y).astype(float),
        "logarithms": lambda p, y: np.log(
            of_label(p, y) / without_label(p, y, 0).max(axis=1)
        ),
        "mean": lambda p, y: (
            of_label(p, y) - without_label(p, y, 0).max(axis=1)
        ).mean(),
        "ratio": lambda p, y: of_label(p, y) / without_label(p, y, 0).max(axis=1),
        "cut at 0": lambda p, y: np.maximum(
            of_label(p, y) - without_label(p, y, 0).max(axis=1), 0
        ),
    },
    "bootstrap_fraction": {
        "missing": lambda m: (1 - 1 / m) ** m,
        "limit": lambda m: 1 - 1 / math.e,
        "0.632": lambda m: 0.632,
        "1/m": lambda m: 1 / m,
        "one draw": lambda m: 1 - 1 / m,
        "(1/m)^m": lambda m: 1 - (1 / m) ** m,
        "m - 1 draws": lambda m: 1 - (1 - 1 / m) ** (m - 1),
        "a count": lambda m: m * (1 - (1 - 1 / m) ** m),
        "exp": lambda m: 1 - math.exp(-m),
        "random": lambda m: (
            len(np.unique(np.random.default_rng(0).integers(m, size=m))) / m
        ),
        "permutation": lambda m: 1.0,
    },
    "ensemble_weights": {
        "naive": lambda J: np.exp(-J) / np.exp(-J).sum(axis=0),
        "softmax of J": lambda J: np.exp(J - J.max(0)) / np.exp(J - J.max(0)).sum(0),
        "over images": lambda J: weights(J.T).T,
        "equal": lambda J: np.full(J.shape, 1 / len(J)),
        "not divided": lambda J: np.exp(-(J - J.min(axis=0))),
        "p alone": lambda J: np.exp(-J),
        "1 / J": lambda J: (1 / J) / (1 / J).sum(axis=0),
        "J": lambda J: J / J.sum(axis=0),
        "1 - p": lambda J: (1 - weights(J)) / (len(J) - 1),
        "the most confident alone": lambda J: (J.min(axis=0) == J).astype(float),
        "over all": lambda J: np.exp(-(J - J.min())) / np.exp(-(J - J.min())).sum(),
        "shifted by the wrong maximum": lambda J: (
            np.exp(-(J - J.max(0))) / np.exp(-(J - J.max(0))).sum(axis=0)
        ),
        "global shift": lambda J: np.exp(J.min() - J) / np.exp(J.min() - J).sum(axis=0),
        "logarithms": lambda J: np.log(weights(J)),
        "averaged": lambda J: weights(J) / len(J),
        "with a small number": lambda J: np.exp(-J) / (np.exp(-J).sum(axis=0) + 1e-12),
        "mean over images": lambda J: weights(J).mean(axis=1),
    },
    "normalized_sum": {
        "not normalised": lambda g: g.sum(axis=0),
        "the sum normalised": lambda g: unit(g.sum(axis=0), (1, 2, 3)),
        "one norm a member": lambda g: unit(g, (1, 2, 3, 4)).sum(axis=0),
        "one norm for all": lambda g: (g / np.sqrt((g**2).sum())).sum(axis=0),
        "0 / 0": lambda g: (g / norms(g)).sum(axis=0),
        "small number": lambda g: (g / (norms(g) + 1e-8)).sum(axis=0),
        "another small number": lambda g: (g / (norms(g) + 1e-12)).sum(axis=0),
        "at least 1e-12": lambda g: (g / np.maximum(norms(g), 1e-12)).sum(axis=0),
        "mean": lambda g: unit(g).mean(axis=0),
        "signs": lambda g: np.sign(g).sum(axis=0),
        "sign of the sum": lambda g: np.sign(g.sum(axis=0)),
        "sign of it": lambda g: np.sign(unit(g).sum(axis=0)),
        "square": lambda g: (g / np.where(norms(g) > 0, norms(g) ** 2, 1)).sum(axis=0),
        "L1": lambda g: (
            g / np.where(norms(g) > 0, abs(g).sum(axis=(2, 3, 4), keepdims=True), 1)
        ).sum(axis=0),
        "L infinity": lambda g: (
            g / np.where(norms(g) > 0, abs(g).max(axis=(2, 3, 4), keepdims=True), 1)
        ).sum(axis=0),
        "over channels": lambda g: unit(g, 4).sum(axis=0),
        "over pixels": lambda g: unit(g, (2, 3)).sum(axis=0),
        "over members": lambda g: unit(g, 0).sum(axis=0),
        "over images": lambda g: unit(g).sum(axis=1),
        "not summed": unit,
        "summed, then normalised again": lambda g: unit(unit(g).sum(0), (1, 2, 3)),
    },
    "products_saved": {
        "one dimension": lambda m, r: m * r / (m + r - 1),
        "inverse": lambda m, r: (m + r - 1) ** 2 / (m * r) ** 2,
        "m + r": lambda m, r: (m * r) ** 2 / (m + r) ** 2,
        "one output": lambda m, r: r**2 / (m + r - 1) ** 2,
        "only the tile": lambda m, r: (m + r - 1) ** 2,
        "direct products": lambda m, r: m**2 * r**2,
        "saved": lambda m, r: m**2 * r**2 - (m + r - 1) ** 2,
        "saved part": lambda m, r: 1 - (m + r - 1) ** 2 / (m * r) ** 2,
        "whole numbers": lambda m, r: m**2 * r**2 // (m + r - 1) ** 2,
        "m + r + 1": lambda m, r: (m * r) ** 2 / (m + r + 1) ** 2,
        "one window": lambda m, r: m**2 / (m + r - 1) ** 2,
        "a precedence": lambda m, r: m**2 * r**2 / m + r - 1,
        "not squared below": lambda m, r: (m * r) ** 2 / (m + r - 1),
    },
    "im2col_growth": {
        "K^2": lambda H, W, K: K**2,
        "numbers": lambda H, W, K: (H - K + 1) * (W - K + 1) * K**2,
        "K": lambda H, W, K: (H - K + 1) * (W - K + 1) * K / (H * W),
        "H - K": lambda H, W, K: (H - K) * (W - K) * K**2 / (H * W),
        "inverse": lambda H, W, K: H * W / ((H - K + 1) * (W - K + 1) * K**2),
        "windows": lambda H, W, K: (H - K + 1) * (W - K + 1),
        "only windows over pixels": lambda H, W, K: (H - K + 1) * (W - K + 1) / (H * W),
        "square": lambda H, W, K: (H - K + 1) ** 2 * K**2 / (H * W),
        "square image": lambda H, W, K: (H - K + 1) ** 2 * K**2 / H**2,
        "padded": lambda H, W, K: H * W * K**2 / (H * W),
        "whole": lambda H, W, K: (H - K + 1) * (W - K + 1) * K**2 // (H * W),
        "one more": lambda H, W, K: (H + K - 1) * (W + K - 1) * K**2 / (H * W),
        "stride K": lambda H, W, K: (H // K) * (W // K) * K**2 / (H * W),
        "over the output": lambda H, W, K: H * W * K**2 / ((H - K + 1) * (W - K + 1)),
    },
    "table2_row": {
        "all": lambda members, ensemble: (members.mean(), ensemble.mean()),
        "others": lambda members, ensemble: (
            members[~np.eye(len(members), dtype=bool)].mean(),
            ensemble.mean(),
        ),
        "first": lambda members, ensemble: (members[0, 0], ensemble[0]),
        "first member": lambda members, ensemble: (members[0, 0], ensemble.mean()),
        "first row": lambda members, ensemble: (members[0].mean(), ensemble[0]),
        "swapped": lambda members, ensemble: (ensemble.mean(), np.diag(members).mean()),
        "min": lambda members, ensemble: (np.diag(members).min(), ensemble.min()),
        "ensemble's min": lambda members, ensemble: (
            np.diag(members).mean(),
            ensemble.min(),
        ),
        "ensemble's max": lambda members, ensemble: (
            np.diag(members).mean(),
            ensemble.max(),
        ),
        "not averaged": lambda members, ensemble: (np.diag(members), ensemble),
        "sum": lambda members, ensemble: (np.diag(members).sum(), ensemble.sum()),
        "errors": lambda members, ensemble: (
            1 - np.diag(members).mean(),
            1 - ensemble.mean(),
        ),
        "median": lambda members, ensemble: (
            np.median(np.diag(members)),
            np.median(ensemble),
        ),
        "one value": lambda members, ensemble: np.diag(members).mean(),
        "other diagonal": lambda members, ensemble: (
            np.diag(members[::-1]).mean(),
            ensemble.mean(),
        ),
    },
    "wilson_interval": {
        "textbook": wald,
        "textbook, clipped": lambda c, n: wald(c, n, clip=True),
        "Agresti": agresti,
        "z = 1": lambda c, n: wilson(c, n, 1),
        "z = 2": lambda c, n: wilson(c, n, 2),
        "90 %": lambda c, n: wilson(c, n, 1.645),
        "99 %": lambda c, n: wilson(c, n, 2.576),
        "counts": lambda c, n: [n * e for e in wilson(c, n)],
        "swapped": lambda c, n: wilson(c, n)[::-1],
        "centre and half": lambda c, n: (
            sum(wilson(c, n)) / 2,
            (wilson(c, n)[1] - wilson(c, n)[0]) / 2,
        ),
        "standard error": lambda c, n: wald(c, n, 1),
        "not divided": lambda c, n: [e * (1 + 1.96**2 / n) for e in wilson(c, n, 1.96)],
        "of wrong ones": lambda c, n: wilson(n - c, n),
        "percent": lambda c, n: [100 * e for e in wilson(c, n)],
        "z without square": lambda c, n: (
            (c / n + 1.96 / (2 * n)) / (1 + 1.96 / n)
            - 1.96 * math.sqrt(c / n * (1 - c / n) / n + 1.96 / (4 * n**2)),
            (c / n + 1.96 / (2 * n)) / (1 + 1.96 / n)
            + 1.96 * math.sqrt(c / n * (1 - c / n) / n + 1.96 / (4 * n**2)),
        ),
    },
    "disagreement": {
        "agreement": lambda wrong: pairwise(wrong, lambda a, b: (a == b).mean()),
        "sum of pairs": lambda w: (
            pairwise(w, lambda a, b: (a != b).mean()) * len(w) * (len(w) - 1) / 2
        ),
        "both wrong": lambda wrong: pairwise(wrong, lambda a, b: (a & b).mean()),
        "either wrong": lambda wrong: pairwise(wrong, lambda a, b: (a | b).mean()),
        "any wrong": lambda wrong: wrong.any(axis=0).mean(),
        "all wrong": lambda wrong: wrong.all(axis=0).mean(),
        "with itself": lambda wrong: (wrong[:, None] != wrong[None]).mean(),
        "misclassified": lambda wrong: wrong.mean(),
        "not all alike": lambda w: (w.any(axis=0) & ~w.all(axis=0)).mean(),
        "images counted": lambda w: pairwise(w, lambda a, b: (a != b).sum()),
        "first two": lambda wrong: (wrong[0] != wrong[1]).mean(),
        "neighbours": lambda wrong: (wrong[1:] != wrong[:-1]).mean(),
        "from the first": lambda wrong: (wrong[1:] != wrong[0]).mean(),
        "standard deviation": lambda wrong: wrong.std(axis=0).mean(),
        "half": lambda w: pairwise(w, lambda a, b: (a != b).mean()) / 2,
        "one wrong of two": lambda w: pairwise(w, lambda a, b: (a & ~b).mean()),
    },
    "margin_loss": {
        "y may be k": lambda z, y: margin_of(z, y, z.argmax(axis=1)),
        "0 at the label": lambda z, y: margin_of(
            z, y, without_label(z, y, 0).argmax(axis=1)
        ),
        "flipped": lambda z, y: tuple(-a for a in margin_of(z, y, runner_up(z, y))),
        "gradient flipped": lambda z, y: (
            margin_of(z, y, runner_up(z, y))[0],
            -margin_of(z, y, runner_up(z, y))[1],
        ),
        "only + 1": lambda z, y: (
            margin_of(z, y, runner_up(z, y))[0],
            onehot(runner_up(z, y), z.shape[1]),
        ),
        "only - 1": lambda z, y: (
            margin_of(z, y, runner_up(z, y))[0],
            -onehot(y, z.shape[1]),
        ),
        "mean": lambda z, y: (
            margin_of(z, y, runner_up(z, y))[0].mean(),
            margin_of(z, y, runner_up(z, y))[1] / len(z),
        ),
        "gradient of the mean": lambda z, y: (
            margin_of(z, y, runner_up(z, y))[0],
            margin_of(z, y, runner_up(z, y))[1] / len(z),
        ),
        "only the loss": lambda z, y: margin_of(z, y, runner_up(z, y))[0],
        "cut at 0": lambda z, y: (
            np.maximum(margin_of(z, y, runner_up(z, y))[0], 0),
            margin_of(z, y, runner_up(z, y))[1],
        ),
        "of probabilities": lambda z, y: (
            margin_of(np.exp(z) / np.exp(z).sum(1, keepdims=True), y, runner_up(z, y))[
                0
            ],
            margin_of(z, y, runner_up(z, y))[1],
        ),
        "second largest": lambda z, y: margin_of(z, y, z.argsort(axis=1)[:, -2]),
        "gradient times the loss": lambda z, y: (
            margin_of(z, y, runner_up(z, y))[0],
            margin_of(z, y, runner_up(z, y))[0][:, None]
            * margin_of(z, y, runner_up(z, y))[1],
        ),
        "swapped": lambda z, y: margin_of(z, y, runner_up(z, y))[::-1],
        "smallest": lambda z, y: margin_of(
            z, y, without_label(z, y, np.inf).argmin(axis=1)
        ),
    },
    "worst_case": {
        "fooled": lambda fooled: fooled.any(axis=0).mean(),
        "all attacks": lambda fooled: 1 - fooled.all(axis=0).mean(),
        "fooled by all": lambda fooled: fooled.all(axis=0).mean(),
        "strongest attack": lambda fooled: 1 - fooled.mean(axis=1).max(),
        "weakest attack": lambda fooled: 1 - fooled.mean(axis=1).min(),
        "mean": lambda fooled: 1 - fooled.mean(),
        "mean fooled": lambda fooled: fooled.mean(),
        "count": lambda fooled: (~fooled.any(axis=0)).sum(),
        "count fooled": lambda fooled: fooled.any(axis=0).sum(),
        "per image": lambda fooled: ~fooled.any(axis=0),
        "first attack": lambda fooled: 1 - fooled[0].mean(),
        "last attack": lambda fooled: 1 - fooled[-1].mean(),
        "over images": lambda fooled: (~fooled.any(axis=1)).mean(),
        "product": lambda fooled: (1 - fooled.mean(axis=1)).prod(),
        "most attacks": lambda fooled: (fooled.mean(axis=0) <= 0.5).mean(),
        "by each attack": lambda fooled: 1 - fooled.mean(axis=1),
    },
    "smallest_eps": {
        "never is the first": lambda f, eps: eps[f.argmax(axis=0)],
        "count": lambda f, eps: np.append(eps, 1.0)[(~f).sum(axis=0)],
        "largest": lambda f, eps: np.where(
            f.any(axis=0), eps[::-1][f[::-1].argmax(axis=0)], 1
        ),
        "position": lambda f, eps: np.where(f.any(axis=0), f.argmax(axis=0), 1),
        "positions alone": lambda f, eps: f.argmax(axis=0),
        "never is 0": lambda f, eps: first_eps(f, eps, 0.0),
        "never is infinite": lambda f, eps: first_eps(f, eps, np.inf),
        "never is NaN": lambda f, eps: first_eps(f, eps, np.nan),
        "never is the last": lambda f, eps: first_eps(f, eps, eps[-1]),
        "never is -1": lambda f, eps: first_eps(f, eps, -1.0),
        "over images": lambda f, eps: np.where(f.any(axis=1), eps, 1.0),
        "sum": lambda f, eps: (f * eps[:, None]).sum(axis=0),
        "maximum": lambda f, eps: (f * eps[:, None]).max(axis=0),
        "minimum of products": lambda f, eps: (f * eps[:, None]).min(axis=0),
        "the eps before": lambda f, eps: np.where(
            f.any(axis=0), eps[f.argmax(axis=0) - 1], 1
        ),
        "from there on": lambda f, eps: np.append(eps, 1.0)[
            [next((i for i in range(len(c)) if c[i:].all()), len(c)) for c in f.T]
        ],
        "mean": lambda f, eps: first_eps(f, eps).mean(),
    },
    "log_odds": {
        "1 - p": lambda p, y: np.log((1 - of_label(p, y)) / of_label(p, y)),
        "J": lambda p, y: -np.log(of_label(p, y)),
        "flipped": lambda p, y: -log_odds(p, y),
        "odds": lambda p, y: np.exp(log_odds(p, y)),
        "strongest other": lambda p, y: np.log(
            without_label(p, y, 0).max(axis=1) / of_label(p, y)
        ),
        "log(1 - p)": lambda p, y: np.log(without_label(p, y, 0).sum(axis=1)),
        "log p": lambda p, y: np.log(of_label(p, y)),
        "small number": lambda p, y: np.log(
            (1 - of_label(p, y) + 1e-12) / of_label(p, y)
        ),
        "small number in both": lambda p, y: np.log(
            (1 - of_label(p, y) + 1e-8) / (of_label(p, y) + 1e-8)
        ),
        "clipped": lambda p, y: np.log(
            1 / np.clip(of_label(p, y), 1e-12, 1 - 1e-12) - 1
        ),
        "log2": lambda p, y: log_odds(p, y) / np.log(2),
        "log10": lambda p, y: log_odds(p, y) / np.log(10),
        "sum of logarithms": lambda p, y: (
            np.log(without_label(p, y, 0).sum(axis=1)) + np.log(of_label(p, y))
        ),
        "mean": lambda p, y: log_odds(p, y).mean(),
        "p[:, y]": lambda p, y: np.log((1 - p[:, y]) / p[:, y]),
        "for all classes": lambda p, y: np.log((1 - p) / p),
    },
    "part_without_gradient": {
        "pixels": lambda g: (g == 0).mean(),
        "with": lambda g: g.any(axis=(1, 2, 3)).mean(),
        "count": lambda g: (~g.any(axis=(1, 2, 3))).sum(),
        "one pixel": lambda g: (g == 0).any(axis=(1, 2, 3)).mean(),
        "tiny": lambda g: (abs(g).max(axis=(1, 2, 3)) < 1e-8).mean(),
        "isclose": lambda g: np.isclose(g, 0).all(axis=(1, 2, 3)).mean(),
        "sum": lambda g: (g.sum(axis=(1, 2, 3)) == 0).mean(),
        "norm below 1e-12": lambda g: (
            np.sqrt((g**2).sum(axis=(1, 2, 3))) < 1e-12
        ).mean(),
        "first pixel": lambda g: (g[:, 0, 0, 0] == 0).mean(),
        "maximum": lambda g: (g.max(axis=(1, 2, 3)) == 0).mean(),
        "all of the batch": lambda g: float((g == 0).all()),
        "per image": lambda g: ~g.any(axis=(1, 2, 3)),
        "half of the pixels": lambda g: ((g == 0).mean(axis=(1, 2, 3)) > 0.5).mean(),
        "first channel": lambda g: (g[..., 0] == 0).all(axis=(1, 2)).mean(),
        "signs": lambda g: (np.sign(g) == 0).mean(),
    },
    "correlation": {
        "cosine": lambda a, b: (
            (a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
        ),
        "covariance": lambda a, b: ((a - a.mean(0)) * (b - b.mean(0))).mean(axis=0),
        "over images": lambda a, b: pearson(a.T, b.T),
        "all at once": lambda a, b: np.corrcoef(a.ravel(), b.ravel())[0, 1],
        "absolute": lambda a, b: abs(pearson(a, b)),
        "squared": lambda a, b: pearson(a, b) ** 2,
        "mean": lambda a, b: pearson(a, b).mean(),
        "one mean for all": lambda a, b: (
            ((a - a.mean()) * (b - b.mean())).sum(axis=0)
            / np.sqrt(((a - a.mean()) ** 2).sum(0) * ((b - b.mean()) ** 2).sum(0))
        ),
        "covariance, N - 1": lambda a, b: (
            ((a - a.mean(0)) * (b - b.mean(0))).sum(axis=0) / (len(a) - 1)
        ),
        "N and N - 1": lambda a, b: (
            ((a - a.mean(0)) * (b - b.mean(0))).sum(axis=0)
            / (len(a) - 1)
            / (a.std(axis=0) * b.std(axis=0))
        ),
        "not divided by N": lambda a, b: (
            ((a - a.mean(0)) * (b - b.mean(0))).sum(axis=0)
            / (a.std(axis=0) * b.std(axis=0))
        ),
        "variances": lambda a, b: (
            ((a - a.mean(0)) * (b - b.mean(0))).mean(axis=0)
            / (a.var(axis=0) * b.var(axis=0))
        ),
        "slope": lambda a, b: (
            ((a - a.mean(0)) * (b - b.mean(0))).sum(axis=0)
            / ((b - b.mean(0)) ** 2).sum(axis=0)
        ),
        "signs agree": lambda a, b: (np.sign(a) == np.sign(b)).mean(axis=0),
        "only one mean": lambda a, b: (
            ((a - a.mean(0)) * b).sum(axis=0)
            / np.sqrt(((a - a.mean(0)) ** 2).sum(axis=0) * (b**2).sum(axis=0))
        ),
        "flipped": lambda a, b: -pearson(a, b),
        "matrix": lambda a, b: np.corrcoef(a, b),
    },
    "repaired_step": {
        "no ball": lambda x_adv, x, g, eps, alpha: np.clip(
            x_adv + alpha * np.sign(g), 0, 1
        ),
        "no range": lambda x_adv, x, g, eps, alpha: np.clip(
            x_adv + alpha * np.sign(g), x - eps, x + eps
        ),
        "no clip": lambda x_adv, x, g, eps, alpha: x_adv + alpha * np.sign(g),
        "no sign": lambda x_adv, x, g, eps, alpha: np.clip(
            np.clip(x_adv + alpha * g, x - eps, x + eps), 0, 1
        ),
        "from x": lambda x_adv, x, g, eps, alpha: step(x, x, g, eps, alpha),
        "downhill": lambda x_adv, x, g, eps, alpha: step(x_adv, x, -g, eps, alpha),
        "eps long": lambda x_adv, x, g, eps, alpha: step(x_adv, x, g, eps, eps),
        "ball of alpha": lambda x_adv, x, g, eps, alpha: step(
            x_adv, x, g, alpha, alpha
        ),
        "ball round x_adv": lambda x_adv, x, g, eps, alpha: np.clip(
            np.clip(x_adv + alpha * np.sign(g), x_adv - eps, x_adv + eps), 0, 1
        ),
        "ball of the perturbation only": lambda x_adv, x, g, eps, alpha: np.clip(
            x_adv + np.clip(alpha * np.sign(g), -eps, eps), 0, 1
        ),
        "to the ball of 0": lambda x_adv, x, g, eps, alpha: np.clip(
            x_adv + alpha * np.sign(g), -eps, eps
        ),
        "clipped before": lambda x_adv, x, g, eps, alpha: (
            np.clip(np.clip(x_adv, x - eps, x + eps), 0, 1) + alpha * np.sign(g)
        ),
        "where": lambda x_adv, x, g, eps, alpha: np.clip(
            np.clip(x_adv + alpha * np.where(g > 0, 1, -1), x - eps, x + eps), 0, 1
        ),
        "where >=": lambda x_adv, x, g, eps, alpha: np.clip(
            np.clip(x_adv + alpha * np.where(g >= 0, 1, -1), x - eps, x + eps), 0, 1
        ),
        "normalised": lambda x_adv, x, g, eps, alpha: np.clip(
            np.clip(
                x_adv + alpha * g / np.sqrt((g**2).sum(axis=(1, 2, 3), keepdims=True)),
                x - eps,
                x + eps,
            ),
            0,
            1,
        ),
        "returned x": lambda x_adv, x, g, eps, alpha: x_adv,
    },
    "rounded_inside": {
        "rounded only": lambda x_adv, x, eps: np.rint(255 * x_adv) / 255,
        "cut off": lambda x_adv, x, eps: np.floor(255 * x_adv) / 255,
        "rounded up": lambda x_adv, x, eps: np.ceil(255 * x_adv) / 255,
        "clipped after": lambda x_adv, x, eps: np.clip(
            np.rint(255 * x_adv) / 255, x - eps, x + eps
        ),
        "clipped before": lambda x_adv, x, eps: (
            np.rint(255 * np.clip(x_adv, x - eps, x + eps)) / 255
        ),
        "not divided": lambda x_adv, x, eps: 255 * inside(x_adv, x, eps),
        "ends rounded": lambda x_adv, x, eps: (
            np.clip(
                np.rint(255 * x_adv),
                np.rint(255 * (x - eps)),
                np.rint(255 * (x + eps)),
            )
            / 255
        ),
        "ends outside": lambda x_adv, x, eps: (
            np.clip(
                np.rint(255 * x_adv),
                np.floor(255 * (x - eps)),
                np.ceil(255 * (x + eps)),
            )
            / 255
        ),
        "256": lambda x_adv, x, eps: (
            np.clip(
                np.rint(256 * x_adv),
                np.ceil(256 * (x - eps)),
                np.floor(256 * (x + eps)),
            )
            / 256
        ),
        "eps rounded": lambda x_adv, x, eps: (
            np.clip(
                np.rint(255 * x_adv),
                np.rint(255 * x) - np.floor(255 * eps),
                np.rint(255 * x) + np.floor(255 * eps),
            )
            / 255
        ),
        "towards x": lambda x_adv, x, eps: (
            np.where(x_adv > x, np.floor(255 * x_adv), np.ceil(255 * x_adv)) / 255
        ),
        "not rounded": lambda x_adv, x, eps: np.clip(x_adv, x - eps, x + eps),
        "as it was": lambda x_adv, x, eps: x_adv,
        "bytes": lambda x_adv, x, eps: (255 * inside(x_adv, x, eps)).astype(np.uint8),
    },
}
