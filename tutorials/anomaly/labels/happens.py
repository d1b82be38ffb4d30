"""The section on single steps: who is pushed back, and one image's path."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from minidl.store.files import write_text
from minidl.store.schema import read_as
from tutorials.anomaly.labels.example import EXAMPLE, Example
from tutorials.anomaly.labels.figures import draw_path, draw_walks
from tutorials.anomaly.labels.measure import Labels
from tutorials.anomaly.labels.scale import scaled
from tutorials.paper.experiment.adversaries import SUM, with_label
from tutorials.paper.experiment.labels import RULES
from tutorials.paper.pages.drawings import as_svg
from tutorials.paper.pages.markdown import Table, details, page
from tutorials.paper.paper_numbers import METHOD_NAMES

Folders = Mapping[str, Sequence[Labels]]  # by a folder's name
Counted = Mapping[str, Sequence[int]]  # by rule: images after 0, 1, ... steps
PICTURE = (
    "The ensemble's accuracy at each step of BIM under Adv. 2, and the share of images "
    "that the step pushes back, a line for each rule for the label."
)

ABOUT_STEPS = """The ensemble's accuracy after each step of BIM under Adv. 2. In
parentheses: the share of images that the step pushed back. The ensemble misclassifies
them before the step, and classifies them correctly after it."""


def how_it_happens(folder: Path, folders: Folders) -> list[str]:
    """Return the parts on single steps, and draw their pictures."""
    parts = ["## How it happens"]
    if (path := folder / EXAMPLE).exists():
        example = read_as(Example, path)
        right = {trail.rule: trail.right for trail in example.trails}
        back = {trail.rule: trail.back for trail in example.trails}
        walks = draw_walks(right, back, example.images)
        write_text(folder / "example.svg", as_svg(walks))
        write_text(folder / "path.svg", as_svg(draw_path(example)))
        parts.append(about_example(example))
    for name, (first, *_) in folders.items():
        for factor in (1.0, first.s):
            walks = draw_walks(*steps_of(first, factor), first.images)
            svg = f"{name}/steps-{factor:g}.svg"
            write_text(folder / svg, as_svg(walks))
            where = (
                f"{name}, {METHOD_NAMES[first.method]}, perturbations times {factor:g}"
            )
            picture = f"**{where}**\n\n![{PICTURE}]({svg})"
            table = f"{ABOUT_STEPS}\n\n{walks_table(first, factor)}"
            parts.append(picture)
            parts.append(details("The same in numbers", f"\n\n{table}\n\n"))
    return parts


def about_example(example: Example) -> str:
    """Return the pictures of the chapters' networks with their sentences."""
    ends = {trail.rule: trail.right[-1] / example.images for trail in example.trails}
    shares = ", ".join(f"{share:.3f} with the {rule}" for rule, share in ends.items())
    return page(
        "An attack moves an image away from its label's class. Where the label is the "
        "current prediction, the step after a misclassification moves the image away "
        "from the wrong class: back to where it came from. The first picture shows "
        f"this on the three small networks of the chapters, with {example.images} test "
        "images of the sample under BIM and Adv. 2. The ensemble's accuracy after the "
        f"last step is {shares}.",
        f"![{PICTURE}](example.svg)",
        f"The next picture follows one of these images, a {example.label}. Below the "
        "curves stand the images of the attack that takes each member's current "
        "prediction, each with the ensemble's answer.",
        f"![The margin of the label {example.label} at each step: with a fixed label "
        "it falls, with a label that is taken anew it crosses 0 again and again.]"
        "(path.svg)",
    )


def steps_of(labels: Labels, factor: float) -> tuple[Counted, Counted]:
    """Return how many images are right, and pushed back, at each step, by rule."""
    bim = scaled(labels.configuration.attacks["bim"], factor)
    found = {w.case.adversary: w for w in labels.walks if w.case.parameters == bim}
    walks = {rule: found[with_label(SUM, rule)] for rule in RULES}
    right = {rule: walk.right for rule, walk in walks.items()}
    return right, {rule: walk.back for rule, walk in walks.items()}


def walks_table(labels: Labels, factor: float) -> str:
    """Return accuracy and images pushed back at each step of BIM under Adv. 2."""
    (rights, backs), n, rows = steps_of(labels, factor), labels.images, []
    for rule in RULES:
        each = zip(rights[rule], backs[rule], strict=True)
        cells = [f"{right / n:.3f} ({back / n:.3f})" for right, back in each]
        rows.append([rule, *cells])
    steps = [str(step) for step in range(len(rows[0]) - 1)]
    return Table(["label", *steps], rows).markdown()
