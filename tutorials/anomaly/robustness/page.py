"""results/robustness/README.md: each choice's accuracies and factor."""

from pathlib import Path

from attacks.evaluation.intervals import Estimate
from tutorials.anomaly.labels.scale import SCALE, factor_text, read_scale
from tutorials.anomaly.robustness.choices import AS_IN_TABLE_2, SEEDS
from tutorials.anomaly.robustness.measure import Choice, Robustness, read_robustness
from tutorials.paper.claims.comparison import HOLDS, Comparison
from tutorials.paper.claims.intervals import of_both
from tutorials.paper.pages.markdown import Table, page, write_readme
from tutorials.paper.pages.notes import counted, warned

COMMAND = "python -m tutorials.anomaly.robustness"
HEAD = f"""# What makes networks as robust as the paper's?

Under FGSM our networks don't keep the accuracy that the paper's do. They would if
perturbations were multiplied by a factor *s*, see [whose label](../labels). An s below
1 means that the paper's networks are the more robust ones. Which choices of training
explain this factor? The paper leaves many choices open. Here networks are trained with
one other choice at a time, {SEEDS} seeds each. With perturbations times s such networks
keep as much under FGSM as the paper's single network with random initial weights. So a
choice that explains the factor has an s of 1.
An eps for pixels in [-1, 1] would explain an s of 0.5 without any change of training.

No setting of Table 2 follows from these choices, because it would then be chosen on
attacked accuracy. 95 % intervals stand in brackets: Student's over the seeds combined
with Wilson's over the images. Three seeds make them wide."""


def write_page(folder: Path) -> Path:
    """Write the page on all measurements in a folder; return its path.

    Raises FileNotFoundError if there is none.
    """
    files = sorted(folder.glob("*-*.json"), reverse=True)  # MNIST comes first
    if not files:
        raise FileNotFoundError(f"no measurements in {folder}: the verb run makes them")
    sections = [section(path, read_robustness(path), folder) for path in files]
    return write_readme(folder, page(HEAD, *sections))


def section(path: Path, found: Robustness, folder: Path) -> str:
    """Return the part of one file."""
    config, n = found.configuration, found.images
    rows = [
        [
            choice.name,
            str(accuracy(choice, n, None)),
            str(accuracy(choice, n, 1.0)),
            factor_text(choice.estimate),
        ]
        for choice in found.choices
    ]
    head = ["choice", "accuracy", f"FGSM, eps = {config.attacks['fgsm']['eps']:g}", "s"]
    return page(
        f"## {path.stem}",
        *warned(config.profile),
        f"The paper's single network keeps {found.target:.4f} under FGSM. "
        f"{finding(found)} {measured(folder.parent / 'labels' / path.stem / SCALE)}",
        Table(head, rows).markdown(),
        f"The first {n:,} test images; training took "
        f"{counted(round(found.seconds / 60), 'core-minute')} on "
        f"{found.environment.cpu}. `{COMMAND} run --dataset {config.dataset} --profile "
        f"{config.profile} --seed {config.seed} --images {n}` makes this.",
    )


def accuracy(choice: Choice, images: int, factor: float | None) -> Estimate:
    """Return an accuracy of a choice with its interval."""
    return of_both(choice.cell(images, factor))


def finding(found: Robustness) -> str:
    """Return which choices are more robust than that of Table 2, and the nearest."""
    n, (base, *others) = found.images, found.choices
    assert base.name == AS_IN_TABLE_2
    ours = accuracy(base, n, 1.0)
    better = [
        choice.name
        for choice in others
        if Comparison("", accuracy(choice, n, 1.0), ours).verdict == HOLDS
    ]
    nearest = min(
        found.choices, key=lambda c: abs(c.cell(n, 1.0).accuracy - found.target)
    )
    explain = [c.name for c in found.choices if c.low <= 1 <= c.high]
    robust = "significantly more robust than the networks of Table 2"
    sure = f"These choices make networks {robust}: {'; '.join(better)}."
    near = f"The interval of s contains 1 for: {'; '.join(explain)}."
    return (
        f"{sure if better else f'No choice makes networks {robust}.'} "
        f"The nearest to the paper's accuracy: {nearest.name}. "
        f"{near if explain else 'No interval of s contains 1.'}"
    )


def measured(path: Path) -> str:
    """Return the sentence about s of ten members' ensemble, if it is known."""
    if not path.exists():
        return ""
    scale = read_scale(path)
    return (
        f"(The ensemble of {scale.configuration.members} members has, under Adv. 1, an "
        f"s of {factor_text(scale.estimate)}.)"
    )
