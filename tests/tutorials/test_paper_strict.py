"""What is left of the defence: file, table and words, on made-up numbers."""

from dataclasses import replace

import numpy as np
import pytest

from attacks import Suite, Threat, apgd, dlr, evaluate, model_loss, pgd
from attacks.evaluation.intervals import wilson
from attacks.evaluation.outcomes import Evaluation, Outcome
from ensembles.materialise import untrained
from ensembles.member_files import member_path
from minidl.data import load_dataset
from minidl.store import DamagedError, read_json, write_json
from tests.tutorials.made_up import accuracies, made_up, strict, write_member
from tutorials.paper import results as results_file
from tutorials.paper import strict as verb
from tutorials.paper.claims.comparison import FAILS, HOLDS, UNDECIDED
from tutorials.paper.claims.verdicts import Run, judge, read_run
from tutorials.paper.experiment.config import configure
from tutorials.paper.experiment.members import find_team, member_jobs
from tutorials.paper.experiment.places import Places
from tutorials.paper.pages.conclusion import conclusion, what_is_left
from tutorials.paper.pages.overview import overview, small_table
from tutorials.paper.pages.report import write_report
from tutorials.paper.pages.strict import strict_note, strict_table, write_strict
from tutorials.paper.pages.table2 import write_table2
from tutorials.paper.results.strict import (
    Accuracies,
    read_strict,
    strict_of,
    with_singles,
    write,
)
from tutorials.paper.strict import check_same_members
from tutorials.paper.strict import strict as attack_strictly

CONFIG = configure(members=2)


def with_members(found, *singles, methods=("random-init", "gaussian-noise")):
    """The same, and what each member keeps alone."""
    own = {
        method: {a: replace(old, singles=list(singles)) for a, old in budgets.items()}
        for method, budgets in found.methods.items()
        if method in methods
    }
    return replace(found, methods=found.methods | own)


@pytest.mark.parametrize("singles", [(), (0.01, 0.03)])
def test_the_files_come_back(tmp_path, singles):
    expected = with_members(strict(), *singles)
    write(expected, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        "random-init-strict.json",
        "gaussian-noise-strict.json",
    }
    assert read_strict(tmp_path, CONFIG) == read_strict(tmp_path, CONFIG, 1000)
    assert read_strict(tmp_path, CONFIG) == expected
    assert read_strict(tmp_path / "elsewhere", CONFIG) is None
    with pytest.raises(ValueError, match="network is 'plain', asked for 'literal'"):
        read_strict(tmp_path, replace(CONFIG, network="literal"))


@pytest.mark.parametrize(
    "change",
    [
        lambda content, bim: content.pop("eps"),
        lambda content, bim: content.update(images="many"),
        lambda content, bim: bim.update(worst=1.5),
        lambda content, bim: content["methods"]["random-init"].pop("bim"),
        lambda content, bim: bim["attacks"].popitem(),
        lambda content, bim: bim.update(singles=[0.1]),
        lambda content, bim: bim.update(singles=[0.1, 1.5]),
        lambda content, bim: bim.update(singles=[0.1, 0.2]),  # none within FGSM's eps
        lambda content, bim: content["methods"].clear(),
        lambda content, bim: content["last_losses"].clear(),
    ],
)
def test_another_file_is_refused(tmp_path, change):
    write(strict(), tmp_path)
    path = tmp_path / "random-init-strict.json"
    content = read_json(path)
    change(content, content["methods"]["random-init"]["bim"])
    write_json(path, content)
    with pytest.raises(DamagedError, match="is damaged or not the expected file"):
        read_strict(tmp_path, CONFIG)


def test_another_experiment_is_not_mixed_with_this(tmp_path):
    write(strict(), tmp_path)
    with pytest.raises(ValueError, match="images is 1000, asked for 300; choose"):
        read_strict(tmp_path, CONFIG, 300)
    with pytest.raises(ValueError, match="members is 2, asked for 3"):
        read_strict(tmp_path, replace(CONFIG, members=3), 1000)
    write(replace(strict(methods=["bagging"]), images=300), tmp_path)
    with pytest.raises(ValueError, match="images is 300, asked for 1000"):
        read_strict(tmp_path, CONFIG)


