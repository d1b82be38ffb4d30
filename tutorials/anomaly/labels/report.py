"""results/labels/README.md: the factor s, all readings, and how an image comes back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from minidl.files import write_text
from tutorials.anomaly.labels.fit import ORDERS, Fit, fit
from tutorials.anomaly.labels.happens import Folders, how_it_happens
from tutorials.anomaly.labels.libraries import LIBRARIES
from tutorials.anomaly.labels.measure import read_files
from tutorials.anomaly.labels.readings import (
    READINGS,
    SUSPECT,
    Expected,
    fixed_readings,
)
from tutorials.anomaly.labels.scale import ATTACK, SCALE, read_scale
from tutorials.anomaly.labels.unexplained import unexplained
from tutorials.paper.experiment.labels import RULES
from tutorials.paper.pages.markdown import Table, page
from tutorials.paper.pages.notes import counted
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES, paper_accuracy

HEAD = f"""# Whose label explains the paper's surprise?

Under BIM the paper's ensemble withstands Adv. 2 better than Adv. 1. The paper doesn't
say whose label y its attacks climb away from. Here each adversary takes one of
{len(RULES)} labels: the true one, or a prediction of each member itself or of the
ensemble. A prediction is taken once, anew at every step, anew after a first step with
the true label, or anew only for images that are classified correctly before any step.
All perturbations are as the paper states them, or times one factor s. Together these
are {len(READINGS)} readings. They are in [readings.json](readings.json), each with what
it was expected to find, written down before any was measured at full size.

This page is made by `python -m tutorials.anomaly.labels report` from the files beside
it. 95 % intervals stand in brackets."""
ABOUT_SCALE = """Times s, FGSM with one member's gradient leaves our ensemble with
random initial weights as accurate as the paper's. The interval is a bootstrap over
images and members. s is used for all methods and attacks of the data set: the other
numbers are predictions."""
ABOUT_READINGS = f"""*Orders*: how often Adv. 1 and Adv. 2 come out in the paper's
order, of two a method, FGSM and BIM. In parentheses: how often the interval of the
difference is above 0, and below 0. *Expected*: how many come out, or don't, as was
written down. *Difference*: the mean absolute difference from the paper's attacked
accuracies, all but the one that s was chosen on. Reading {SUSPECT} is the one that a
trial pointed to."""


MISSING = """Nothing is measured yet: `python -m tutorials.anomaly.labels scale` chooses
s, then `run` attacks each method with all labels. Both write this page again."""


def write_report(folder: Path) -> Path:
    """Write the page on what is measured in a folder, as far as anything is."""
    folders = {
        path.name: files
        for path in sorted(folder.iterdir() if folder.exists() else [])
        if (files := read_files(path))
    }
    scales = [path.parent for path in sorted(folder.glob(f"*/{SCALE}"))]
    readings = fixed_readings(folder).readings
    fits = {n: [fit(r, files) for r in readings] for n, files in folders.items()}
    parts = [HEAD, "## How large is the paper's eps in our networks' units?"]
    parts += [ABOUT_SCALE, scale_table(scales) if scales else MISSING]
    if folders:
        parts += ["## Which reading fits?", ABOUT_READINGS]
        parts += [sentence(name, found) for name, found in fits.items()]
        parts.append(readings_table(readings, fits))
        parts.append(f"## Reading {SUSPECT}, beside the paper")
        parts.append(readings[SUSPECT - 1].words)
        parts.append(numbers_table(readings[SUSPECT - 1], folders))
    parts += how_it_happens(folder, folders)
    parts += [LIBRARIES, unexplained(folder.parent, fits)]
    path = folder / "README.md"
    write_text(path, page(*parts))
    return path


def scale_table(folders: Sequence[Path]) -> str:
    """Return s for each data set and network."""
    rows = []
    for folder in folders:
        scale = read_scale(folder / SCALE)
        eps = scale.configuration.attacks[ATTACK]["eps"]
        there = f"{scale.configuration.members} members, {scale.images:,} images"
        s = f"{scale.s:.3f} [{scale.low:.3f}, {scale.high:.3f}]"
        rows.append([folder.name, there, s, f"{eps:g}", f"{eps * scale.s:.4f}"])
    head = ["results", "measured on", "s", "FGSM's eps as stated", "times s"]
    return Table(head, rows, words=2).markdown()


def sentence(name: str, fits: Sequence[Fit]) -> str:
    """Return which readings are best on one data set, and where the suspect stands."""
    own, most = fits[SUSPECT - 1], max(f.shown for f in fits)
    every = [n for n, f in enumerate(fits, start=1) if f.shown == most]
    nearest = min(every, key=lambda n: fits[n - 1].difference)
    closest = min(range(len(fits)), key=lambda i: fits[i].difference)
    nearer = sum(f.difference < own.difference for f in fits)
    return (
        f"**{name}**: the most orders, {most} of {fits[0].asked}, come out in "
        f"{counted(len(every), 'reading')}; the nearest of these to the paper's is "
        f"{nearest}, {fits[nearest - 1].difference:.3f} off. Of all the nearest is "
        f"{closest + 1}, {fits[closest].difference:.3f} off, with "
        f"{counted(fits[closest].shown, 'order')}. Reading {SUSPECT} shows "
        f"{own.shown} and is {own.difference:.3f} off; {counted(nearer, 'reading')} "
        f"{'is' if nearer == 1 else 'are'} nearer."
    )


def readings_table(
    readings: Sequence[Expected], fits: Mapping[str, Sequence[Fit]]
) -> str:
    """Return all readings in order of their number."""
    head = ["no.", "Adv. 1's label", "Adv. 2's label", "times"]
    for name in fits:
        head += [f"{name}: orders", "expected", "difference"]
    rows = []
    for r in readings:
        mark = "**" if r.number == SUSPECT else ""
        row = [f"{mark}{r.number}{mark}", r.adv1, r.adv2, "s" if r.scaled else "1"]
        for found in fits.values():
            f = found[r.number - 1]
            row.append(f"{f.shown} of {f.asked} ({f.surely}, {f.against})")
            row += [f"{f.as_expected} of {f.asked}", f"{f.difference:.3f}"]
        rows.append(row)
    return Table(head, rows, words=4).markdown()


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
    head = ["results", "method", "attack"]
    columns = ["Adv. 1, Single", "Adv. 1, Ensemble", "Adv. 2, Ensemble"]
    return Table([*head, *columns], rows, words=3).markdown()
