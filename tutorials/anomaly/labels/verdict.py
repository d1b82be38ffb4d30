"""The section on readings: the verdict, the few that matter, and the complete table.

A reading that was chosen on some networks explains nothing there. So the methods and
data that weren't used to choose it decide.
"""

from collections.abc import Mapping, Sequence

from tutorials.anomaly.labels.fit import Fit, fit, most_orders, nearest
from tutorials.anomaly.labels.happens import Folders
from tutorials.anomaly.labels.measure import Labels
from tutorials.anomaly.labels.readings import CURRENT, NUMBERS, SUSPECT, Expected
from tutorials.anomaly.labels.scale import METHOD
from tutorials.paper.experiment.labels import TRUE
from tutorials.paper.pages.markdown import Table, details, page
from tutorials.paper.pages.notes import counted
from tutorials.paper.paper_numbers import HALVES, METHOD_NAMES

Fits = Mapping[str, Sequence[Fit]]  # of all readings, by what they are measured on
AS_STATED, TIMES_S = (NUMBERS[TRUE, TRUE, scaled] for scaled in (False, True))
KNOWN = (AS_STATED, TIMES_S, NUMBERS[TRUE, CURRENT, False], SUSPECT)
FOUND_ON = "MNIST", METHOD  # the half of the table and the method of the trial
OTHERS = "other methods and data"
WHO = f"""Reading {SUSPECT}: Adv. 1 keeps the true label, Adv. 2 takes each member's
current prediction, and perturbations are times s. A trial on MNIST with random initial
weights pointed to it. So only {OTHERS} can confirm it."""
ABOUT = """*Orders* are the paper's: Adv. 1 above Adv. 2 under FGSM, and below it under
BIM. Each method has two. The number after them is the mean absolute difference from the
paper's attacked accuracies, all but the one that s was chosen on."""
COMPLETE = """In parentheses: how many orders have an interval above 0, and how many
one below 0, against the paper. *Expected*: how many come out, or don't, as was written
down. *Off*: the mean absolute difference."""


def of_readings(readings: Sequence[Expected], folders: Folders, fits: Fits) -> str:
    """Return the section, from the files of all folders and the fits of each."""
    every = [labels for files in folders.values() for labels in files]
    others = [labels for labels in every if is_other(labels)]
    total = [fit(r, others or every) for r in readings]
    if others:
        fits = {OTHERS: total} | dict(fits)
    numbers = sorted({*KNOWN, nearest(total), most_orders(total)})
    each = {
        (name, METHOD_NAMES[labels.method]): [fit(r, [labels]) for r in readings]
        for name, files in folders.items()
        for labels in files
    }
    return page(
        "## Which reading fits?",
        verdict(total, others),
        ABOUT,
        few(readings, numbers, fits),
        "\n".join(f"- {sentence(name, own)}" for name, own in fits.items()),
        *(by_method(numbers, each) if len(each) > len(folders) else ()),
        details(
            f"All {len(readings)} readings",
            f"\n\n{COMPLETE}\n\n{complete(readings, fits)}\n\n",
        ),
    )


def is_other(labels: Labels) -> bool:
    """Return whether the suspect was found without this method of this data set."""
    return (HALVES[labels.configuration.dataset], labels.method) != FOUND_ON


def verdict(fits: Sequence[Fit], others: Sequence[Labels]) -> str:
    """Return whether the suspect explains the paper's orders where it may be judged."""
    if not others:
        return f"**There is no verdict yet.** {WHO} None of them is measured."
    own, best = fits[SUSPECT - 1], nearest(fits)
    stated, scaled, near = (fits[n - 1] for n in (AS_STATED, TIMES_S, best))
    alike = sum(f.shown >= own.shown for f in fits) - 1
    return page(
        f"**{judged(own)}, and is {own.difference:.3f} off its accuracies.** This is "
        f"the verdict of {OTHERS}, {counted(len(others), 'measurement')}: "
        f"{orders(own)}, {own.surely} of them with an interval above 0. As many orders "
        f"come out in {counted(alike, 'other reading')}. {nearer(fits)} The nearest is "
        f"reading {best}, with {orders(near)} and {near.difference:.3f} off. The true "
        f"label shows {orders(stated)} and is {stated.difference:.3f} off with "
        f"perturbations as stated. Times s it shows {orders(scaled)} and is "
        f"{scaled.difference:.3f} off.",
        WHO,
    )


def judged(own: Fit) -> str:
    """Return what the suspect shows of the paper's orders, as a clause."""
    if own.shown == own.surely == own.asked:
        return f"Reading {SUSPECT} shows all of the paper's orders"
    if own.against:
        against = f"{own.against} of the paper's {own.asked} orders"
        return f"Reading {SUSPECT} shows the opposite of {against}"
    return f"Reading {SUSPECT} leaves some of the paper's orders undecided"


def orders(found: Fit) -> str:
    """Return how many of the paper's orders come out, in words."""
    return f"{found.shown} of {counted(found.asked, 'order')}"


def nearer(fits: Sequence[Fit]) -> str:
    """Return how many readings are nearer to the paper than the suspect."""
    count = sum(f.difference < fits[SUSPECT - 1].difference for f in fits)
    return f"{counted(count, 'reading')} {'is' if count == 1 else 'are'} nearer."


def sentence(name: str, fits: Sequence[Fit]) -> str:
    """Return which readings are best on some files, and where the suspect stands."""
    own, best, closest = fits[SUSPECT - 1], most_orders(fits), nearest(fits)
    top, near = fits[best - 1], fits[closest - 1]
    alike = sum(f.shown == top.shown for f in fits)
    text = (
        f"**{name}**: reading {SUSPECT} shows {orders(own)} and is "
        f"{own.difference:.3f} off. {nearer(fits)} Of the "
        f"{counted(alike, 'reading')} with the most orders, {top.shown}, the nearest "
        f"is {best}, {top.difference:.3f} off."
    )
    if closest != best:
        of_all = f"{orders(near)}, {near.difference:.3f} off"
        text += f" The nearest of all is {closest}: {of_all}."
    return text


def few(readings: Sequence[Expected], numbers: Sequence[int], fits: Fits) -> str:
    """Return the readings that matter, with all that they are measured on."""
    rows = [
        [*labels_of(readings[n - 1]), *(str(found[n - 1]) for found in fits.values())]
        for n in numbers
    ]
    return Table([*LABELS, *fits], rows, words=4).markdown()


def by_method(
    numbers: Sequence[int], each: Mapping[tuple[str, str], Sequence[Fit]]
) -> tuple[str, str]:
    """Return what the readings that matter find on each method, and the nearest."""
    rows = []
    for place, fits in each.items():
        best = nearest(fits)
        own = [str(fits[n - 1]) for n in numbers]
        rows.append([*place, *own, f"{best}: {fits[best - 1]}"])
    shown = [f"reading {n}" for n in numbers]
    head = ["results", "method", *shown, "the nearest"]
    return "The same for each method:", Table(head, rows, words=2).markdown()


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


LABELS = ("no.", "Adv. 1's label", "Adv. 2's label", "times")


def labels_of(reading: Expected) -> list[str]:
    """Return a reading's cells: its number, the suspect's in bold, and its labels."""
    mark = "**" if reading.number == SUSPECT else ""
    number = f"{mark}{reading.number}{mark}"
    return [number, reading.adv1, reading.adv2, "s" if reading.scaled else "1"]