def test_rows_stand_beside_table_2():
    table = strict_table(made_up(), strict())
    rows = table.rows
    assert table.head[-4:] == ["PGD-100", "APGD-CE", "APGD-DLR", "worst case"]
    assert rows[0][:5] == ["FGSM, 0.3", "Rand. Ini.", "0.900", "0.400", "0.200"]
    assert rows[0][5:] == ["0.045", "0.025", "0.035", "0.025"]
    assert [row[1] for row in rows] == ["Rand. Ini.", "Gauss Noise"] * 2


@pytest.mark.parametrize(
    ("worst", "words"),
    [
        (0.0, "Nothing of the defence is left. Table 2 shows more only because its"),
        (0.05, "Of the defence, 0.0500 [0.0381, 0.0653] is left. Table 2"),
        (0.05, "left. Table 2 shows more only because its attacks are weak."),
        (0.15, "At best, 17% of the clean accuracy is left. Table 2 shows"),
        (0.3, "33% of the clean accuracy is left. Under the attacks of Table 2 no"),
        (0.8, "89% of the clean accuracy is left. Against these attacks the best"),
    ],
)
def test_the_verdict_follows_the_numbers(worst, words):
    results = made_up()
    for method in results.methods:  # as many images as a full run attacks
        cells = results.table2["bim"][method]
        cells["adv2_ensemble"] = replace(cells["adv2_ensemble"], images=10_000)
    text = what_is_left(results, strict(worst))
    assert words in text
    none = "BIM, eps = 0.2: No ensemble is significantly more robust than"
    assert none in text
    found = strict(worst)
    found.methods["random-init"]["bim"] = accuracies(worst / 2)
    one = "The most robust ensemble is Gauss Noise. Its"
    assert (one in what_is_left(results, found)) == (worst > 0)
    found.methods["random-init"]["bim"] = accuracies(worst * 0.99)  # by chance
    assert none in what_is_left(results, found)
    assert f"and {worst:.4f} [" in text
    assert "Alone, its members reach 0.100 under BIM with their own gradients." in text


def test_a_tie_goes_to_the_best_of_table_2():
    results = made_up()
    cells = results.table2["bim"]["gaussian-noise"]
    cells["adv2_ensemble"] = replace(cells["adv2_ensemble"], accuracy=0.7)
    expected = "No ensemble is significantly more robust than Gauss Noise. Its accuracy"
    assert f"{expected} is 0.400 under Adv. 1, 0.700" in what_is_left(results, strict())


def test_pages_show_it(tmp_path, capsys):
    results = made_up()
    results_file.write(results, tmp_path)
    with pytest.raises(FileNotFoundError, match="the verb strict makes them"):
        write_strict(tmp_path)
    without = small_table({tmp_path: read_run(tmp_path)}).splitlines()[-1]
    write(strict(), tmp_path)
    write_strict(tmp_path)
    assert "worst case" in capsys.readouterr().out
    page = (tmp_path / "strict.md").read_text()
    assert page.startswith("# Does the defence hold?")
    assert what_is_left(results, strict()) in page
    runs = {tmp_path: read_run(tmp_path)}
    both = overview(runs)
    assert "### Does the defence hold?" in both
    small = small_table(runs).splitlines()[-1]
    assert small == without.removesuffix("  |") + " 0.050 |"


def test_methods_that_the_results_lack_are_left_out(tmp_path):
    results = made_up(methods=["random-init"])
    write(strict(), tmp_path)
    found = strict_of(results, tmp_path)
    assert list(found.methods) == ["random-init"]
    assert "The most robust ensemble is Rand. Ini. Its" in what_is_left(results, found)
    assert strict_note(found).endswith("Mix. Mod., Bagging, Gauss Noise: not attacked.")
    assert strict_of(made_up(methods=["bagging"]), tmp_path) is None


def test_members_that_were_trained_again_are_others(tmp_path):
    """Their strict results aren't shown until they have been attacked, too."""
    results = made_up()
    losses = {"random-init": [0.5, 0.5], "gaussian-noise": [0.5, 0.4]}
    write(replace(strict(), last_losses=losses), tmp_path)
    assert list(strict_of(results, tmp_path).methods) == ["random-init"]


