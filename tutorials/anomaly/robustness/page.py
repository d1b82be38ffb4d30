"""results/robustness/README.md: each choice's accuracies and factor."""

from pathlib import Path

from attacks.evaluation.intervals import Estimate
from minidl.files import write_text
from tutorials.anomaly.labels.scale import FACTORS, SCALE, read_scale
from tutorials.anomaly.robustness.choices import AS_IN_TABLE_2, SEEDS
from tutorials.anomaly.robustness.measure import Choice, Robustness, read_robustness
from tutorials.paper.claims.comparisons import HOLDS, Comparison
from tutorials.paper.claims.intervals import of_both
from tutorials.paper.pages.markdown import Table, page
from tutorials.paper.pages.notes import counted

COMMAND = "python -m tutorials.anomaly.robustness"
HEAD = f"""# What makes networks as robust as the paper's?

Under FGSM the paper's networks keep more accuracy than ours on MNIST. Perturbations
times one factor s would make ours equal, see [whose label](../labels). Here a network
is trained with other choices that the paper leaves open, one at a time, {SEEDS} seeds
each. *s* is the factor with which FGSM leaves as much as the paper's single network
with random initial weights. A choice that explains the factor has an s of 1.
(An eps in pixels of [-1, 1] would explain a factor of 0.5 without any other network.)

These choices explain, they don't select: no setting of Table 2 follows from them, as
that would be chosen on attacked accuracy. 95 % intervals stand in brackets: Student's
over the seeds together with Wilson's over the images, and for s a bootstrap over both.
Three seeds make them wide."""
NOTHING = f"""Nothing is measured yet: `{COMMAND}` trains and attacks them all, and
then writes this page again."""


def write_page(folder: Path) -> Path:
    """Write the page on a folder; return its path."""
    files = sorted(folder.glob("*-*.json"), reverse=True)  # MNIST comes first
    sections = [section(path, read_robustness(path), folder) for path in files]
    path = folder / "README.md"
    write_text(path, page(HEAD, *(sections or [NOTHING])))
    return path


def section(path: Path, found: Robustness, folder: Path) -> str:
    """Return the part of one file."""
    config, n = found.configuration, found.images
    rows = [
        [
            choice.name,
            str(accuracy(choice, n, None)),
            str(accuracy(choice, n, 1.0)),
            factor(choice),
        ]
        for choice in found.choices
    ]
    head = ["choice", "accuracy", f"FGSM, eps = {config.attacks['fgsm']['eps']:g}", "s"]
    return page(
        f"## {path.stem}",
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


def factor(choice: Choice) -> str:
    """Return s with its interval; at an end of the factors it is beyond."""
    ends = {FACTORS[0]: f"below {FACTORS[0]:g}", FACTORS[-1]: f"above {FACTORS[-1]:g}"}
    return ends.get(choice.s, f"{choice.s:.3f} [{choice.low:.3f}, {choice.high:.3f}]")


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
    return (
        f"Significantly more robust than {AS_IN_TABLE_2}: "
        f"{'; '.join(better) or 'none'}. Nearest to the paper's: {nearest.name}. With "
        f"an s whose interval contains 1: {'; '.join(explain) or 'none'}."
    )


def measured(path: Path) -> str:
    """Return the sentence about s of ten members' ensemble, if it is known."""
    if not path.exists():
        return ""
    scale = read_scale(path)
    return (
        f"(The ensemble of {scale.configuration.members} members has, under Adv. 1, an "
        f"s of {scale.s:.3f} [{scale.low:.3f}, {scale.high:.3f}].)"
    )
