"""What makes networks robust: one choice at a time, counted right, and named right."""

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from attacks import fgsm, model_gradient
from ensembles.member_files import load_member
from minidl.data import load_dataset
from minidl.store import DamagedError, write_json
from tutorials.anomaly.plan import Plan
from tutorials.anomaly.robustness import __main__ as program
from tutorials.anomaly.robustness import choices, measure, page
from tutorials.anomaly.robustness.measure import FACTORS, Robustness, choice
from tutorials.paper.experiment.config import configure
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.members import member_jobs

CONFIG = configure("mnist-sample", "smoke", ["random-init"])
TARGET = 0.3791
RESULTS = Path(__file__).parents[2] / "results/robustness"


@pytest.mark.parametrize("dataset", ["mnist", "cifar10"])
def test_each_choice_changes_one_thing_of_all_seeds(dataset):
    config = configure(dataset, "full", ["random-init"])
    every = choices.jobs_of(config)
    base = every[choices.AS_IN_TABLE_2]
    assert base == member_jobs(config)["random-init"][: choices.SEEDS]
    for name, jobs in every.items():
        changed = choices.choices(config)[name]
        assert [replace(job, **changed) for job in base] == jobs
        assert len(changed) <= 1 or "optimizer" in changed
    for one, other in combinations(every.values(), 2):
        assert {*one}.isdisjoint(other)
    kinds = {key for changed in choices.choices(config).values() for key in changed}
    assert kinds >= {"optimizer", "epochs", "weight_decay", "architecture"}


@pytest.mark.slow
def test_counts_are_those_of_the_networks_themselves(tmp_path, monkeypatch):
    """Of two choices, with FGSM computed here."""
    few = {choices.AS_IN_TABLE_2: {}, "weight decay 0.1": {"weight_decay": 0.1}}
    monkeypatch.setattr(choices, "choices", lambda config: few)
    monkeypatch.setattr(choices, "SEEDS", 2)
    found = measure.measure(Plan(CONFIG, tmp_path, 40, 1))
    assert found.target == TARGET
    data = load_dataset("mnist-sample")
    x, y = data.x_test[:40] / np.float32(255), data.y_test[:40]
    for each in found.choices:
        for i, job in enumerate(each.jobs):
            model = load_member(job, tmp_path)
            assert each.clean[i] == (model.predict(x) == y).sum()
            for k in (0, 12, 24):
                x_adv = fgsm(model_gradient(model), x, y, 0.3 * FACTORS[k])
                assert each.right[k][i] == (model.predict(x_adv) == y).sum()
    assert len({tuple(each.clean) for each in found.choices}) == 2
    write_json(path := tmp_path / "mnist-sample-smoke.json", found)
    assert measure.read_robustness(path) == found
    write_json(path, replace(found, choices=found.choices[:1]))
    with pytest.raises(DamagedError, match="it lacks a choice"):
        measure.read_robustness(path)
    for name in ("s", "low", "high"):
        wrong = replace(
            found.choices[1], **{name: getattr(found.choices[1], name) + 0.1}
        )
        write_json(path, replace(found, choices=[found.choices[0], wrong]))
        with pytest.raises(DamagedError, match=r"s of weight decay .* isn't that"):
            measure.read_robustness(path)


def made_up(name, limit, images=1000):
    """A choice whose seeds lose each image at a factor around a limit."""
    rng = np.random.default_rng(0)
    limits = limit + rng.normal(0, 0.2, (choices.SEEDS, images))
    under = np.array(FACTORS)[:, None, None] < limits
    clean = np.ones((1, choices.SEEDS, images), bool)
    right = np.concatenate([clean, under]).sum(axis=2).T
    jobs = choices.jobs_of(CONFIG)[choices.AS_IN_TABLE_2]
    return choice(name, jobs, right, images, TARGET)


def made_up_file(*found):
    return Robustness(CONFIG, 1000, TARGET, list(found), 3600.0, environment())


