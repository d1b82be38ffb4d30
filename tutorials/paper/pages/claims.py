"""The paper's claims as a table, of one run or with a column for each of several."""

from collections.abc import Sequence

from tutorials.paper.claims.sentences import CLAIMS
from tutorials.paper.claims.verdicts import NOT_JUDGED, Run, judge
from tutorials.paper.pages.markdown import Table, details, page
from tutorials.paper.pages.notes import name_of

CLAIMS_TITLE = "The paper's claims in this run"
DIRECTION = "Only directions are judged, not the percentages in the quotes."
TRAINED_ONCE = (
    "Each ensemble was trained once. Where methods are compared, the interval of an "
    "ensemble's accuracy covers the choice of test images and, under Adv. 1, of the "
    "gradient. It does not cover what another training would change."
)


def verdict_table(runs: Sequence[Run]) -> str:
    """Return the verdicts on the paper's claims, a column for each run."""
    judged = [{v.topic: v.verdict for v in judge(*run)} for run in runs]
    head = ["the paper's claim", *(name_of(run.results.configuration) for run in runs)]
    rows = []
    for claim in CLAIMS:
        lacking = NOT_JUDGED if claim.both else "not claimed"
        cells = [verdicts.get(claim.topic, lacking) for verdicts in judged]
        if any(claim.topic in verdicts for verdicts in judged):
            rows.append([claim.topic, *cells])
    return Table(head, rows, words=len(head)).markdown()


def claims_section(run: Run) -> str:
    """Return the verdict on each claim; quote and numbers unfold."""
    rows = [
        [details(v.topic, f"“{v.quote}” ({v.section}). {v.evidence}."), v.verdict]
        for v in judge(*run)
    ]
    return page(
        f"## {CLAIMS_TITLE}",
        f"{DIRECTION} {TRAINED_ONCE}",
        Table(["the paper's claim", "this run"], rows, words=2).markdown(),
    )
