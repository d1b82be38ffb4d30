"""results/labels/README.md: the verdict, the factor s, and how an image comes back."""

from collections.abc import Sequence
from pathlib import Path

from tutorials.anomaly.labels.example import EXAMPLE
from tutorials.anomaly.labels.fit import fit
from tutorials.anomaly.labels.happens import Folders, how_it_happens
from tutorials.anomaly.labels.libraries import LIBRARIES
from tutorials.anomaly.labels.measure import read_files
from tutorials.anomaly.labels.readings import (
    READINGS,
    SUSPECT,
    Expected,
    fixed_readings,
)
from tutorials.anomaly.labels.scale import SCALE
from tutorials.anomaly.labels.tables import (
    Fits,
    numbers_table,
    rules_table,
    scale_table,
)
from tutorials.anomaly.labels.unexplained import unexplained
from tutorials.anomaly.labels.verdict import of_readings
from tutorials.paper.experiment.labels import RULES
from tutorials.paper.pages.markdown import details, page, write_readme
from tutorials.paper.pages.notes import warned

HEAD = f"""# Whose label explains the paper's surprise?

Under BIM the paper's ensemble withstands Adv. 2 better than Adv. 1. This is surprising:
Adv. 2 attacks all members, and Adv. 1 only one. The paper doesn't say whose label y its
attacks climb away from. Here each adversary takes one of {len(RULES)} labels: the true
label, or a prediction of each member or of the ensemble. A prediction is taken once; or
anew at every step; or anew after a first step with the true label; or anew at every
step, but only for images that are classified correctly before the attack. All
perturbations are as the paper states them, or times one factor s. Together these are
{len(READINGS)} readings of the paper. [readings.json](readings.json) lists them, each
with what it was expected to show. The file was written before these measurements. Only
one row of the table had been seen, under BIM with three of the labels: MNIST with
random initial weights.

`python -m tutorials.anomaly.labels report` makes this page from the files beside it.
95 % intervals stand in brackets."""
ABOUT_SCALE = """The factor s is chosen with FGSM, Adv. 1 and random initial weights:
with perturbations times s, our ensemble is as accurate as the paper's. An s below 1
means that the paper's ensemble keeps more accuracy than ours, as if its perturbations
were smaller. The interval combines Student's over the members and Wilson's over the
images. One s serves all methods and attacks of a data set and network, so all other
numbers are predictions."""
ABOUT_RULES = """These are the accuracies in Table 2's columns if both adversaries take
the label of a row. The intervals are Student's for a mean over members (Adv. 1), and
Wilson's for Adv. 2. In one step, rules that differ only in later steps are the same."""
MISSING = """Nothing is measured yet: `python -m tutorials.anomaly.labels scale` chooses
s, then `run` attacks each method with all labels. Both write this page again."""


def write_report(folder: Path) -> Path:
    """Write the page on what is measured in a folder; return its path.

    Raises FileNotFoundError if nothing is.
    """
    folders = {
        path.name: files
        for path in sorted(folder.glob("*-*"), reverse=True)  # MNIST comes first
        if (files := read_files(path))
    }
    scales = [path.parent for path in sorted(folder.glob(f"*/{SCALE}"), reverse=True)]
    if not (folders or scales or (folder / EXAMPLE).exists()):
        raise FileNotFoundError(
            f"no measurements in {folder}: the verbs scale, run and example make them"
        )
    readings = fixed_readings(folder).readings
    fits = {n: [fit(r, files) for r in readings] for n, files in folders.items()}
    profiles = {m.configuration.profile for files in folders.values() for m in files}
    text = page(
        HEAD,
        *(line for profile in profiles for line in warned(profile)),
        *(about_readings(readings, folders, fits) if folders else ()),
        "## How large is the paper's eps in our networks' units?",
        *((ABOUT_SCALE, scale_table(scales)) if scales else (MISSING,)),
        *how_it_happens(folder, folders),
        LIBRARIES,
        unexplained(folder.parent, fits),
    )
    return write_readme(folder, text)


def about_readings(
    readings: Sequence[Expected], folders: Folders, fits: Fits
) -> tuple[str, ...]:
    """Return the verdict on the readings, and the suspect's numbers."""
    suspect = readings[SUSPECT - 1]
    return (
        of_readings(readings, folders, fits),
        f"## Reading {SUSPECT} beside the paper",
        f"Expected: {suspect.words}",
        "Measured, with the paper's accuracies in parentheses:",
        numbers_table(suspect, folders),
        "## Each label",
        ABOUT_RULES,
        *(
            details(name, f"\n\n{rules_table(files)}\n\n")
            for name, files in folders.items()
        ),
    )