def test_other_members_than_in_table_2_are_not_attacked(tmp_path):
    places = Places(tmp_path / "results", tmp_path / "runs", 1)
    config = replace(CONFIG, epochs=2)

    def team(method, loss):
        jobs = member_jobs(config)[method]
        for job in jobs:
            write_member(job, places.runs, losses=[1.0, loss])
        return [find_team(jobs, places.runs)]

    check_same_members(config, team("random-init", 0.4), places)  # no results yet
    results = made_up(methods=["random-init"], epochs=2)
    results_file.write(results, places.results)
    check_same_members(config, team("random-init", 0.5), places)
    with pytest.raises(ValueError, match="results has other members of random-init"):
        check_same_members(config, team("random-init", 0.4), places)
    with pytest.raises(ValueError, match="results lacks bagging: the verb run adds"):
        check_same_members(config, team("bagging", 0.5), places)


def test_members_are_looked_for_before_anything_is_attacked(tmp_path):
    places = Places(tmp_path, tmp_path / "runs", 1)
    with pytest.raises(FileNotFoundError, match="lacks 2 of 2 members of random-init"):
        attack_strictly(CONFIG, places)
    write(replace(strict(), seed=1, images=300), tmp_path)
    with pytest.raises(ValueError, match="another experiment: seed is 1, asked for 0"):
        attack_strictly(CONFIG, places)


def test_a_damaged_member_is_named(tmp_path):
    job = member_jobs(CONFIG)["random-init"][0]
    path = member_path(job, tmp_path)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK, torn")
    with pytest.raises(DamagedError, match=path.name):
        find_team([job], tmp_path)


def test_an_ensemble_that_reads_nothing_has_nothing_left():
    lost = Accuracies(clean=0.0, attacks={"PGD": 0.0}, worst=0.0, gradients=1)
    assert "Nothing of the defence is left" in conclusion(lost, 1000, wilson(0.0, 1000))


def test_half_of_little_is_no_defence():
    weak = Accuracies(clean=0.16, attacks={"PGD": 0.08}, worst=0.08, gradients=1)
    text = conclusion(weak, 1000, wilson(0.08, 1000))
    assert text.startswith("Of the defence, 0.0800 [0.0647, 0.0985] is left. Under")


# Single members under the same attacks: section 5's expectation.

TOPIC = "Adaptive attacks: ensembles above singles"


def expectation(found):
    """The verdict on the claim, None if it isn't shown."""
    return {v.topic: v.verdict for v in judge(made_up(), found)}.get(TOPIC)


def test_files_from_before_single_members_were_attacked_are_valid(tmp_path):
    write(strict(), tmp_path)
    for path in tmp_path.iterdir():
        content = read_json(path)
        for own in next(iter(content["methods"].values())).values():
            assert own.pop("singles") == []
        write_json(path, content)
    assert read_strict(tmp_path, CONFIG) == strict()


def test_a_column_shows_the_mean_of_single_members():
    assert "singles" not in str(strict_table(made_up(), strict()).head)
    assert "In this run single members were not attacked" in strict_note(strict())
    found = with_members(strict(), 0.01, 0.03, methods=["gaussian-noise"])
    table = strict_table(made_up(), found)
    assert table.head[-2:] == ["worst case", "singles, worst case"]
    assert [row[-1] for row in table.rows] == ["-", "0.020"] * 2
    assert "own cost and ratio. -: not attacked yet. Mix. Mod." in strict_note(found)
    assert "-:" not in strict_note(with_members(strict(), 0.01, 0.03))
    assert "In this run" not in strict_note(found)


def test_single_members_stand_beside_the_most_robust_ensemble():
    """0.02 and 0.06: t = 12.7 times the standard error 0.02, and the images' chance."""
    found = with_members(strict(), 0.02, 0.06)
    expected = "with their own gradients, and 0.0400 [0.0000, 0.2945] under adaptive"
    assert expected in what_is_left(made_up(), found)
    assert "gradients, and" not in what_is_left(made_up(), strict())


@pytest.mark.parametrize(
    ("worst", "singles", "verdict"),
    [
        (0.3, (0.05, 0.05), "holds so far (2 of 4 methods)"),
        (0.3, (0.4, 0.4), FAILS),
        (0.3, (0.0, 0.2), UNDECIDED),  # members differ too much
        (0.3, (0.149, 0.149), UNDECIDED),  # 0.15 of 1,000 images, within FGSM's eps
        (0.0, (0.0, 0.0), UNDECIDED),  # nothing is left of either
        (0.004, (0.0, 0.0), UNDECIDED),  # two images of 1,000, within FGSM's eps
    ],
)
def test_the_expectation_is_judged_as_all_claims(worst, singles, verdict):
    assert expectation(with_members(strict(worst), *singles)) == verdict


