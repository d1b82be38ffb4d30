"""How large is the paper's eps in our networks' units?

All perturbations are multiplied by one factor s for each data set and network. With it
our ensemble is as accurate as the paper's under FGSM with Adv. 1 and random initial
weights. This one number of Table 2 chooses s, and the other numbers are predictions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attacks.evaluation.intervals import Estimate, wilson
from minidl.backend import Array
from minidl.store import check, refused
from minidl.store.schema import read_as
from tutorials.anomaly.plan import Plan
from tutorials.paper.claims.intervals import combined, student
from tutorials.paper.experiment.attack import carry_out
from tutorials.paper.experiment.cases import Case, adv1, blocks
from tutorials.paper.experiment.config import Configuration, Parameters
from tutorials.paper.experiment.counts import mean_probability
from tutorials.paper.experiment.environment import Environment, environment
from tutorials.paper.experiment.members import Team
from tutorials.paper.paper_numbers import paper_accuracy

METHOD, ATTACK, COLUMN = "random-init", "fgsm", "adv1_ensemble"  # s is chosen on this
FACTORS = [k / 20 for k in range(8, 33)]  # 0.4, 0.45, ..., 1.6
SCALE = "scale.json"


@dataclass(frozen=True)
class Scale:
    """scale.json: the factor s, its interval, and what it follows from."""

    configuration: Configuration
    images: int
    target: float  # the paper's accuracy
    factors: list[float]
    correct: list[list[int]]  # by factor, and by whose gradient it is
    s: float
    low: float
    high: float
    environment: Environment

    @property
    def estimate(self) -> Estimate:
        """The factor with its interval."""
        return Estimate(self.s, self.low, self.high)


def scaled(parameters: Parameters, s: float) -> Parameters:
    """Return an attack's parameters with all lengths times s."""
    lengths = ("eps", "alpha")
    return {n: v * s if n in lengths else v for n, v in parameters.items()}


def find_scale(plan: Plan, team: Team) -> Scale:
    """Return s, from attacks with each factor and the gradient of each member.

    Raises ValueError if no factor makes ours as accurate as the paper's.
    """
    config, target = plan.config, target_of(plan.config)
    M, parameters = len(team.jobs), config.attacks[ATTACK]
    cases = [c for s in FACTORS for c in adv1(ATTACK, scaled(parameters, s), M)]
    right = where_right(cases, [team], plan).reshape(len(FACTORS), M, plan.images)
    correct = right.sum(axis=2)
    s, low, high = with_interval(correct, plan.images, target)
    if s in (FACTORS[0], FACTORS[-1]):
        raise ValueError(
            f"no factor between {FACTORS[0]} and {FACTORS[-1]} makes the accuracy "
            f"{target}: it goes from {right[0].mean():.4f} to {right[-1].mean():.4f}"
        )
    return Scale(
        configuration=config,
        images=plan.images,
        target=target,
        factors=FACTORS,
        correct=correct.tolist(),
        s=s,
        low=low,
        high=high,
        environment=environment(),
    )


def target_of(config: Configuration) -> float:
    """Return the paper's accuracy that s is chosen on; ValueError for other methods."""
    target = paper_accuracy(config.dataset, ATTACK, METHOD, COLUMN)
    if target is None or config.methods != [METHOD]:
        raise ValueError(
            f"s is chosen with {METHOD} on a data set of the paper's, not with "
            f"{' and '.join(config.methods)} on {config.dataset}"
        )
    return target


def read_scale(path: Path) -> Scale:
    """Return what the verb scale has found.

    Raises FileNotFoundError if it hasn't run, and DamagedError for another file.
    """
    if not path.exists():
        raise FileNotFoundError(f"no {path}: the verb scale makes it")
    scale = read_as(Scale, path)
    with refused(path):
        s = with_interval(np.array(scale.correct), scale.images, scale.target)
        check(s == scale.estimate, "its s isn't that of its counts")
    return scale


def where_right(cases: Sequence[Case], teams: Sequence[Team], plan: Plan) -> Array:
    """Tell where each team's ensemble is right. Shapes: (teams, cases, images) bool."""
    each = [blocks(case, team, 0, plan.images) for team in teams for case in cases]
    work = [block for case in each for block in case]
    right = np.concatenate(carry_out(work, plan.jobs, plan.fresh, of=ensemble_right))
    return right.reshape(len(teams), len(cases), plan.images)


def ensemble_right(p: Array, y: Array) -> Array:
    """Tell where the ensemble is right. Shapes: p (M, N, K), y (N,) -> (N,)."""
    return mean_probability(p).argmax(axis=1) == y


def with_interval(correct: Array, images: int, target: float) -> Estimate:
    """Return the factor at which the mean accuracy is the target, with its interval.

    Student's interval covers the members, each of which has a factor of its own.
    Wilson's covers the images: at its ends the target is an end of its interval.
    Neither goes beyond the factors. All have three decimals.
    Shapes: correct (factors, members), in images.
    """
    each = correct.T / images
    s, *ends = (crossing(each.mean(axis=0), p) for p in wilson(target, images))
    members = student([crossing(curve, target) for curve in each], most=math.inf)
    moved = Estimate(s, *(s + end - members.value for end in members[1:]))
    _, low, high = combined(moved, Estimate(s, min(ends), max(ends)))
    within = max(low, FACTORS[0]), min(high, FACTORS[-1])
    return Estimate(*(round(v, 3) for v in (s, *within)))


def crossing(curve: Array, target: float) -> float:
    """Return the factor at which a falling curve first reaches the target.

    It lies on lines between points. An end of the factors stands for all beyond it.
    """
    rising = np.minimum.accumulate(curve)[::-1]
    return float(np.interp(target, rising, FACTORS[::-1]))  # the last of equal points


def factor_text(s: Estimate) -> str:
    """Return a factor with its interval; an end of the factors is no number."""
    ends = {FACTORS[0]: f"below {FACTORS[0]:g}", FACTORS[-1]: f"above {FACTORS[-1]:g}"}
    value, low, high = (ends.get(end, f"{end:.3f}") for end in s)
    return f"{value} [{low}, {high}]"
