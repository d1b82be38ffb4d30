"""The count of starts: its rules, the reason it gives, and that it goes on."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

from ensembles import random_init
from ensembles.architectures import build_architecture
from ensembles.materialise import untrained
from ensembles.member_files import TrainedMember
from minidl import cross_entropy
from minidl.data import load_dataset
from minidl.store import DamagedError, write_json
from minidl.store.schema import read_as
from tutorials.paper.experiment.environment import environment
from tutorials.paper.paper_numbers import paper_single
from tutorials.paper.search.trials import OPTIMIZERS
from tutorials.starts import __main__ as program
from tutorials.starts import count as counting
from tutorials.starts.count import Plan, Start, Starts, best, by_optimizer, count
from tutorials.starts.page import TABLES, finding, path_of, read, row, write_page

SAMPLE, RESULTS = "mnist-sample", Path(__file__).parents[2] / "results/starts"
PLAN = Plan(SAMPLE, "literal", 2, 2, 100)
[JOB] = random_init(1, 0, SAMPLE, architecture="mnist-cnn-literal", epochs=1)


def model_with_dead(classes, seed=0):
    """Table 1 with classes that are dead for good: w_k <= 0 and b_k < 0."""
    model = build_architecture("mnist-cnn-literal", np.random.default_rng(seed))
    W, b = (p.data for p in model.params[-2:])
    W[:, classes], b[classes] = -abs(W[:, classes]), -0.1
    return model


@pytest.fixture
def trained(monkeypatch):
    """Members that are made at once instead of trained; jobs as they are called for."""
    jobs, data = [], load_dataset(SAMPLE)
    few = data._replace(x_test=data.x_test[:20], y_test=data.y_test[:20])
    monkeypatch.setattr(counting, "load_dataset", lambda name: few)

    def train(job, folder):
        jobs.append(job)
        params = [p.data for p in untrained(job).params]
        return TrainedMember(job, params, [2.0], 1.0)

    monkeypatch.setattr(counting, "train_member", train)
    return jobs


# What is counted.


def test_a_network_is_measured_on_the_test_images(monkeypatch, tmp_path):
    params = [p.data for p in model_with_dead([3, 7]).params]
    member = TrainedMember(JOB, params, [2.5, 2.0], 1.0)
    monkeypatch.setattr(counting, "train_member", lambda job, folder: member)
    found = counting.train_and_measure(JOB, tmp_path)
    data = load_dataset(SAMPLE)
    z = member.model().forward(data.x_test / np.float32(255)).astype(float)
    costs = logsumexp(z, axis=1) - z[np.arange(len(z)), data.y_test]
    np.testing.assert_allclose(found.J, costs.mean(), rtol=1e-5)
    assert found.J_training == 2.0
    assert {3, 7} <= {*found.dead} == {*np.flatnonzero(z.max(axis=0) == 0)}
    assert found.accuracy == np.mean(z.argmax(axis=1) == data.y_test)
    dead = np.isin(data.y_test, found.dead)
    assert costs[dead].min() >= np.log(10) - 1e-6  # as the page says


@pytest.mark.parametrize("classes", [[3], [*range(10)]])
def test_a_dead_class_has_no_gradient_and_a_dead_network_none_at_all(classes, rng):
    model = model_with_dead(classes)
    x, y = rng.random((50, 28, 28, 1), np.float32), rng.integers(10, size=50)
    model.backward(cross_entropy(model.forward(x, rng), y)[1])
    W, b = (p.grad for p in model.params[-2:])
    assert not W[:, classes].any()
    assert not b[classes].any()
    assert any(p.grad.any() for p in model.params) == (len(classes) < 10)


def test_the_jobs_are_those_of_the_search_and_members_seeds():
    jobs = counting.first_jobs(replace(PLAN, seeds=3, train_images=None))
    settings = [(job.optimizer, job.lr, job.batch_size) for job in jobs]
    assert settings == [choice for choice in OPTIMIZERS for _ in range(3)]
    assert {job.architecture for job in jobs} == {"mnist-cnn-literal"}
    own = [job.seed for job in random_init(3, 0, SAMPLE)]
    assert [job.seed for job in jobs] == own * len(OPTIMIZERS)


def made_up(**costs):
    """Starts with J as given, by optimizer."""
    return [
        Start(replace(JOB, optimizer=name, index=i), J + 0.5, J, [1] * i, 0.5 + i / 10)
        for name, own in costs.items()
        for i, J in enumerate(own)
    ]


@pytest.mark.parametrize(
    ("costs", "chosen"),
    [
        ({"adam": [0.1, 2.3], "rmsprop": [1.4, 1.4]}, "rmsprop"),  # more start
        ({"adam": [0.4, 0.6], "rmsprop": [0.4, 0.5]}, "rmsprop"),  # J is lower
        ({"adam": [1.5, 1.5], "rmsprop": [1.49, 2.3]}, "rmsprop"),  # below 1.5
    ],
)
def test_the_best_optimizer(costs, chosen):
    starts = made_up(**costs)
    assert {one.job.optimizer for one in best(starts)} == {chosen}
    assert [len(own) for own in by_optimizer(starts)] == [2, 2]


@pytest.mark.parametrize(
    ("going", "words"),
    [
        (5, "need no restarts"),
        (2, "trained anew."),
        (1, "too few"),
        (0, "too few"),
    ],
)
def test_what_follows(going, words):
    own = made_up(adam=[0.1] * going + [2.3] * (5 - going))
    assert f"batches of 128, {going} of 5 start" in finding(own)
    assert words in finding(own)


def test_how_often_members_of_table_3_are_trained_anew():
    own = made_up(adam=[0.1, 0.1, 2.3])
    job = replace(own[0].job, dataset="cifar10", architecture="cifar10-cnn-literal")
    text = finding([replace(one, job=replace(job, index=one.job.index)) for one in own])
    assert text.endswith("need to be trained anew, in at most 20 attempts.")


def test_a_slow_optimizer_is_named():
    adam, slow = made_up(adam=[0.1, 0.1, 2.3]), made_up(momentum=[1.9, 1.9])
    alive = [replace(one, dead=[]) for one in slow]
    words = "momentum, rate 0.001, batches of 128, no network has a dead class"
    assert words not in finding([*adam, *slow])
    assert words in finding([*adam, *alive])


def test_a_row_of_the_table():
    own = made_up(adam=[0.1, 2.3])
    assert row(own) == [
        "1 of 2",
        "0 (1 of 2), 1 (1 of 2)",
        "1.7000",
        "1.2000",
        "0.5500",
        "0.5000",
    ]
    assert row(own[1:])[1] == "1"
    assert row(own[1:])[-1] == ""


# Carrying it out.


def test_finished_networks_are_found_again(trained, tmp_path):
    found = count(PLAN, tmp_path, 1)
    assert len(found.first) == 2 * len(OPTIMIZERS)
    assert [one.job.epochs for one in found.last] == [2, 2]
    assert len(trained) == len(found.first) + 2
    lost, *_ = sorted(tmp_path.rglob("*.json"))
    lost.write_text("{}")
    assert count(PLAN, tmp_path, 1) == found
    assert len(trained) == len(found.first) + 3


@pytest.mark.slow
def test_from_the_command_to_the_page(tmp_path, capsys):
    line = "--dataset mnist-sample --seeds 1 --epochs 2 --train-images 200 --jobs 1"
    argv = [*line.split(), "--runs", str(tmp_path / "runs"), "--results", str(tmp_path)]
    program.main(argv)
    found = read_as(Starts, tmp_path / "mnist-sample-literal.json")
    assert found.plan == replace(PLAN, seeds=1, train_images=200)
    assert len(found.last) == 1
    assert not [*tmp_path.rglob("*.npz")]  # epochs and members
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "## mnist-sample, ReLU on the logits" in page
    assert f"{found.last[0].J:.4f}" in page
    assert "--network literal --seeds 1 --epochs 2 --train-images 200`" in page
    (tmp_path / "README.md").unlink()
    program.main(["page", "--results", str(tmp_path)])
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == page


def test_other_counts_are_not_overwritten(trained, tmp_path, refused):
    write_json(path_of(tmp_path, SAMPLE, "literal"), count(PLAN, tmp_path, 1))
    said = refused(program.main, ["--dataset", SAMPLE, "--results", str(tmp_path)])
    assert "seeds is 2, asked for 20" in said


def test_counts_that_appear_meanwhile_are_not_overwritten(
    trained, tmp_path, refused, monkeypatch
):
    path = path_of(tmp_path, SAMPLE, "literal")

    def faster(plan, runs, workers):
        write_json(path, other)
        return count(plan, runs, workers)

    other = count(PLAN, tmp_path / "runs", 1)
    monkeypatch.setattr(program, "count", faster)
    argv = f"--dataset {SAMPLE} --seeds 1 --epochs 2 --train-images 60 --jobs 1"
    argv += f" --results {tmp_path} --runs {tmp_path / 'runs'}"
    assert "seeds is 2, asked for 1" in refused(program.main, argv.split())
    assert read_as(Starts, path) == other


def test_another_networks_counts_are_refused(trained, tmp_path):
    path = path_of(tmp_path, SAMPLE, "plain")
    write_json(path, count(PLAN, tmp_path, 1))
    with pytest.raises(DamagedError, match="it holds mnist-sample-literal"):
        write_page(tmp_path)


def count_of(dataset):
    """A count of one network."""
    own = made_up(adam=[0.1])
    return Starts(replace(PLAN, dataset=dataset), own, own, environment())


def test_a_page_says_what_is_not_counted_yet(tmp_path):
    command = "counted yet; `python -m tutorials.starts --dataset"
    write_json(path_of(tmp_path, "mnist", "literal"), count_of("mnist"))
    text = write_page(tmp_path).read_text(encoding="utf-8")
    assert f"cifar10 isn't {command} cifar10` counts it." in text
    assert "mnist isn't" not in text
    write_json(path_of(tmp_path, "cifar10", "literal"), count_of("cifar10"))
    assert "counted yet" not in write_page(tmp_path).read_text(encoding="utf-8")
    assert "When is a logit's ReLU dead for good?" in text


def test_plain_networks_have_a_section_of_their_own(trained, tmp_path):
    for network in ("plain", "literal"):
        plan = replace(PLAN, network=network)
        write_json(path_of(tmp_path, SAMPLE, network), count(plan, tmp_path, 1))
    text = write_page(tmp_path).read_text(encoding="utf-8")
    heads = [line for line in text.splitlines() if line.startswith("## mnist")]
    assert heads == [f"## {SAMPLE}, ReLU on the logits", f"## {SAMPLE}, plain logits"]
    assert asdict(read_as(Starts, tmp_path / f"{SAMPLE}.json").plan)["network"] == (
        "plain"
    )


def test_chapter_11_says_what_the_counts_show():
    mnist, cifar10 = (read(path_of(RESULTS, name, "literal")) for name in TABLES)
    assert all(start.started for start in (*mnist.first, *mnist.last))
    started = [s.job for s in cifar10.first if s.started]
    assert {job.optimizer for job in started} == {"adam"}
    assert sum(job.batch_size == 128 for job in started) == 9
    [dead] = [s for s in cifar10.last if not s.started]
    assert len(dead.dead) == 10
    assert abs(dead.J - np.log(10)) < 1e-4
    assert all(0.805 < s.accuracy < 0.825 for s in cifar10.last if s is not dead)
    assert round(paper_single("cifar10", "random-init"), 2) == 0.8
