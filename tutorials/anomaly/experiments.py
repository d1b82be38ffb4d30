"""The questions, and the cases that answer them, all on the same images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tutorials.paper.experiment.adversaries import ADVERSARIES, CLIPPED, SUM
from tutorials.paper.experiment.cases import Case, adv1, adv2
from tutorials.paper.experiment.config import Parameters
from tutorials.paper.paper_numbers import ATTACK_NAMES

Settings = Mapping[str, Parameters]  # the paper's parameters, by attack


@dataclass(frozen=True)
class Experiment:
    """A question, and the cases whose outcomes answer it, by the names of groups.

    A group of several cases (Adv. 1 with each member's gradient) stands for its mean.
    In "members", Adv. 2 has one case for each size of the ensemble.
    """

    question: str
    groups: Callable[[Settings, int], dict[str, list[Case]]]


def rules(settings: Settings, members: int) -> dict[str, list[Case]]:
    """Each adversary with each attack, beside Adv. 1."""
    groups = {}
    for attack, parameters in settings.items():
        title = ATTACK_NAMES[attack]
        groups[f"{title}: Adv. 1"] = adv1(attack, parameters, members)
        for name in ADVERSARIES:
            groups[f"{title}: {name}"] = [Case(name, attack, parameters, members)]
    return groups


def precision(settings: Settings, members: int) -> dict[str, list[Case]]:
    """Two adversaries in single and double precision."""
    return {
        f"{name}, float{bits}": [Case(name, "bim", settings["bim"], members, bits)]
        for name in (SUM, CLIPPED)
        for bits in (32, 64)
    }


def budgets(settings: Settings, members: int) -> dict[str, list[Case]]:
    """Equal eps for both attacks, the caption's literal eps, pixels without bounds."""
    fgsm, bim = settings["fgsm"], settings["bim"]
    steps = bim["steps"]
    chosen = {
        "FGSM": ("fgsm", fgsm),
        "FGSM at BIM's eps": ("fgsm", {"eps": bim["eps"]}),
        "BIM": ("bim", bim),
        "BIM at FGSM's eps": (
            ("bim", {"eps": fgsm["eps"], "alpha": fgsm["eps"] / steps, "steps": steps})
        ),
        "BIM, the caption's eps": ("bim", bim | {"eps": bim["alpha"]}),
    }
    groups = {}
    for name, (attack, parameters) in chosen.items():
        title = f"{name} ({parameters['eps']:g})"
        groups[f"{title}: Adv. 1"] = adv1(attack, parameters, members)
        groups[f"{title}: Adv. 2"] = [adv2(attack, parameters, members)]
    for name in ("FGSM", "BIM"):
        case = adv2(*chosen[name], members)
        groups[f"{name}, pixels beyond [0, 1]: Adv. 2"] = [replace(case, bounded=False)]
    return groups


def members(settings: Settings, members: int) -> dict[str, list[Case]]:
    """Ensembles of the first 1, 2, ... members, attacked as a whole or by one of them.

    The images of Adv. 1 are the same for each size of the ensemble, so that one attack
    with each member's gradient serves all sizes. Those of Adv. 2 are others.
    """
    groups = {}
    for attack, parameters in settings.items():
        title, sizes = ATTACK_NAMES[attack], range(1, members + 1)
        groups[f"{title}: Adv. 1"] = adv1(attack, parameters, members)
        cases = [adv2(attack, parameters, size) for size in sizes]
        groups[f"{title}: Adv. 2"] = cases
    return groups


EXPERIMENTS = {
    "rules": Experiment(
        "Which gradient of all members is the strongest, and is any weaker than one "
        "member's?",
        rules,
    ),
    "precision": Experiment("Do rounding errors explain it?", precision),
    "budgets": Experiment(
        "The paper has one eps for FGSM, another for BIM and a third in its caption. "
        "What difference do they make?",
        budgets,
    ),
    "members": Experiment("What does each further member add?", members),
}
DIRECTIONS = "directions"
DIRECTIONS_QUESTION = (
    "Do the members' gradients block each other in the following iterations, as the "
    "paper supposes?"
)
