"""results/anomaly/README.md: each question, its table, its picture, what was found."""

from pathlib import Path

from minidl.files import atomic_write, write_text
from tutorials.anomaly.experiments import (
    DIRECTIONS,
    DIRECTIONS_QUESTION,
    EXPERIMENTS,
)
from tutorials.anomaly.figures import draw
from tutorials.anomaly.findings import finding, rows
from tutorials.anomaly.record import Record, read
from tutorials.paper.figures import as_png

QUESTIONS = {
    **{name: experiment.question for name, experiment in EXPERIMENTS.items()},
    DIRECTIONS: DIRECTIONS_QUESTION,
}
HEAD = """# Is attacking the whole ensemble weaker than attacking one member?

The paper finds so under the basic iterative method (0.8875 against 0.6518 of the digits
survive, with random initial weights), calls it surprising, and supposes that the
members' gradients block each other. Made by `python -m tutorials.anomaly report` from
the files beside it; 95 % intervals in brackets."""


def write_report(folder: Path) -> Path:
    """Write the page and pictures of all experiments in a folder; return its path.

    Raises FileNotFoundError if there is none.
    """
    records = [read(p) for n in QUESTIONS if (p := folder / f"{n}.json").exists()]
    if not records:
        raise FileNotFoundError(f"no experiment in {folder}; run all makes them")
    for record in records:
        with atomic_write(folder / f"{record.experiment}.png") as file:
            file.write(as_png(draw(record)))
    path = folder / "README.md"
    write_text(path, "\n\n".join([HEAD, *map(section, records)]) + "\n")
    return path


def section(record: Record) -> str:
    """Return one experiment's part of the page."""
    name = record.experiment
    table = steps_table(record) if name == DIRECTIONS else groups_table(record)
    about = (
        f"{record.members} members of {record.method} on {record.dataset} "
        f"({record.profile} profile), the first {record.images:,} test images. "
        f"`python -m tutorials.anomaly {name}`, {record.seconds:.0f} seconds."
    )
    text = f"![{QUESTIONS[name]} The table below as a picture.]({name}.png)"
    parts = [f"## {QUESTIONS[name]}", finding(record), text, table, about]
    return "\n\n".join(parts)


def groups_table(record: Record) -> str:
    """Return what is left in each group, in Markdown."""
    lines = ["| attack | accuracy of the ensemble |", "| --- | --- |"]
    lines += [f"| {group} | {estimate} |" for group, estimate in rows(record).items()]
    return "\n".join(lines)


def steps_table(record: Record) -> str:
    """Return the steps in Markdown."""
    heads = (
        "steps taken",
        "mean cosine",
        "pairs below 0",
        "length of the sum",
        "share of the longest",
        "zero, logits",
        "zero, clipped",
        "accuracy",
    )
    lines = [f"| {' | '.join(heads)} |", f"|{' ---: |' * len(heads)}"]
    n = record.images
    for s in record.steps:
        cells = [str(s.step), f"{s.cosine / max(s.with_cosine, 1):.3f}"]
        parts = (s.negative, s.unity, s.longest, s.zero, s.zero_clipped, s.correct)
        cells += [f"{part / n:.3f}" for part in parts]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
