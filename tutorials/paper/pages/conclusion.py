"""What adaptive attacks leave of the defence, in sentences."""

from itertools import product

from attacks.evaluation.intervals import Estimate, wilson
from tutorials.paper.claims.comparison import stands_out
from tutorials.paper.claims.intervals import difference, of_both, of_cell
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import Results
from tutorials.paper.results.strict import Accuracies, Strict
from tutorials.paper.results.table2 import mean_cell

LITTLE = 0.1  # an accuracy that guessing reaches
NOTHING = "Nothing of the defence is left"


def what_is_left(results: Results, adaptive: Strict) -> str:
    """Return in sentences what adaptive attacks leave of the defence."""
    parts = [sentence(results, adaptive, attack) for attack in results.table2]
    method, attack = max(
        product(adaptive.methods, results.table2),
        key=lambda cell: adaptive.methods[cell[0]][cell[1]].worst,
    )
    shown = of_cell(results.table2[attack][method]["adv2_ensemble"])
    parts.append(conclusion(adaptive.methods[method][attack], adaptive.images, shown))
    return " ".join(parts)


def most_robust(results: Results, adaptive: Strict, attack: str) -> str:
    """Return the most robust method within an eps; Table 2's Adv. 2 decides ties."""

    def left(method: str) -> tuple[float, float]:
        table2 = results.table2[attack][method]["adv2_ensemble"].accuracy
        return adaptive.methods[method][attack].worst, table2

    return max(adaptive.methods, key=left)


def sentence(results: Results, adaptive: Strict, attack: str) -> str:
    """Return what attacks within one eps leave of the most robust ensemble."""
    method = most_robust(results, adaptive, attack)
    cells, name = results.table2[attack][method], ATTACK_NAMES[attack]
    own = adaptive.methods[method][attack]
    n = adaptive.images
    others = [
        wilson(o[attack].worst, n) for m, o in adaptive.methods.items() if m != method
    ]
    which = "No ensemble is significantly more robust than"
    if stands_out(wilson(own.worst, n), others):
        which = "The most robust ensemble is"
    singles = mean_of_singles(own, adaptive.images)
    alone = f", and {singles} under adaptive attacks" if singles else ""
    return (
        f"{name}, eps = {adaptive.eps[attack]:g}: {which} "
        f"{METHOD_NAMES[method].rstrip('.')}. Its accuracy is "
        f"{cells['adv1_ensemble'].accuracy:.3f} under Adv. 1, "
        f"{cells['adv2_ensemble'].accuracy:.3f} under Adv. 2, and "
        f"{wilson(own.worst, adaptive.images)} under adaptive attacks. Alone, its "
        f"members reach {cells['adv1_single'].accuracy:.3f} under {name} with their "
        f"own gradients{alone}."
    )


def conclusion(best: Accuracies, images: int, shown: Estimate) -> str:
    """Return what follows for the defence from the largest accuracy that is left.

    `shown` is the same ensemble's accuracy in Table 2 under Adv. 2.
    """
    most = wilson(best.worst, images)
    part = best.worst / best.clean if best.clean else 0.0
    left = f"At best, {part:.0%} of the clean accuracy is left"
    if most.high < LITTLE:
        left = f"Of the defence, {most} is left" if best.worst else NOTHING
    if difference(shown, most).low > 0:
        return f"{left}. Table 2 shows more only because its attacks are weak."
    if part >= 0.5 and most.high >= LITTLE:
        return f"{left}. Against these attacks the best ensemble is a defence."
    return f"{left}. Under the attacks of Table 2 no more is left."


def mean_of_singles(ours: Accuracies, images: int) -> Estimate | None:
    """Return the mean of the members' worst cases; None if they weren't attacked."""
    return of_both(mean_cell(ours.singles, images)) if ours.singles else None
