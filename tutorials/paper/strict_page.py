"""What is left of the defence: the strict attacks beside the columns of Table 2."""

from pathlib import Path
from textwrap import fill

from ensembles import METHODS
from minidl.files import write_text
from tutorials.paper.intervals import Estimate, difference, of_cell, wilson
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import Results, read
from tutorials.paper.strict_results import Accuracies, Strict, strict_of

TITLE = "Does the defence hold? Attacks that fit an ensemble"
HEAD = ["eps of", "", "No Attack", "Adv. 1", "Adv. 2"]
WORST = "worst case"
LEFT = ("adv1_single", "adv1_ensemble", "adv2_ensemble")  # columns of Table 2


def strict_rows(results: Results, found: Strict) -> tuple[list[str], list[list[str]]]:
    """Return the table's head, and its rows: an eps and a method each."""
    first = next(iter(next(iter(found.methods.values())).values()))
    head = [*HEAD, *first.attacks, WORST]
    rows = []
    for attack, methods in results.table2.items():
        for method, cells in methods.items():
            if method in found.methods:
                ours = found.methods[method][attack]
                eps = f"{ATTACK_NAMES[attack]}, {found.eps[attack]:g}"
                two = cells["adv1_ensemble"], cells["adv2_ensemble"]
                values = [ours.clean, *(cell.accuracy for cell in two)]
                values += [*ours.attacks.values(), ours.worst]
                cells_ = [f"{value:.3f}" for value in values]
                rows.append([eps, METHOD_NAMES[method], *cells_])
    return head, rows


def strict_markdown(results: Results, found: Strict) -> str:
    """Return the table in Markdown."""
    head, rows = strict_rows(results, found)
    rule = ["---"] * 2 + ["---:"] * (len(head) - 2)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def strict_text(results: Results, found: Strict) -> str:
    """Return the table for a terminal."""
    head, rows = strict_rows(results, found)
    return "\n".join(
        f"{row[0]:<12}{row[1]:<13}" + "".join(f"{cell:>11}" for cell in row[2:])
        for row in [head, *rows]
    )


def strict_note(found: Strict) -> str:
    """Return what the columns are, and which methods have none yet."""
    missing = [METHOD_NAMES[m] for m in METHODS if m not in found.methods]
    rest = f" {', '.join(missing)}: not attacked." if missing else ""
    return (
        f"Accuracy of the ensembles of {found.members} members. Threat model: "
        "untargeted, no pixel moves by more than eps (Linf) or leaves [0, 1]. No "
        f"Attack, and all from PGD-100 on: the first {found.images:,} test images; "
        "Adv. 1 and Adv. 2 as in Table 2. PGD-100: projected gradient descent on the "
        "ensemble's own cost, -log "
        "of the mean probability, 100 steps from each of 5 random starts. APGD-CE: "
        "Auto-PGD on the same, APGD-DLR on the difference-of-logits ratio of the log "
        "mean probability, 100 steps each. Worst case: an image counts only if it "
        f"withstands all three.{rest}"
    )


def what_is_left(results: Results, found: Strict) -> str:
    """Return the verdict in words, every number from the files."""
    parts = [sentence(results, found, attack) for attack in results.table2]
    attack, method = max(
        ((attack, method) for method in found.methods for attack in results.table2),
        key=lambda cell: found.methods[cell[1]][cell[0]].worst,
    )
    shown = of_cell(results.table2[attack][method]["adv2_ensemble"])
    parts.append(verdict(found.methods[method][attack], found.images, shown))
    return " ".join(parts)


def sentence(results: Results, found: Strict, attack: str) -> str:
    """Return what one budget does to the ensemble that lasts longest."""

    def left(method: str) -> tuple[float, float]:  # what Table 2 says decides a tie
        table2 = results.table2[attack][method]["adv2_ensemble"].accuracy
        return found.methods[method][attack].worst, table2

    method = max(found.methods, key=left)
    worst = wilson(found.methods[method][attack].worst, found.images)
    cells = results.table2[attack][method]
    single, adv1, adv2 = (cells[column].accuracy for column in LEFT)
    name = ATTACK_NAMES[attack]
    most = found.methods[method][attack].worst
    as_long = [m for m in found.methods if found.methods[m][attack].worst == most]
    which = "lasts longest" if len(as_long) == 1 else "isn't outlasted by any"
    return (
        f"At {name}'s eps = {found.eps[attack]:g} the ensemble that "
        f"{which}, {METHOD_NAMES[method]}, keeps {adv1:.3f} under Adv. 1, "
        f"{adv2:.3f} under Adv. 2, and {worst} against attacks that fit it. Its "
        f"members alone keep {single:.3f} under {name} with their own gradients."
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
        left = f"At its mildest, {part:.0%} of the clean accuracy withstands"
    if difference(shown, most).low > 0:
        return f"{left}: the rest of what Table 2 shows is the weakness of its attacks."
    if part >= 0.5:
        return f"{left}: against these attacks the best ensemble is a defence."
    return f"{left}, and Table 2's own attacks show no more than that."


def write_strict(folder: Path) -> None:
    """Print table and verdict of the results in a folder, and write strict.md.

    Raises FileNotFoundError if the strict attacks haven't been run.
    """
    results = read(folder)
    found = strict_of(results, folder)
    if found is None:
        raise FileNotFoundError(f"no strict.json in {folder}: the verb strict makes it")
    print(f"\n{TITLE}\n\n{strict_text(results, found)}\n")
    for text in (strict_note(found), "", what_is_left(results, found)):
        print(fill(text, width=88))
    write_text(folder / "strict.md", strict_section(results, found, "#") + "\n")
    print(f"\n{folder / 'strict.md'} written")


def strict_section(results: Results, found: Strict, level: str) -> str:
    """Return heading, table, note and verdict in Markdown."""
    parts = [
        f"{level} {TITLE}",
        strict_markdown(results, found),
        strict_note(found),
        what_is_left(results, found),
    ]
    return "\n\n".join(parts)
