"""The section on readings: the verdict, the few that matter, and the complete table.

A reading that was chosen on some networks explains nothing there. So the methods and
data that weren't used to choose it decide.
"""

from collections.abc import Sequence

from tutorials.anomaly.labels.fit import Fit, fit, most_orders, nearest
from tutorials.anomaly.labels.happens import Folders
from tutorials.anomaly.labels.measure import Labels
from tutorials.anomaly.labels.readings import (
    BY_LIBRARY,
    CURRENT,
    NUMBERS,
    SUSPECT,
    Expected,
)
from tutorials.anomaly.labels.scale import METHOD
from tutorials.anomaly.labels.tables import Fits, by_method, complete, few
from tutorials.paper.experiment.labels import MEMBER, TRUE
from tutorials.paper.pages.markdown import details, page
from tutorials.paper.pages.notes import counted
from tutorials.paper.paper_numbers import HALVES, METHOD_NAMES

AS_STATED, TIMES_S = (NUMBERS[TRUE, TRUE, scaled] for scaled in (False, True))
# The suspect, but its first step follows the true label.
LATER = NUMBERS[TRUE, f"{MEMBER}'s prediction after the first step", True]
KNOWN = (AS_STATED, TIMES_S, NUMBERS[TRUE, CURRENT, False], SUSPECT, LATER, BY_LIBRARY)
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
    groups = {OTHERS: total} | dict(fits) if others else fits
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
        few(readings, numbers, groups),
        "\n".join(f"- {sentence(name, own)}" for name, own in fits.items()),
        "The same for each method:",
        by_method(numbers, each),
        details(
            f"All {len(readings)} readings",
            f"\n\n{COMPLETE}\n\n{complete(readings, groups)}\n\n",
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
    all_shown = sum(f.shown == f.asked for f in fits)
    return page(
        f"**{judged(own)}, and is {own.difference:.3f} off its accuracies.** It is "
        f"judged by {OTHERS}, in {counted(len(others), 'measurement')}. It shows "
        f"{orders(own)}, {own.surely} of them with an interval above 0. As many "
        f"orders or more come out in {counted(alike, 'other reading')}, and all orders "
        f"in {counted(all_shown, 'reading')}. {nearer(fits)} The nearest is "
        f"reading {best}, with {orders(near)} and {near.difference:.3f} off. With the "
        f"true label and perturbations as stated, {orders(stated)} come out, and the "
        f"accuracies are {stated.difference:.3f} off. With the true label and "
        f"perturbations times s, {orders(scaled)} come out, and the accuracies are "
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
    verb = "is" if count == 1 else "are"
    return f"{counted(count, 'reading')} {verb} nearer to the paper's accuracies."


def sentence(name: str, fits: Sequence[Fit]) -> str:
    """Return which readings are best on some files, and where the suspect stands."""
    own, best, closest = fits[SUSPECT - 1], most_orders(fits), nearest(fits)
    top, near = fits[best - 1], fits[closest - 1]
    alike = sum(f.shown == top.shown for f in fits)
    text = (
        f"**{name}**: reading {SUSPECT} shows {orders(own)} and is "
        f"{own.difference:.3f} off. {nearer(fits)} The most orders that a reading "
        f"shows are {top.shown}, in {counted(alike, 'reading')}. The nearest of these "
        f"is reading {best}, {top.difference:.3f} off."
    )
    if closest != best:
        of_all = f"{orders(near)}, {near.difference:.3f} off"
        text += f" The nearest of all is {closest}: {of_all}."
    return text
