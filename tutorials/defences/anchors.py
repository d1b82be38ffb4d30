"""Published numbers to compare the table with, each with its source."""

from typing import NamedTuple


class Anchor(NamedTuple):
    """A published model: accuracies in per cent, clean and under the attack named."""

    model: str
    clean: float
    attack: str
    accuracy: float
    source: str


MADRY = "[mnist_challenge](https://github.com/MadryLab/mnist_challenge)"
AUTO = "[auto-attack](https://github.com/fra31/auto-attack)"  # its README's tables

ANCHORS = {
    "mnist": (
        Anchor("Madry et al. 2018", 98.53, "PGD-100, 50 restarts", 89.62, MADRY),
        Anchor("Madry et al. 2018", 98.53, "the best attack submitted", 88.0, MADRY),
        Anchor("TRADES, Zhang et al. 2019", 99.48, "AutoAttack", 92.81, AUTO),
        Anchor(
            "FGSM training, Wong et al. 2020", 98.5, "PGD, as reported", 88.77, AUTO
        ),
        Anchor("FGSM training, Wong et al. 2020", 98.5, "AutoAttack", 82.93, AUTO),
    ),
    "cifar10": (
        Anchor(
            "Madry et al. 2018, wide ResNet", 87.14, "PGD, as reported", 47.04, AUTO
        ),
        Anchor("Madry et al. 2018, wide ResNet", 87.14, "AutoAttack", 44.04, AUTO),
        Anchor("FGSM training, Wong et al. 2020", 83.34, "AutoAttack", 43.21, AUTO),
    ),
}
NOTES = {
    "mnist": "All are for Linf and eps = 0.3. Their networks aren't Table 1.",
    "cifar10": "All are for Linf and eps = 8/255, about 0.031. Their networks are far "
    "larger than Table 3, for whose size nothing above 45 is to be expected.",
}


def anchors_of(dataset: str) -> str:
    """Return whose anchors a data set has: a part of MNIST has MNIST's."""
    return "cifar10" if dataset == "cifar10" else "mnist"
