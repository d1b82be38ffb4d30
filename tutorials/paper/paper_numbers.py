"""Table 2 of the paper, as data: accuracies, of 10 classifiers each.

Source: Strauss et al., Ensemble Methods as a Defense to Adversarial Perturbations
Against Deep Neural Networks, arXiv 1709.03423.
"""

METHOD_NAMES = {
    "random-init": "Rand. Ini.",
    "mixed-models": "Mix. Mod.",
    "bagging": "Bagging",
    "gaussian-noise": "Gauss Noise",
}
ATTACK_NAMES = {"fgsm": "FGSM", "bim": "BIM"}

# The columns of Table 2, from left to right; the results have the same keys.
COLUMNS = {
    "no_attack_single": "No Attack, Single",
    "no_attack_ensemble": "No Attack, Ensemble",
    "adv1_single": "Adv. 1, Single",
    "adv1_ensemble": "Adv. 1, Ensemble",
    "adv2_ensemble": "Adv. 2, Ensemble",
}

# By half of the table, attack and method: the five columns.
TABLE2 = {
    "MNIST": {
        "fgsm": {
            "random-init": (0.9912, 0.9942, 0.3791, 0.6100, 0.4517),
            "mixed-models": (0.9918, 0.9942, 0.3522, 0.5681, 0.4609),
            "bagging": (0.9900, 0.9927, 0.4045, 0.6738, 0.5716),
            "gaussian-noise": (0.9898, 0.9920, 0.5587, 0.7816, 0.7043),
        },
        "bim": {
            "random-init": (0.9912, 0.9942, 0.0906, 0.6518, 0.8875),
            "mixed-models": (0.9918, 0.9942, 0.0582, 0.6656, 0.9076),
            "bagging": (0.9900, 0.9927, 0.1110, 0.7068, 0.9233),
            "gaussian-noise": (0.9898, 0.9920, 0.5429, 0.9152, 0.9768),
        },
    },
    "CIFAR-10": {
        "fgsm": {
            "random-init": (0.7984, 0.8448, 0.1778, 0.4538, 0.3302),
            "mixed-models": (0.7898, 0.8400, 0.1643, 0.4339, 0.3140),
            "bagging": (0.7815, 0.8415, 0.1822, 0.4788, 0.3571),
            "gaussian-noise": (0.7160, 0.7687, 0.2966, 0.6097, 0.4707),
        },
        "bim": {
            "random-init": (0.7984, 0.8448, 0.1192, 0.5232, 0.6826),
            "mixed-models": (0.7898, 0.8400, 0.1139, 0.5259, 0.6768),
            "bagging": (0.7815, 0.8415, 0.1280, 0.5615, 0.7166),
            "gaussian-noise": (0.7160, 0.7687, 0.3076, 0.6735, 0.7277),
        },
    },
}
HALVES = {"mnist-sample": "MNIST", "mnist": "MNIST", "cifar10": "CIFAR-10"}


def paper_accuracy(dataset: str, attack: str, method: str, column: str) -> float | None:
    """Return the paper's number; None for a data set that the paper doesn't have."""
    if dataset not in HALVES or attack not in ATTACK_NAMES:
        return None
    row = TABLE2[HALVES[dataset]][attack][method]
    return row[list(COLUMNS).index(column)]


def paper_single(dataset: str, method: str) -> float:
    """Return the accuracy of the paper's single classifiers on clean images."""
    found = paper_accuracy(dataset, "fgsm", method, "no_attack_single")
    assert found is not None
    return found


def cost_of_noise(dataset: str) -> float:
    """Return what training with noise costs the paper's singles in accuracy."""
    return paper_single(dataset, "random-init") - paper_single(
        dataset, "gaussian-noise"
    )
