"""The page's tables: readings, their numbers beside the paper's, and s."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tutorials.anomaly.labels.fit import ORDERS, Fit, nearest
from tutorials.anomaly.labels.happens import Folders
from tutorials.anomaly.labels.measure import Labels
from tutorials.anomaly.labels.readings import SUSPECT, Expected
from tutorials.anomaly.labels.scale import ATTACK, SCALE, factor_text, read_scale
from tutorials.paper.claims.intervals import of_cell
from tutorials.paper.pages.markdown import Table
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES, paper_accuracy

Fits = Mapping[str, Sequence[Fit]]  # of all readings, by what they are measured on
LABELS = ("no.", "Adv. 1's label", "Adv. 2's label", "times")
COLUMNS = ("Adv. 1, Single", "Adv. 1, Ensemble", "Adv. 2, Ensemble")


def labels_of(reading: Expected) -> list[str]:
    """Return a reading's cells: its number, the suspect's in bold, and its labels."""
    mark = "**" if reading.number == SUSPECT else ""
    number = f"{mark}{reading.number}{mark}"
    return [number, reading.adv1, reading.adv2, "s" if reading.scaled else "1"]


def few(readings: Sequence[Expected], numbers: Sequence[int], fits: Fits) -> str:
    """Return the readings that matter, with all that they are measured on."""
    rows = [
        [*labels_of(readings[n - 1]), *(str(found[n - 1]) for found in fits.values())]
        for n in numbers
    ]
    return Table([*LABELS, *fits], rows, words=4).markdown()


def by_method(
    numbers: Sequence[int], each: Mapping[tuple[str, str], Sequence[Fit]]
) -> str:
    """Return what the readings that matter find on each method, and the nearest."""
    rows = []
    for place, fits in each.items():
        best = nearest(fits)
        own = [str(fits[n - 1]) for n in numbers]
        rows.append([*place, *own, f"{best}: {fits[best - 1]}"])
    shown = [f"reading {n}" for n in numbers]
    head = ["results", "method", *shown, "the nearest"]
    return Table(head, rows, words=2).markdown()


def complete(readings: Sequence[Expected], fits: Fits) -> str:
    """Return all readings in the order of their numbers."""
    head = [*LABELS]
    for name in fits:
        head += [f"{name}: orders", "expected", "off"]
    rows = []
    for reading in readings:
        row = labels_of(reading)
        for found in fits.values():
            f = found[reading.number - 1]
            row.append(f"{f.shown} of {f.asked} ({f.surely}, {f.against})")
            row += [f"{f.as_expected} of {f.asked}", f"{f.difference:.3f}"]
        rows.append(row)
    return Table(head, rows, words=4).markdown()


def scale_table(folders: Sequence[Path]) -> str:
    """Return s for each data set and network."""
    rows = []
    for folder in folders:
        scale = read_scale(folder / SCALE)
        eps = scale.configuration.attacks[ATTACK]["eps"]
        there = f"{scale.configuration.members} members, {scale.images:,} images"
        lengths = factor_text(scale.estimate), f"{eps:g}", f"{eps * scale.s:.4f}"
        rows.append([folder.name, there, *lengths])
    head = ["results", "measured on", "s", "FGSM's eps as stated", "times s"]
    return Table(head, rows, words=2).markdown()


def numbers_table(reading: Expected, folders: Folders) -> str:
    """Return a reading's numbers, each with the paper's in parentheses."""
    rows = []
    for name, files in folders.items():
        for labels in files:
            for attack in ORDERS:
                rules = reading.adv1, reading.adv2
                cells = labels.cells(attack, *rules, reading.scaled)
                row = [name, METHOD_NAMES[labels.method], ATTACK_NAMES[attack]]
                for column, cell in cells.items():
                    place = attack, labels.method, column
                    paper = paper_accuracy(labels.configuration.dataset, *place)
                    row.append(f"{cell.accuracy:.4f} ({paper:.4f})")
                rows.append(row)
    return Table(["results", "method", "attack", *COLUMNS], rows, words=3).markdown()


def rules_table(files: Sequence[Labels]) -> str:
    """Return the accuracies with each label, for both adversaries, with intervals."""
    rows = []
    for labels in files:
        for attack, rule, scaled in labels.found:
            cells = labels.cells(attack, rule, rule, scaled).values()
            names = METHOD_NAMES[labels.method], ATTACK_NAMES[attack], rule
            times = "s" if scaled else "1"
            rows.append([*names, times, *(str(of_cell(cell)) for cell in cells)])
    head = ["method", "attack", "label", "times", *COLUMNS]
    return Table(head, rows, words=4).markdown()