def test_the_expectation_is_not_shown_without_its_data():
    assert expectation(None) is expectation(strict()) is None
    some = with_members(strict(0.3), 0.05, 0.05, methods=["bagging", "gaussian-noise"])
    assert list(with_singles(some).methods) == ["gaussian-noise"]
    assert expectation(some) == "holds so far (1 of 4 methods)"
    names = CONFIG.methods
    assert expectation(with_members(strict(0.3, names), 0.05, 0.05, methods=names)) == (
        HOLDS
    )
    [verdict] = [v for v in judge(made_up(), some) if v.topic == TOPIC]
    assert verdict.section == "section 5"
    assert verdict.evidence.startswith(
        "2 of 2 comparisons hold: eps = 0.3 Gauss Noise 0.1500 > 0.0500 (+0.1000"
    )


def test_pages_judge_the_expectation(folder, capsys):
    write(strict(0.3), folder)
    write_table2(folder)
    assert TOPIC not in capsys.readouterr().out
    assert TOPIC not in overview({folder: read_run(folder)})
    write(with_members(strict(0.3), 0.05, 0.05), folder)
    write_table2(folder)
    assert f"HOLDS SO FAR (2 OF 4 METHODS): {TOPIC}" in capsys.readouterr().out
    assert TOPIC in (folder / "table2.md").read_text(encoding="utf-8")
    write_report(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert all(words in page for words in (TOPIC, "Does the defence hold?"))
    page = overview({folder: read_run(folder), folder.parent: Run(made_up("mnist"))})
    assert f"| {TOPIC} | holds so far (2 of 4 methods) | not judged |" in page
    assert "own attacks, except in the claims of section 5." in page


def test_a_member_keeps_what_withstands_all_attacks():
    def evaluation(**fooled):
        before, four = np.zeros(4, bool), np.arange(4)
        outcomes = {
            name: Outcome(before, four < k, four / 8, gradients=k, queries=0, seconds=1)
            for name, k in fooled.items()
        }
        return Evaluation(Threat("Linf", 0.5), outcomes)

    found = verb.summarise(evaluation(a=1, b=1), evaluation(a=2, b=3), evaluation(a=4))
    assert found == Accuracies(1.0, {"a": 0.75, "b": 0.75}, 0.75, 2, [0.25, 0.0])


def test_each_member_is_attacked_alone_on_its_own_loss(tmp_path, monkeypatch):
    """As by hand, without ensembles; and a second time nothing is attacked."""
    monkeypatch.setattr(verb, "IMAGES", 200)
    monkeypatch.setattr(verb, "STEPS", 2)
    monkeypatch.setattr(verb, "RESTARTS", 1)
    places = Places(tmp_path / "results", tmp_path / "runs", 1)
    budgets = {"fgsm": {"eps": 0.002}, "bim": {"eps": 0.001}}
    config = replace(CONFIG, methods=["random-init"], attacks=budgets, epochs=1)
    [jobs] = member_jobs(config).values()
    for job in jobs:
        write_member(job, places.runs)
    attack_strictly(config, places)
    found = read_strict(places.results, config)

    def alone(job, eps):
        own, ratio = (model_loss(untrained(job), *loss) for loss in ((), (dlr,)))
        attacks = {
            "PGD-100": lambda x, y, eps, rng: pgd(
                own, x, y, eps, eps / 10, 2, restarts=1, rng=rng
            ),
            "APGD-CE": lambda x, y, eps, rng: apgd(own, x, y, eps, 2, rng=rng),
            "APGD-DLR": lambda x, y, eps, rng: apgd(ratio, x, y, eps, 2, rng=rng),
        }
        data = load_dataset(config.dataset)
        x, y = data.x_test[:200], data.y_test[:200]
        suite = Suite(untrained(job), attacks)
        return evaluate(lambda: suite, x, y, Threat("Linf", eps)).worst_case().value

    for attack, own in found.methods["random-init"].items():
        singles = [alone(job, budgets[attack]["eps"]) for job in jobs]
        assert own.singles == pytest.approx(singles, abs=0.006)  # an image by rounding
        assert 0 < min(singles) < max(singles)
    for name in ("pgd", "apgd"):
        monkeypatch.setattr(verb, name, lambda *_, **__: pytest.fail("attacked again"))
    attack_strictly(config, places)
    assert read_strict(places.results, config) == found
