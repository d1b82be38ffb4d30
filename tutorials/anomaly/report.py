"""results/anomaly/README.md: each question with its answer, picture and table."""

from pathlib import Path

from minidl.store import refused
from minidl.store.files import write_text
from tutorials.anomaly.experiments import (
    DIRECTIONS,
    DIRECTIONS_QUESTION,
    EXPERIMENTS,
)
from tutorials.anomaly.figures import draw
from tutorials.anomaly.findings import curves, finding, rows
from tutorials.anomaly.record import Record, read
from tutorials.paper.experiment.adversaries import IN_WORDS
from tutorials.paper.experiment.config import PLAIN
from tutorials.paper.pages.drawings import as_svg
from tutorials.paper.pages.markdown import Table, page, write_readme
from tutorials.paper.pages.notes import LOGITS, warned
from tutorials.paper.paper_numbers import TABLE2

QUESTIONS = {
    **{name: experiment.question for name, experiment in EXPERIMENTS.items()},
    DIRECTIONS: DIRECTIONS_QUESTION,
}
*_, ONE, ALL = TABLE2["MNIST"]["bim"]["random-init"]  # the paper's
HEAD = f"""# Is attacking the whole ensemble weaker than attacking one member?

Under the basic iterative method (BIM) it is weaker in the paper. On MNIST with random
initial weights the ensemble's accuracy is {ALL} under Adv. 2, which attacks all
members, and {ONE} under Adv. 1, which attacks one member. The paper calls this
surprising and supposes that the members' gradients block each other. Here Adv. 1
follows the gradient of each member in turn. Adv. 2 follows all members, in one of
{len(IN_WORDS)} ways:"""
FOOT = """`python -m tutorials.anomaly report` makes this page from the files beside it.
95 % intervals stand in brackets: Wilson's, combined with Student's for a mean over
members (Adv. 1). All attacks use the same images, but they are compared as if each had
its own. This comparison finds too few differences rather than too many. So a difference
that isn't significant here may still exist.

Other pages ask [whose label](../labels/README.md) the attacks climb away from, [what
makes networks robust](../robustness/README.md), and which of the paper's networks
[start to learn](../starts/README.md)."""


def write_report(folder: Path) -> Path:
    """Write the page and pictures of all experiments in a folder; return its path.

    Raises FileNotFoundError if there is none.
    """
    files = [path for n in QUESTIONS if (path := folder / f"{n}.json").exists()]
    if not files:
        raise FileNotFoundError(
            f"no experiment in {folder}: python -m tutorials.anomaly all --results "
            f"{folder} makes them"
        )
    legend = "\n".join(f"- *{name}*: {words}." for name, words in IN_WORDS.items())
    parts = [HEAD, legend, FOOT]
    for file in files:
        record = read(file)
        with refused(file):  # it follows the schema, but may lack a group
            text, picture = section(record), as_svg(draw(record))
        parts.append(text)
        write_text(file.with_suffix(".svg"), picture)
    return write_readme(folder, page(*parts))


def section(record: Record) -> str:
    """Return one experiment's part of the page."""
    name, question = record.experiment, QUESTIONS[record.experiment]
    return page(
        f"## {question}",
        *warned(record.profile),
        finding(record),
        f"![{question} The table below as a picture.]({name}.svg)",
        TABLES.get(name, groups_table)(record).markdown(),
        f"{record.members} members of {record.method} on {record.dataset} with "
        f"{LOGITS[PLAIN]} ({record.profile} profile, seed {record.seed}), trained and "
        f"attacked by minidl {record.environment.minidl}, the first "
        f"{record.images:,} test images: `python -m tutorials.anomaly {name} --dataset "
        f"{record.dataset} --profile {record.profile} --method {record.method} "
        f"--members {record.members} --images {record.images} --seed {record.seed}`.",
    )


def groups_table(record: Record) -> Table:
    """Return the accuracy in each group."""
    found = [[group, str(estimate)] for group, estimate in rows(record).items()]
    return Table(["attack", "accuracy of the ensemble"], found, words=2)


def members_table(record: Record) -> Table:
    """Return the accuracies of ensembles of all sizes."""
    found = curves(record)
    sizes = enumerate(zip(*found.values(), strict=True), start=1)
    cells = [[str(M), *map(str, estimates)] for M, estimates in sizes]
    return Table(["members", *found], cells, words=0)


def steps_table(record: Record) -> Table:
    """Return the means over images at each step."""
    columns = {
        "pairs below 0": "negative",
        "length of the sum": "unity",
        "share of the longest": "longest",
        "zero, logits": "zero",
        "zero, clipped": "zero_clipped",
        "accuracy": "correct",
    }
    found = []
    for s in record.steps:
        shares = (getattr(s, name) / record.images for name in columns.values())
        values = (s.mean_cosine, *shares)
        found.append([str(s.step), *(f"{value:.3f}" for value in values)])
    return Table(["steps taken", "mean cosine", *columns], found, words=0)


TABLES = {"members": members_table, DIRECTIONS: steps_table}
