"""report.html: everything about a run on one page, which needs no other file."""

from dataclasses import asdict
from html import escape
from pathlib import Path

from minidl.files import write_text
from tutorials.paper import results as results_file
from tutorials.paper.comparisons import FAILS, HOLDS
from tutorials.paper.figures import draw
from tutorials.paper.markup import facts, image, page, table
from tutorials.paper.paper_numbers import ATTACK_NAMES, COLUMNS, METHOD_NAMES
from tutorials.paper.results import Results
from tutorials.paper.strict_page import TITLE, strict_note, strict_rows, what_is_left
from tutorials.paper.strict_results import Strict, strict_of
from tutorials.paper.table2 import TRAINED_ONCE, counted, lines, notes, title
from tutorials.paper.verdicts import judge

PAPER = (
    "Strauss et al., Ensemble Methods as a Defense to Adversarial Perturbations "
    "Against Deep Neural Networks (arXiv 1709.03423)"
)
FIGURE1 = (
    "Two rows of images, one column for each class: originals that a single network "
    "reads correctly, and below them their adversarial versions with what it reads then"
)
FIGURE2 = (
    "Bars of the accuracies in the table above, a group for each method and a panel "
    "for each attack, with 95 % intervals and the paper's values as marks"
)
DIVERSITY = (
    "Curves, one for each method and a panel for each attack: how many percent of the "
    "images fool none, one, ... or all members when perturbed against one of them"
)
MEMBERS = (
    "Clean: the member's accuracy on all test images. For each attack with this "
    "member's own gradient (Adv. 1): the accuracy of the member itself (it) and of the "
    "ensemble of all members (all)."
)
SECONDS = (
    "seconds: of the commands that came to their end; work that they found finished "
    "cost them nothing. member_seconds: what each member's training took, whenever."
)


def table2_html(results: Results) -> str:
    """Return Table 2, an HTML table for each attack."""
    tables = []
    for attack in results.table2:
        name = ATTACK_NAMES.get(attack, attack)
        rows = [
            ("ours", [f"{line.method}, ours", *line.cells])
            if line.kind == "ours"
            else ("other", [line.kind, *line.cells])
            for line in lines(results)
            if line.attack == name
        ]
        tables.append(table([name, *COLUMNS.values()], rows, texts=1))
    return "<br>".join(tables)


def strict_html(results: Results, found: Strict) -> str:
    """Return what is left under attacks that fit an ensemble."""
    head, rows = strict_rows(results, found)
    body = table(head, [("ours", row) for row in rows], texts=2)
    words = f"<p>{escape(what_is_left(results, found))}</p>"
    note = f'<p class="small">{escape(strict_note(found))}</p>'
    return f"<h2>{escape(TITLE)}</h2>{body}{words}{note}"


def claims_html(results: Results) -> str:
    """Return the paper's claims as a list."""
    items = ""
    for v in judge(results):
        kind = {HOLDS: "held", FAILS: "not"}.get(v.verdict, "open")
        items += (
            f'<li><b class="{kind}">{v.verdict}</b>: {escape(v.topic)}. '
            f"“{escape(v.quote)}” ({v.section}) "
            f'<br><span class="small">{escape(v.evidence)}.</span></li>\n'
        )
    return f"<ul>\n{items}</ul>"


def members_html(results: Results) -> str:
    """Return a table with each member's own numbers."""
    attacks = results.configuration.attacks
    head = ["Method", "Member", "Architecture", "Last loss J", "Clean"]
    head += [
        f"{ATTACK_NAMES.get(a, a)}, {who}" for a in attacks for who in ("it", "all")
    ]
    rows = []
    for method, r in results.methods.items():
        for i, m in enumerate(r.members):
            cells = [METHOD_NAMES[method], str(i), m.architecture]
            values = [m.losses[-1], r.clean.members[i]]
            for attack in attacks:
                score = r.attacks[attack].adv1[i]
                values += [score.members[i], score.ensemble]
            cells += [f"{value:.4f}" for value in values]
            rows.append(("first" if i == 0 else "more", cells))
    return table(head, rows, texts=3)


def write_report(folder: Path) -> None:
    """Write report.html of the results in a folder."""
    results = results_file.read(folder)
    found = strict_of(results, folder)
    strict = [] if found is None else [strict_html(results, found)]
    config, run = results.configuration, results.execution
    figures = draw(folder)
    below = "".join(f'<p class="small">{escape(note)}</p>' for note in notes(results))
    facts_of = asdict(config) | asdict(results.environment) | asdict(run)
    text = page(
        f"{config.dataset}, {config.profile}: ensembles against attacks",
        "<h1>Do ensembles withstand adversarial perturbations?</h1>",
        f"<p>{escape(summary(results))}</p>",
        f"<h2>{escape(title(results))}</h2>{table2_html(results)}{below}",
        *strict,
        f"<h2>The paper's claims in this run</h2>{claims_html(results)}",
        f'<p class="small">{escape(TRAINED_ONCE)}</p>',
        f"<h2>Figure 1</h2>{image(figures['figure1.png'], FIGURE1)}",
        f"<h2>Figure 2</h2>{image(figures['figure2.png'], FIGURE2)}",
        f"<h2>How many members one perturbation fools</h2>"
        f"{image(figures['fooled.png'], DIVERSITY)}",
        f"<h2>Each member</h2>{members_html(results)}",
        f'<p class="small">{escape(MEMBERS)}</p>',
        f"<h2>Configuration, versions and machine</h2>{facts(facts_of)}",
        f'<p class="small">{escape(SECONDS)}</p>',
    )
    write_text(folder / "report.html", text)
    print(f"{folder / 'report.html'} written")


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