def test_a_choice_has_the_factor_at_which_the_papers_accuracy_is_left():
    """The quantile of the limits: a normal one's 1 - 0.3791 is 0.308 deviations up."""
    found = made_up("", 0.8)
    assert found.s == pytest.approx(0.8 + 0.308 * 0.2, abs=0.02)
    assert found.low < found.s < found.high
    assert found.clean == [1000] * 3
    assert found.cell(1000, None).accuracy == 1
    assert found.cell(1000, 1.0).mean_of == [n / 1000 for n in found.right[12]]
    assert FACTORS[12] == 1.0


def test_what_is_found_is_named():
    base = made_up(choices.AS_IN_TABLE_2, 0.7)
    weak, near, strong = (
        made_up(name, limit) for name, limit in {"a": 0.2, "b": 0.94, "c": 1.5}.items()
    )
    text = page.finding(made_up_file(base, weak, near, strong))
    assert "significantly more robust than the networks of Table 2: b; c." in text
    assert "nearest to the paper's accuracy: b." in text
    assert "contains 1 for: b." in text
    alone = page.finding(made_up_file(base))
    assert "No choice makes networks significantly more robust" in alone
    assert "No interval of s contains 1." in alone
    assert page.factor_text(weak.estimate).startswith("below 0.4 [below 0.4, ")
    assert page.factor_text(made_up("", 2.5).estimate).startswith("above 1.6 [")
    assert page.factor_text(near.estimate).startswith(f"{near.s:.3f} [")


def test_the_page(tmp_path):
    names = choices.choices(CONFIG)
    found = made_up_file(*(made_up(name, 0.8) for name in names))
    write_json(tmp_path / "mnist-sample-smoke.json", found)
    text = page.write_page(tmp_path).read_text(encoding="utf-8")
    assert text.count("## mnist-sample-smoke") == 1
    assert text.count("| 1.0000 [") == len(names)
    assert "60 core-minutes" in text


def test_a_smoke_test_is_called_one(tmp_path):
    found = made_up_file(*(made_up(name, 0.8) for name in choices.choices(CONFIG)))
    for profile, warnings in (("full", 0), ("smoke", 1)):
        config = replace(found.configuration, profile=profile)
        own = replace(found, configuration=config)
        write_json(tmp_path / "mnist-sample.json", own)
        text = page.write_page(tmp_path).read_text(encoding="utf-8")
        assert text.count("This was a smoke test") == warnings


def test_what_cant_be_measured_is_refused_at_once(tmp_path, refused):
    found = made_up_file(*(made_up(name, 0.8) for name in choices.choices(CONFIG)))
    write_json(tmp_path / "mnist-sample-smoke.json", found)
    line = f"run --profile smoke --results {tmp_path} --runs {tmp_path} --jobs 1"
    for more, why in (
        ("--dataset mnist-sample --images 7", "images is 1000, asked for 7"),
        ("--dataset mnist-sample --images 9999", "at most 1000"),
    ):
        assert why in refused(program.main, f"{line} {more}".split())
    with pytest.raises(ValueError, match="paper has no fashion-mnist"):
        measure.measure(Plan(configure("fashion-mnist", "smoke"), tmp_path, 10, 1))


def test_a_file_that_appears_meanwhile_is_not_overwritten(
    tmp_path, refused, monkeypatch
):
    found = made_up_file(*(made_up(name, 0.8) for name in choices.choices(CONFIG)))
    path = tmp_path / "mnist-sample-smoke.json"

    def faster(plan):
        write_json(path, found)
        return found

    monkeypatch.setattr(program, "measure", faster)
    line = "run --profile smoke --dataset mnist-sample --images 7 --jobs 1 --results"
    said = refused(
        program.main, [*line.split(), str(tmp_path), "--runs", str(tmp_path / "runs")]
    )
    assert "images is 1000, asked for 7" in said


def test_members_that_a_full_disk_refused_are_named(tmp_path, monkeypatch):
    """Before they are attacked."""
    train = lambda jobs, *where: jobs  # noqa: E731
    monkeypatch.setattr(measure, "train_members", train)
    config = configure("mnist", "full", ["random-init"])
    with pytest.raises(OSError, match=r"36 of 36 members couldn't be saved in .*room"):
        measure.measure(Plan(config, tmp_path, 10, 1))
