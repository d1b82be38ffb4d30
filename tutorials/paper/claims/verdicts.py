"""Whether the paper's claims hold in a run.

A claim holds if all of its comparisons come out as the paper says, each with its whole
95 % interval. This needs no correction for the number of comparisons, as each can
refute the claim. The claim does not hold if one comparison comes out the other way with
its whole interval. Among many comparisons this can happen by chance, so that their
number stands beside the verdict. Otherwise the claim is undecided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ensembles import METHODS
from tutorials.defences.record import Record, read_all
from tutorials.paper import results as results_file
from tutorials.paper.claims.comparison import FAILS, HOLDS, UNDECIDED, Comparison
from tutorials.paper.claims.sentences import CLAIMS, Claim
from tutorials.paper.paper_numbers import HALVES
from tutorials.paper.results import Results
from tutorials.paper.results.strict import Strict, strict_of, with_singles

NOT_JUDGED = "not judged"
SHOWN = 5  # comparisons at most that are all listed


class Run(NamedTuple):
    """A run's results: Table 2, and what was measured beside it."""

    results: Results
    adaptive: Strict | None = None  # attacks on the same members
    defences: Sequence[Record] = ()  # the table of the same experiment


@dataclass(frozen=True)
class Verdict:
    """A claim as judged: holds (so far), does not hold, undecided or not judged."""

    topic: str
    quote: str
    section: str
    verdict: str
    evidence: str

    @property
    def sentence(self) -> str:
        """The verdict, the paper's words and the numbers."""
        return (
            f"{self.verdict.upper()}: {self.topic} (“{self.quote}”, {self.section}): "
            f"{self.evidence}."
        )


def read_run(folder: Path) -> Run:
    """Return the results in a folder, and what was measured beside them."""
    results = results_file.read(folder)
    return Run(results, strict_of(results, folder), defences_of(results, folder))


def judge(
    results: Results, adaptive: Strict | None = None, defences: Sequence[Record] = ()
) -> list[Verdict]:
    """Return a verdict on each claim that the paper makes about this data set.

    The claim about adaptive attacks needs their results on ensembles and on members
    alone; the claim about combinations needs the table of defences.
    """
    members, attacked = results.configuration.members, with_singles(adaptive)
    half = HALVES.get(results.configuration.dataset)
    verdicts = []
    for claim in CLAIMS:
        own = {"MNIST": claim.mnist, "CIFAR-10": claim.cifar10}
        quote = claim.both or own.get(half or "", "")
        if claim.combined:
            verdicts += weigh_combined(claim, defences)
        elif quote and (source := attacked if claim.adaptive else results):
            verdict = weigh(claim, source, members)
            verdicts.append(Verdict(claim.topic, quote, claim.section, *verdict))
    return verdicts


def defences_of(results: Results, folder: Path) -> list[Record]:
    """Return the table of defences of the same data set, profile and seed.

    For the results in results/mnist-full it is in results/defences/mnist-full.
    """
    config = results.configuration
    asked = config.dataset, config.profile, config.seed
    records = read_all(folder.parent / "defences" / folder.name)
    return [r for r in records if (r.dataset, r.profile, r.seed) == asked]


def weigh_combined(claim: Claim, records: Sequence[Record]) -> list[Verdict]:
    """Return the verdict on a claim about the table of defences, if it is measured.

    The paper says that more robust classifiers "can be obtained": one comparison that
    holds is enough, and only all together can refute it.
    """
    comparisons = claim.compare(records)
    if not comparisons:
        return []
    verdicts = {comparison.verdict for comparison in comparisons}
    otherwise = FAILS if verdicts == {FAILS} else UNDECIDED
    verdict = HOLDS if HOLDS in verdicts else otherwise
    words = evidence(comparisons, " (one is enough)")
    return [Verdict(claim.topic, claim.both, claim.section, verdict, words)]


def weigh(claim: Claim, results: Results | Strict, members: int) -> tuple[str, str]:
    """Return the verdict on a claim, and its evidence."""
    if missing := {*claim.methods} - {*results.methods}:
        lacking = (method for method in METHODS if method in missing)
        return NOT_JUDGED, f"this run lacks {', '.join(lacking)}"
    if members < 2:
        return NOT_JUDGED, "a single member is no ensemble"
    comparisons = claim.compare(results, *claim.methods)
    verdict = overall(comparisons)
    if verdict == HOLDS and not claim.methods and len(results.methods) < len(METHODS):
        verdict = f"{HOLDS} so far ({len(results.methods)} of {len(METHODS)} methods)"
    return verdict, evidence(comparisons)


def overall(comparisons: list[Comparison]) -> str:
    """Return the verdict of all comparisons together."""
    verdicts = {comparison.verdict for comparison in comparisons}
    if FAILS in verdicts:
        return FAILS
    return UNDECIDED if UNDECIDED in verdicts else HOLDS


def evidence(comparisons: list[Comparison], rule: str = "") -> str:
    """Return all comparisons; of many, those that don't hold, or else the narrowest."""
    others = [c for c in comparisons if c.verdict != HOLDS]
    count = (
        f"{len(comparisons) - len(others)} of {len(comparisons)} comparisons hold{rule}"
    )
    if len(comparisons) <= SHOWN:
        return f"{count}: {'; '.join(map(str, comparisons))}"
    if others:
        return f"{count}; the others: {'; '.join(map(str, others))}"
    return f"{count}, most narrowly {min(comparisons, key=lambda c: c.difference.low)}"


def sentences(run: Run) -> list[str]:
    """Return one sentence a claim: the verdict, the paper's words and the numbers."""
    return [verdict.sentence for verdict in judge(*run)]
