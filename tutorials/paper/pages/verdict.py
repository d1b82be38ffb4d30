"""The verdict on the defence at a glance: one sentence and four bars."""

from tutorials.paper.pages.conclusion import most_robust
from tutorials.paper.pages.drawings import COLOURS, Figure
from tutorials.paper.paper_numbers import ATTACK_NAMES, METHOD_NAMES
from tutorials.paper.results import Results
from tutorials.paper.results.strict import Strict
from tutorials.plots import new_figure

ADAPTIVE = "#d55e00"


def accuracies(
    results: Results, adaptive: Strict | None
) -> dict[str, tuple[float, str]]:
    """Return four accuracies with their colours, by label."""
    attack, method = shown(results, adaptive)
    cells, name = results.table2[attack][method], ATTACK_NAMES[attack]
    columns = {
        "ensemble, no attack": "no_attack_ensemble",
        f"single network, {name}": "adv1_single",
        f"ensemble, {name} on one member": "adv1_ensemble",
        f"ensemble, {name} on all members": "adv2_ensemble",
    }
    rows = {k: (cells[c].accuracy, COLOURS[c]) for k, c in columns.items()}
    if adaptive is not None:
        del rows["ensemble, no attack"]
        worst = adaptive.methods[method][attack].worst
        rows["ensemble, adaptive attacks"] = worst, ADAPTIVE
    return rows


def bars(results: Results, adaptive: Strict | None) -> Figure:
    """Draw the four accuracies as bars, each with its number."""
    rows = accuracies(results, adaptive)
    values, colours = zip(*rows.values(), strict=True)
    figure, [axes] = new_figure(width=7, height=2.2)
    drawn = axes.barh(range(len(rows)), values, 0.7, color=colours)
    axes.bar_label(drawn, [f"{value:.1%}" for value in values], padding=4)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.1), xticks=[])
    axes.spines[:].set_visible(False)
    return figure


def verdict(results: Results, adaptive: Strict | None) -> str:
    """Return the verdict in words, on the most robust method."""
    attack, method = shown(results, adaptive)
    cells = results.table2[attack][method]
    single, one, every = (
        f"{cells[name].accuracy:.1%}"
        for name in ("adv1_single", "adv1_ensemble", "adv2_ensemble")
    )
    worst = ""
    if adaptive is not None:
        left = adaptive.methods[method][attack].worst
        worst = f", and {left:.1%} under adaptive attacks"
    return (
        f"Under {ATTACK_NAMES[attack]} a single network classifies {single} of the "
        f"images correctly. An ensemble of {results.configuration.members} "
        f"({METHOD_NAMES[method]}) classifies {one} when one member is attacked, "
        f"{every} when all are{worst}."
    )


def shown(results: Results, adaptive: Strict | None) -> tuple[str, str]:
    """Return the attack and method of the verdict: the last, and the most robust."""
    attack, methods = list(results.table2.items())[-1]
    if adaptive is not None:
        return attack, most_robust(results, adaptive, attack)
    return attack, max(methods, key=lambda m: methods[m]["adv2_ensemble"].accuracy)
