"""Pages of the committed runs: results/table2.md, and tables in README and docs.

    python -m tutorials.paper.pages.overview

shows the full runs in results/, or the quick run if there are none. For each data set
it shows the literal network, or the plain network until results of the literal one
exist. No number on these pages is typed by hand.
"""

from collections.abc import Mapping
from pathlib import Path

from minidl.store.files import write_text
from tutorials.command_line import one_line_errors, parser_of
from tutorials.paper import results as results_file
from tutorials.paper.claims.verdicts import Run, read_run
from tutorials.paper.experiment.config import LITERAL, PLAIN, suffix
from tutorials.paper.pages.claims import TRAINED_ONCE, verdict_table
from tutorials.paper.pages.figures import show_figure2
from tutorials.paper.pages.markdown import Table, page, replace_marked, thousandths
from tutorials.paper.pages.notes import LOGITS, attacked_images, title
from tutorials.paper.pages.strict import TITLE as ADAPTIVE
from tutorials.paper.pages.strict import strict_section
from tutorials.paper.pages.table2 import table2_section
from tutorials.paper.paper_numbers import (
    ATTACK_NAMES,
    COLUMNS,
    HALVES,
    METHOD_NAMES,
    paper_accuracy,
)
from tutorials.paper.results import Results
from tutorials.paper.results.strict import with_singles

VERDICTS = (
    "The claims are judged by these numbers at 95 %. A claim of several comparisons "
    "holds if all of them hold, and does not hold if one comes out the other way. Only "
    "directions are judged, not the paper's percentages, and only under the paper's "
    f"own attacks{{expectation}}. “{ADAPTIVE}” shows other attacks. {TRAINED_ONCE}"
)
EXPECTATION = ", except in the claims of section 5"
WORST = "Adaptive attacks, worst case"
RESULTS = Path("results")
PAGE = RESULTS / "table2.md"
README, CLUSTER = Path("README.md"), Path("docs/distributed.md")


def committed() -> dict[Path, Run]:
    """Return the full runs in results/ by their folders, or the quick one if none."""
    folders: list[Path] = []
    for dataset in HALVES:
        names = [f"{dataset}-full{suffix(network)}" for network in (LITERAL, PLAIN)]
        found = [name for name in names if results_file.methods_in(RESULTS / name)]
        folders += [RESULTS / name for name in found[:1]]
    return {folder: read_run(folder) for folder in folders or [RESULTS / "readme"]}


def overview(runs: Mapping[Path, Run]) -> str:
    """Return the page of all runs, which stands beside their folders."""
    halves = [half(folder, run) for folder, run in runs.items()]
    more = any(with_singles(run.adaptive) or run.defences for run in runs.values())
    how = VERDICTS.format(expectation=EXPECTATION if more else "")
    claims = page("## The paper's claims", how, verdict_table([*runs.values()]))
    return page("# Table 2, ours and the paper's", *halves, claims)


def half(folder: Path, run: Run) -> str:
    """Return one run's part of the page."""
    results = run.results
    environment, hours = results.environment, results.execution.core_hours
    link = f"{folder.name}/table2.md"
    plain = f"{folder.name.removesuffix(suffix(LITERAL))}/table2.md"
    variant = f"With plain logits: [{plain}]({plain})." if plain != link else ""
    return page(
        f"## {title(results)}",
        table2_section(results),
        f"Training took {hours:.1f} core-hours on {environment.cpu}, with "
        f"minidl {environment.minidl}, NumPy {environment.numpy} and Numba "
        f"{environment.numba}. The claims with their numbers are in [{link}]({link}).",
        show_figure2(results, f"{folder.name}/"),
        strict_section(results, run.adaptive, "###"),
        variant,
    )


def small_table(runs: Mapping[Path, Run]) -> str:
    """Return the first method's row of Table 2 in each run, with a sentence above."""
    configs = [run.results.configuration for run in runs.values()]
    names = dict.fromkeys(config.network for config in configs)
    logits = " or ".join(LOGITS[n] + f" ({n})" * (n != PLAIN) for n in names)
    about = (
        f"Accuracies of {configs[0].members} networks, {logits}, random initial "
        "weights: ours (the paper's)."
    )
    rows = [
        small_row(folder, run, attack)
        for folder, run in runs.items()
        for attack in run.results.table2
    ]
    return f"{about}\n\n{Table(['', *COLUMNS.values(), WORST], rows).markdown()}"


def small_row(folder: Path, run: Run, attack: str) -> list[str]:
    """Return our accuracies, the paper's in brackets; adaptive attacks come last."""
    results, adaptive, _ = run
    dataset = results.configuration.dataset
    method, cells = next(iter(results.table2[attack].items()))
    network = " literal" if results.configuration.network == LITERAL else ""
    other = "" if method == "random-init" else f", {METHOD_NAMES[method]}"
    name = f"{dataset}{network}, {ATTACK_NAMES[attack]}{other}"
    numbers = []
    for column in COLUMNS:
        paper = paper_accuracy(dataset, attack, method, column)
        papers = "" if paper is None else f" ({thousandths(paper)})"
        numbers.append(f"{cells[column].accuracy:.3f}{papers}")
    left = None if adaptive is None else adaptive.methods.get(method)
    worst = "" if left is None else f"{left[attack].worst:.3f}"
    return [f"[{name}]({folder}/table2.md)", *numbers, worst]


def hours_table(runs: Mapping[Path, Run]) -> str:
    """Return how many core-hours each run took, from its members' own seconds."""
    head = ["run", "processor", "training", "slowest member", "attacks, about"]
    rows = [hours_row(run.results) for run in runs.values()]
    return Table(head, rows, words=2).markdown()


def hours_row(results: Results) -> list[str]:
    """Return one run's hours.

    A step of training and an attack's gradient take about equally long per image.
    """
    config, data, execution = results.configuration, results.data, results.execution
    seconds = [s for method in execution.member_seconds.values() for s in method]
    steps = sum(parameters.get("steps", 1) for parameters in config.attacks.values())
    # Adv. 1 takes M gradients a step, one for each attack, and Adv. 2 takes M to add.
    part = 2 * steps * attacked_images(results) / (config.epochs * data.train_images)
    hours = [sum(seconds), max(seconds), part * sum(seconds)]
    name = f"{config.dataset}, {len(seconds)} members"
    shown = (f"{value / 3600:.2f} h" for value in hours)
    return [name, results.environment.cpu, *shown]


def main(argv: list[str] | None = None) -> None:
    """Write the page and both tables."""
    parser = parser_of("tutorials.paper.pages.overview", __doc__)
    parser.parse_args(argv)
    with one_line_errors(parser.prog):
        runs = committed()
        write_text(PAGE, overview(runs))
        replace_marked(README, "results", small_table(runs))
        replace_marked(CLUSTER, "hours", hours_table(runs))
        print(f"{PAGE}, {README} and {CLUSTER} written")


if __name__ == "__main__":
    main()
