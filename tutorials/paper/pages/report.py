"""report.html: all results of a run, on one page that needs no other file."""

from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from minidl.store import plain
from minidl.store.files import write_text
from tutorials.paper.claims.verdicts import read_run
from tutorials.paper.pages.claims import claims_section
from tutorials.paper.pages.figures import (
    BARS,
    draw_all,
    show_figure1,
    show_figure2,
    show_fooled,
)
from tutorials.paper.pages.markdown import Table, html, page
from tutorials.paper.pages.notes import counted, title
from tutorials.paper.pages.strict import strict_section
from tutorials.paper.pages.table2 import table2_section
from tutorials.paper.pages.verdict import verdict
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import Results

PAPER = (
    "Strauss et al., Ensemble Methods as a Defense to Adversarial Perturbations "
    "Against Deep Neural Networks (arXiv 1709.03423)"
)
MEMBERS = (
    "Clean is the member's accuracy on all test images. For each attack with this "
    "member's gradient (Adv. 1), the table has the accuracies of the member itself and "
    "of the ensemble."
)
SECONDS = (
    "seconds is the time of the latest command, which doesn't repeat finished work. "
    "member_seconds is the time of each member's training."
)


def report(folder: Path) -> str:
    """Return the page in Markdown; `draw_all` makes its pictures."""
    run = read_run(folder)
    results, adaptive, _ = run
    facts = plain(results.configuration) | asdict(results.environment)
    return page(
        "# Do ensembles withstand adversarial perturbations?",
        f"**{verdict(results, adaptive)}**",
        f"![{verdict(results, adaptive)}]({BARS})",
        "## Figure 1",
        show_figure1(results, folder),
        summary(results),
        f"## {title(results)}",
        table2_section(results),
        show_figure2(results),
        strict_section(results, adaptive, "##"),
        claims_section(run),
        "## How many members one perturbation fools",
        show_fooled(results),
        f"## Each member\n\n{members_table(results).markdown()}\n\n{MEMBERS}",
        "## Configuration, versions and machine",
        facts_table(facts | asdict(results.execution)).markdown(),
        SECONDS,
    )


def members_table(results: Results) -> Table:
    """Return each member's own numbers."""
    attacks = results.configuration.attacks
    head = ["Method", "Member", "Architecture", "Last loss J", "Clean"]
    for attack in attacks:
        head += [f"{ATTACK_NAMES[attack]}, itself", f"{ATTACK_NAMES[attack]}, ensemble"]
    rows = []
    for method, r in results.methods.items():
        for i, m in enumerate(r.members):
            values = [m.losses[-1], r.clean.members[i]]
            for attack in attacks:
                score = r.attacks[attack].adv1[i]
                values += [score.members[i], score.ensemble]
            numbers = (f"{value:.4f}" for value in values)
            rows.append([METHOD_NAMES[method], str(i), m.architecture, *numbers])
    return Table(head, rows, words=3)


def facts_table(values: Mapping[str, Any]) -> Table:
    """Return names and values, escaped: the file may be a stranger's."""
    rows = [[escape(name), escape(show(value))] for name, value in values.items()]
    return Table(["setting", "value"], rows, words=2)


def show(value: Any) -> str:
    """Return a setting's value in words."""
    if isinstance(value, dict):
        return "; ".join(f"{k}: {show(v)}" for k, v in value.items())
    if isinstance(value, list):
        return ", ".join(map(show, value))
    return "all" if value is None else str(value)


def summary(results: Results) -> str:
    """Return in a few sentences what was run."""
    config, version = results.configuration, results.environment.minidl
    methods = ", ".join(METHOD_NAMES[m] for m in config.methods)
    members = counted(config.members, "member")
    epochs = counted(config.epochs, "epoch")
    return (
        f"This page reproduces Table 2 and both figures of {PAPER}, on the data set "
        f"{config.dataset} with the profile {config.profile}: {members} for each of "
        f"{methods}; {epochs}; seed {config.seed}. It was made by minidl {version}."
    )


def write_report(folder: Path) -> None:
    """Write report.html of the results in a folder, and the pictures in it."""
    draw_all(folder)
    write_text(folder / "report.html", html(report(folder), folder))
    print(f"{folder / 'report.html'} written")
