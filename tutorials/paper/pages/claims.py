"""The paper's claims as a table, whose rows unfold quotes and numbers."""

from collections.abc import Sequence

from tutorials.defences.record import Record
from tutorials.paper.claims.sentences import CLAIMS
from tutorials.paper.claims.verdicts import NOT_JUDGED, judge
from tutorials.paper.pages.markdown import Table, details, page
from tutorials.paper.pages.notes import name_of
from tutorials.paper.results import Results
from tutorials.paper.results.strict import Strict

CLAIMS_TITLE = "The paper's claims in this run"
DIRECTION = "Only directions are judged, not the percentages in the quotes."
TRAINED_ONCE = (
    "Each ensemble was trained once. Where methods are compared, its interval covers "
    "the choice of test images and, under Adv. 1, of the gradient. It does not cover "
    "what another training would change."
)


def table_of_claims(
    results: Results, found: Strict | None = None, defences: Sequence[Record] = ()
) -> str:
    """Return the verdict on each claim; quote and numbers unfold."""
    rows = [
        [details(v.topic, f"“{v.quote}” ({v.section}). {v.evidence}."), v.verdict]
        for v in judge(results, found, defences)
    ]
    return Table(["the paper's claim", "this run"], rows, words=2).markdown()


Run = tuple[Results, Strict | None, Sequence[Record]]


def verdict_table(runs: Sequence[Run]) -> str:
    """Return the verdicts on the paper's claims, a column for each run."""
    judged = [{v.topic: v.verdict for v in judge(*run)} for run in runs]
    head = ["the paper's claim", *(name_of(run[0].configuration) for run in runs)]
    rows = []
    for claim in CLAIMS:
        lacking = NOT_JUDGED if claim.both else "not claimed"
        cells = [verdicts.get(claim.topic, lacking) for verdicts in judged]
        if any(claim.topic in verdicts for verdicts in judged):
            rows.append([claim.topic, *cells])
    return Table(head, rows, words=len(head)).markdown()


def claims_section(
    results: Results, found: Strict | None = None, defences: Sequence[Record] = ()
) -> str:
    """Return the claims, and how they are judged, in Markdown."""
    return page(
        f"## {CLAIMS_TITLE}",
        f"{DIRECTION} {TRAINED_ONCE}",
        table_of_claims(results, found, defences),
    )
