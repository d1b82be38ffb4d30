"""How many networks defend, how they are trained, and how long attacks search."""

from dataclasses import dataclass, replace
from typing import Any

from tutorials.paper.experiment.config import Configuration, configure


@dataclass(frozen=True)
class Strength:
    """How long the attacks of the suite search, and on which images."""

    images: int  # the first so many test images
    steps: int = 100  # of PGD and APGD
    restarts: int = 5  # of PGD
    targets: int = 9  # of targeted APGD
    queries: int = 1000  # of Square
    eot_steps: int = 40  # of PGD on a random defence's mean
    draws: int = 10  # that this mean is of


@dataclass(frozen=True)
class Size:
    """How many networks defend, and how they are trained."""

    members: int  # of the plain ensembles
    chain: int  # boosted learners, or snapshots
    three: int  # of each defence's ensemble
    five: int  # of the largest ensemble that is trained adversarially
    epochs: int | None  # without adversarial training; None: the configuration's
    robust: dict[str, Any]  # epochs, batch_size, lr of adversarial training
    attack: dict[str, Any]  # steps and growth of PGD training


# Adversarial training takes 7 steps of eps / 4, in batches of 64, and lr falls to 0
# along a cosine. On MNIST eps grows at first: at full eps from the start, J stays at
# log 10. In a trial of 5 epochs, J was 0.33 after the first. The trained network
# classified 0.987 of all test images correctly, 0.886 of 500 under PGD-100 with 5
# restarts, and 0.885 of 200 in the worst case of all attacks here. An epoch took 105
# core-seconds, so 12 epochs take 20 core-minutes.
#
# On CIFAR-10 an epoch takes 30 core-seconds, with FGSM 60, and with 5 steps of PGD
# 180. So eight core-hours suffice for 250 epochs of plain and noisy members, 190 of
# boosting, snapshots, ADP and students, and 30 each of FGSM, PGD, and PGD together.
SIZES = {
    "smoke": Size(
        *(2, 2, 2, 2, 1),
        robust={"epochs": 2, "batch_size": 64, "lr": 1e-3},
        attack={"steps": 2, "growth": 0.5},
    ),
    "quick": Size(
        *(3, 3, 3, 3, None),
        robust={"epochs": 10, "batch_size": 32, "lr": 1e-3},
        attack={"steps": 7, "growth": 0.4},
    ),
    "mnist": Size(
        *(10, 5, 3, 5, None),
        robust={"epochs": 12, "batch_size": 64, "lr": 1e-3},
        attack={"steps": 7, "growth": 0.2},
    ),
    "cifar10": Size(
        *(5, 5, 3, 3, 10),
        robust={"epochs": 10, "batch_size": 64, "lr": 1e-3},
        attack={"steps": 5, "growth": 0.2},
    ),
}
STRENGTHS = {
    "smoke": Strength(10, 3, 1, 2, 10, 2, 2),
    "quick": Strength(100, 40, 2, 3, 200, 20, 5),
    "full": Strength(1000),
}
DATASETS = ("mnist-sample", "mnist", "cifar10")


@dataclass(frozen=True)
class Settings:
    """Everything that decides the table's numbers."""

    paper: Configuration  # the undefended members are those of Table 2
    size: Size
    strength: Strength

    @property
    def eps(self) -> float:
        """The radius of all attacks: FGSM's of the paper."""
        return self.paper.attacks["fgsm"]["eps"]

    @property
    def training(self) -> dict[str, Any]:
        """How members are trained without attacks."""
        paper = self.paper
        return {
            "epochs": self.size.epochs or paper.epochs,
            "batch_size": paper.batch_size,
            "optimizer": paper.optimizer,
            "lr": paper.lr,
            "train_images": paper.train_images,
        }

    @property
    def robust(self) -> dict[str, Any]:
        """How members are trained adversarially."""
        schedule = {"schedule": "cosine", "train_images": self.paper.train_images}
        return self.size.robust | schedule


def settings_of(dataset: str, profile: str, seed: int = 0) -> Settings:
    """Return the settings of a data set and profile."""
    size = SIZES.get(profile) or SIZES[dataset if dataset in SIZES else "quick"]
    paper = configure(dataset, profile, members=size.members, seed=seed)
    return Settings(replace(paper, attacked_images=None), size, STRENGTHS[profile])
