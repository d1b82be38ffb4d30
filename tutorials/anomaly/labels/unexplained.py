"""What remains: how far Table 2's attacked accuracies are from the paper's."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tutorials.anomaly.labels.fit import ORDERS, Fit, most_orders
from tutorials.paper import results as results_file
from tutorials.paper.experiment.config import NETWORKS, suffix
from tutorials.paper.pages.markdown import Table, page, signed
from tutorials.paper.pages.notes import name_of
from tutorials.paper.paper_numbers import (
    ATTACK_NAMES,
    COLUMNS,
    HALVES,
    METHOD_NAMES,
    paper_accuracy,
)
from tutorials.paper.results import Results

ATTACKED = ("adv1_single", "adv1_ensemble", "adv2_ensemble")
ABOUT = """Our attacked accuracies of Table 2 minus the paper's, with true labels and
perturbations as stated. *Below*: how many of ours are lower than the paper's."""


def unexplained(folder: Path, fits: Mapping[str, Sequence[Fit]]) -> str:
    """Return the section, from the runs of Table 2 in a folder of results."""
    names = [f"{d}-full{suffix(network)}" for d in HALVES for network in NETWORKS]
    found = [folder / name for name in names]
    runs = [results_file.read(path) for path in found if results_file.methods_in(path)]
    rows = [row(run, attack) for run in runs for attack in ORDERS]
    head = ["run", "attack", "the furthest", "below", "mean", "at the furthest"]
    return page(
        "## What remains unexplained",
        ABOUT,
        Table(head, rows, words=3).markdown() if rows else "There are no runs yet.",
        *(left(name, own) for name, own in fits.items()),
    )


def row(results: Results, attack: str) -> list[str]:
    """Return one run's differences under one attack."""
    found = dict(differences(results, attack))
    below = sum(value < 0 for value in found.values())
    furthest = max(found, key=lambda place: abs(found[place]))
    mean = sum(found.values()) / len(found)
    return [
        name_of(results.configuration),
        ATTACK_NAMES[attack],
        furthest,
        f"{below} of {len(found)}",
        signed(mean),
        signed(found[furthest]),
    ]


def differences(results: Results, attack: str) -> Iterator[tuple[str, float]]:
    """Yield ours - paper's with the method and column."""
    for method, cells in results.table2[attack].items():
        for column in ATTACKED:
            dataset = results.configuration.dataset
            paper = paper_accuracy(dataset, attack, method, column)
            assert paper is not None
            place = f"{METHOD_NAMES[method]}, {COLUMNS[column]}"
            yield place, cells[column].accuracy - paper


def left(name: str, fits: Sequence[Fit]) -> str:
    """Return what the best reading leaves: orders, and distance."""
    best = fits[most_orders(fits) - 1]
    return (
        f"{name}: the readings with the most orders show {best.shown} of {best.asked} "
        f"orders. Even the nearest of them is {best.difference:.3f} off the paper's "
        f"accuracies, in the mean of {best.numbers} numbers."
    )
