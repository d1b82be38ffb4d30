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


def strict_table(results: Results, found: Strict) -> Table:
    """Return the table, a row for each eps and method."""
    first = next(iter(next(iter(found.methods.values())).values()))
    rows = [
        row(results, found, attack, method)
        for attack, methods in results.table2.items()
        for method in methods
        if method in found.methods
    ]
    singles = [SINGLES] if with_singles(found) else []
    return Table([*HEAD, *first.attacks, WORST, *singles], rows, words=2)


def row(results: Results, found: Strict, attack: str, method: str) -> list[str]:
    """Return one method's accuracies within one attack's eps."""
    ours, cells = found.methods[method][attack], results.table2[attack][method]
    two = cells["adv1_ensemble"], cells["adv2_ensemble"]
    values = [ours.clean, *(cell.accuracy for cell in two)]
    values += [*ours.attacks.values(), ours.worst]
    eps = f"{ATTACK_NAMES[attack]}, {found.eps[attack]:g}"
    shown = [f"{value:.3f}" for value in values]
    if with_singles(found):
        alone = mean_of_singles(ours, found.images)
        shown.append(f"{alone.value:.3f}" if alone else NONE)
    return [eps, METHOD_NAMES[method], *shown]


def mean_of_singles(ours: Accuracies, images: int) -> Estimate | None:
    """Return the mean of the members' worst cases; None if they weren't attacked."""
    return of_both(mean_cell(ours.singles, images)) if ours.singles else None


def strict_note(found: Strict) -> str:
    """Return what the columns mean, and which methods have none yet."""
    missing = [METHOD_NAMES[m] for m in METHODS if m not in found.methods]
    rest = f" {', '.join(missing)}: not attacked." if missing else ""
    return (
        f"These are accuracies of ensembles of {found.members} members. The threat "
        "model is untargeted; no pixel moves by more than eps (Linf) or leaves [0, 1]. "
        "Adv. 1 and Adv. 2 are those of Table 2. The other columns are of the first "
        f"{found.images:,} test images. PGD-100 is projected gradient descent on the "
        "ensemble's own cost, -log of the mean probability, with 100 steps from each "
        "of 5 random starts. APGD-CE is Auto-PGD on the same cost, APGD-DLR on the "
        "difference-of-logits ratio of the log mean probability, both with 100 steps. "
        f"In the worst case an image must withstand all three.{alone(found)}{rest}"
    )


def alone(found: Strict) -> str:
    """Return what the column of single members means, nothing without the column."""
    attacked = with_singles(found)
    if attacked is None:
        return ""
    unknown = f" {NONE}: not attacked yet." if attacked != found else ""
    return (
        " The last column is the mean over single members in their own worst case: the "
        f"same three attacks climb each member's own cost and ratio.{unknown}"
    )


def what_is_left(results: Results, found: Strict) -> str:
    """Return what adaptive attacks leave of the defence, in sentences."""
    parts = [sentence(results, found, attack) for attack in results.table2]
    attack, method = max(
        ((attack, method) for method in found.methods for attack in results.table2),
        key=lambda cell: found.methods[cell[1]][cell[0]].worst,
    )
    shown = of_cell(results.table2[attack][method]["adv2_ensemble"])
    parts.append(verdict(found.methods[method][attack], found.images, shown))
    return " ".join(parts)


def most_robust(results: Results, found: Strict, attack: str) -> str:
    """Return the most robust method within an eps; Table 2's Adv. 2 breaks ties."""

    def left(method: str) -> tuple[float, float]:
        table2 = results.table2[attack][method]["adv2_ensemble"].accuracy
        return found.methods[method][attack].worst, table2

    return max(found.methods, key=left)


def sentence(results: Results, found: Strict, attack: str) -> str:
    """Return what attacks within one eps leave of the most robust ensemble."""
    method = most_robust(results, found, attack)
    cells, name = results.table2[attack][method], ATTACK_NAMES[attack]
    most = found.methods[method][attack].worst
    equals = sum(own[attack].worst == most for own in found.methods.values())
    which = "No ensemble is more robust than" if equals > 1 else "The most robust is"
    singles = mean_of_singles(found.methods[method][attack], found.images)
    adaptive = f", and {singles} under adaptive attacks" if singles else ""
    return (
        f"{name}, eps = {found.eps[attack]:g}: {which} "
        f"{METHOD_NAMES[method].rstrip('.')}. It keeps "
        f"{cells['adv1_ensemble'].accuracy:.3f} under Adv. 1, "
        f"{cells['adv2_ensemble'].accuracy:.3f} under Adv. 2, and "
        f"{wilson(most, found.images)} under adaptive attacks. Its single members keep "
        f"{cells['adv1_single'].accuracy:.3f} under {name} with their own gradients"
        f"{adaptive}."
    )


def verdict(best: Accuracies, images: int, shown: Estimate) -> str:
    """Return what follows for the defence, by the largest accuracy that is left.

    `shown` is what Table 2 has there under its strongest attack, Adv. 2.
    """
    most = wilson(best.worst, images)
    part = best.worst / best.clean if best.clean else 0.0
    if most.high < 0.1:
        left = "Nothing of the defence is left"
    else:
        left = f"At best, {part:.0%} of the clean accuracy is left"
    if difference(shown, most).low > 0:
        return f"{left}. The rest of Table 2's accuracy is the weakness of its attacks."
    if part >= 0.5:
        return f"{left}. Against these attacks the best ensemble is a defence."
    return f"{left}, and Table 2's own attacks show no more than that."


def strict_section(results: Results, found: Strict | None, level: str) -> str:
    """Return heading, table, note and verdict in Markdown, nothing without attacks."""
    if found is None:
        return ""
    return page(
        f"{level} {TITLE}",
        strict_table(results, found).markdown(),
        what_is_left(results, found),
        strict_note(found),
    )


def write_strict(folder: Path) -> None:
    """Print table and verdict of the results in a folder, and write strict.md.

    Raises FileNotFoundError if the strict attacks haven't been run.
    """
    results, found, _ = read_run(folder)
    if found is None:
        raise FileNotFoundError(
            f"no adaptive attacks in {folder}: the verb strict makes them"
        )
    print(f"\n{TITLE}\n\n{strict_table(results, found).text()}\n")
    for text in (what_is_left(results, found), "", strict_note(found)):
        print(fill(text, width=88))
    write_text(folder / "strict.md", strict_section(results, found, "#"))
    print(f"\n{folder / 'strict.md'} written")
