"""Whether the paper's claims hold in a run.

A claim holds if every comparison that it makes comes out as the paper says, by however
little: how much of a difference may be chance is said below the table.
"""

from dataclasses import dataclass

from tutorials.paper.claims import CLAIMS, Claim
from tutorials.paper.comparisons import Comparison
from tutorials.paper.paper_numbers import HALVES
from tutorials.paper.results import Results

SHOWN = 5  # comparisons that a sentence lists completely


@dataclass(frozen=True)
class Verdict:
    """A claim as judged: held is None if it can't be."""

    topic: str
    quote: str
    section: str
    held: bool | None
    evidence: str


def judge(results: Results) -> list[Verdict]:
    """Return a verdict on each claim that the paper makes of this data set."""
    on_cifar = HALVES.get(results.configuration.dataset) == "CIFAR-10"
    verdicts = []
    for claim in CLAIMS:
        if quote := claim.cifar10 if on_cifar else claim.mnist:
            held, evidence = weigh(claim, results)
            verdict = Verdict(claim.topic, quote, claim.section, held, evidence)
            verdicts.append(verdict)
    return verdicts


def weigh(claim: Claim, results: Results) -> tuple[bool | None, str]:
    """Return whether a claim held, and with which numbers."""
    if missing := [m for m in claim.needs if m not in results.methods]:
        return None, f"this run lacks {', '.join(missing)}"
    if results.configuration.members < 2:
        return None, "one member is no ensemble"
    comparisons = claim.compare(results)
    return all(c.holds() for c in comparisons), evidence(comparisons)


def evidence(comparisons: list[Comparison]) -> str:
    """Return the numbers: all, or of many those that fail, or the narrowest."""
    failed = [c for c in comparisons if not c.holds()]
    count = f"{len(comparisons) - len(failed)} of {len(comparisons)}"
    if len(comparisons) <= SHOWN:
        return f"{count}: {'; '.join(map(str, comparisons))}"
    if failed:
        return f"{count}, not {'; '.join(map(str, failed))}"
    return f"{count}, narrowest {min(comparisons, key=lambda c: c.higher - c.lower)}"


def word(held: bool | None) -> str:
    """Return a verdict as a word."""
    return {True: "HELD", False: "NOT HELD", None: "NOT JUDGED"}[held]


def sentences(results: Results) -> list[str]:
    """Return one sentence a claim: the verdict, the paper's words and the numbers."""
    return [
        f"{word(v.held)}: {v.topic} (“{v.quote}”, {v.section}): {v.evidence}."
        for v in judge(results)
    ]
