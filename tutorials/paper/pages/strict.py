"""Does the defence hold? Adaptive attacks beside the columns of Table 2."""

from pathlib import Path
from textwrap import fill

from attacks.evaluation.intervals import Estimate, wilson
from ensembles import METHODS
from minidl.files import write_text
from tutorials.paper.claims.intervals import difference, of_both, of_cell
from tutorials.paper.claims.verdicts import read_run
from tutorials.paper.pages.markdown import Table, page
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import Results
from tutorials.paper.results.strict import Accuracies, Strict, with_singles
from tutorials.paper.results.table2 import mean_cell

TITLE = "Does the defence hold? Adaptive attacks"
HEAD = ["eps of", "", "No Attack", "Adv. 1", "Adv. 2"]
WORST, SINGLES, NONE = "worst case", "singles, worst case", "-"


def strict_table(results: Results, adaptive: Strict) -> Table:
    """Return the table, a row for each eps and method."""
    first = next(iter(next(iter(adaptive.methods.values())).values()))
    rows = [
        row(results, adaptive, attack, method)
        for attack, methods in results.table2.items()
        for method in methods
        if method in adaptive.methods
    ]
    singles = [SINGLES] if with_singles(adaptive) else []
    return Table([*HEAD, *first.attacks, WORST, *singles], rows, words=2)


def row(results: Results, adaptive: Strict, attack: str, method: str) -> list[str]:
    """Return one method's accuracies within one attack's eps."""
    ours, cells = adaptive.methods[method][attack], results.table2[attack][method]
    two = cells["adv1_ensemble"], cells["adv2_ensemble"]
    values = [ours.clean, *(cell.accuracy for cell in two)]
    values += [*ours.attacks.values(), ours.worst]
    eps = f"{ATTACK_NAMES[attack]}, {adaptive.eps[attack]:g}"
    shown = [f"{value:.3f}" for value in values]
    if with_singles(adaptive):
        alone = mean_of_singles(ours, adaptive.images)
        shown.append(f"{alone.value:.3f}" if alone else NONE)
    return [eps, METHOD_NAMES[method], *shown]


def mean_of_singles(ours: Accuracies, images: int) -> Estimate | None:
    """Return the mean of the members' worst cases; None if they weren't attacked."""
    return of_both(mean_cell(ours.singles, images)) if ours.singles else None


def strict_note(adaptive: Strict) -> str:
    """Return what the columns mean, and which methods have none yet."""
    missing = [METHOD_NAMES[m] for m in METHODS if m not in adaptive.methods]
    rest = f" {', '.join(missing)}: not attacked." if missing else ""
    return (
        f"These are accuracies of ensembles of {adaptive.members} members. The attacks "
        "are untargeted; no pixel moves by more than eps (Linf) or leaves [0, 1]. Adv. "
        "1 and Adv. 2 are those of Table 2. The other columns are measured on the "
        f"first {adaptive.images:,} test images. PGD-100 is projected gradient descent "
        "on the ensemble's own cost, -log of the mean probability, with 100 steps from "
        "each of 5 random starts. APGD-CE is Auto-PGD on the same cost, APGD-DLR on "
        "the difference-of-logits ratio of the log mean probability, both with 100 "
        "steps. "
        f"In the worst case an image must withstand all three.{alone(adaptive)}{rest}"
    )


def alone(adaptive: Strict) -> str:
    """Return what the column of single members means, "" without the column."""
    attacked = with_singles(adaptive)
    if attacked is None:
        return ""
    unknown = f" {NONE}: not attacked yet." if attacked != adaptive else ""
    return (
        " The last column is the mean worst case of single members, each attacked "
        f"alone by the same three attacks on its own cost and ratio.{unknown}"
    )


def what_is_left(results: Results, adaptive: Strict) -> str:
    """Return in sentences what adaptive attacks leave of the defence."""
    parts = [sentence(results, adaptive, attack) for attack in results.table2]
    attack, method = max(
        ((attack, method) for method in adaptive.methods for attack in results.table2),
        key=lambda cell: adaptive.methods[cell[1]][cell[0]].worst,
    )
    shown = of_cell(results.table2[attack][method]["adv2_ensemble"])
    parts.append(verdict(adaptive.methods[method][attack], adaptive.images, shown))
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
    ties = [other[attack].worst for other in adaptive.methods.values()].count(own.worst)
    which = "No ensemble is more robust than"
    if ties == 1:
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


def verdict(best: Accuracies, images: int, shown: Estimate) -> str:
    """Return what follows for the defence from the largest accuracy that is left.

    `shown` is the same ensemble's accuracy in Table 2 under Adv. 2.
    """
    most = wilson(best.worst, images)
    part = best.worst / best.clean if best.clean else 0.0
    if most.high < 0.1:
        left = "Nothing of the defence is left"
    else:
        left = f"At best, {part:.0%} of the clean accuracy is left"
    if difference(shown, most).low > 0:
        return f"{left}. Table 2 shows more only because its attacks are weak."
    if part >= 0.5:
        return f"{left}. Against these attacks the best ensemble is a defence."
    return f"{left}. Under the attacks of Table 2 no more is left."


def strict_section(results: Results, adaptive: Strict | None, level: str) -> str:
    """Return heading, table, verdict and note in Markdown, "" without attacks."""
    if adaptive is None:
        return ""
    return page(
        f"{level} {TITLE}",
        strict_table(results, adaptive).markdown(),
        what_is_left(results, adaptive),
        strict_note(adaptive),
    )


def write_strict(folder: Path) -> None:
    """Print the table and verdict of a folder's results, and write strict.md.

    Raises FileNotFoundError if the strict attacks haven't been run.
    """
    results, adaptive, _ = read_run(folder)
    if adaptive is None:
        raise FileNotFoundError(
            f"no adaptive attacks in {folder}: the verb strict makes them"
        )
    print(f"\n{TITLE}\n\n{strict_table(results, adaptive).text()}\n")
    for text in (what_is_left(results, adaptive), "", strict_note(adaptive)):
        print(fill(text, width=88))
    write_text(folder / "strict.md", strict_section(results, adaptive, "#"))
    print(f"\n{folder / 'strict.md'} written")
