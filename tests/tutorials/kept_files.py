"""All kinds of saved files: how each is written, and read by the programs."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from attacks import Suite, Threat, adversarial_images, evaluate
from ensembles import member_files, random_init
from ensembles.materialise import untrained
from ensembles.member_files import (
    Progress,
    member_path,
    partial_path,
    read_whole,
)
from minidl import SGD, Linear, Sequential, load_checkpoint, save_checkpoint
from minidl.backend import Array
from minidl.store import plain, write_json
from minidl.store.finish import finished
from minidl.store.schema import read_as
from tests.tutorials import made_up
from tutorials.anomaly import record as anomaly_record
from tutorials.anomaly.record import Outcome, Record
from tutorials.exercises import checking
from tutorials.paper import results as results_file
from tutorials.paper.experiment.attack import carry_out, place_of
from tutorials.paper.experiment.cases import CLEAN, Block, Case
from tutorials.paper.experiment.environment import environment
from tutorials.paper.experiment.members import Team
from tutorials.paper.results import strict as strict_results
from tutorials.paper.results.examples import read_examples, write_examples
from tutorials.paper.results.files import read_files
from tutorials.paper.search.rules import Search, Trial
from tutorials.starts.__main__ import check_free
from tutorials.starts.count import Plan, Start, Starts
from tutorials.starts.page import path_of

JOBS = [random_init(1, seed, "mnist-sample", epochs=4)[0] for seed in (0, 1)]


@dataclass(frozen=True)
class Kept:
    """A kind of kept file."""

    write: Callable[[Path, int], Path]  # into a folder, a seed's numbers; the file
    read: Callable[[Path], Any]  # what a folder holds of seed 0, in any comparable form
    # What else `read` may return: that there is nothing, as when it is made again.
    nothing: Any = None


def network(seed: int) -> Sequential:
    return Sequential([Linear(5, 3, rng=np.random.default_rng(seed))], (5,))


def write_checkpoint(folder: Path, seed: int) -> Path:
    model, path = network(seed), folder / "model.npz"
    config = {"name": "a", "seed": seed}
    rng = np.random.default_rng(seed)
    save_checkpoint(path, model, SGD(model.params, 0.1 + seed), rng, config)
    return path


def read_checkpoint(folder: Path) -> Any:
    model, rng = network(7), np.random.default_rng(7)
    optimizer = SGD(model.params, 0.5)
    config = {"name": "a", "seed": 0}
    load_checkpoint(folder / "model.npz", model, optimizer, rng, config)
    return [p.data.tolist() for p in model.params], optimizer.lr, rng.random()


def write_member(folder: Path, seed: int) -> Path:
    return made_up.write_member(JOBS[seed], folder)


def read_member(folder: Path) -> Any:
    members = finished([member_files.place_of(JOBS[0], folder)], read_whole)
    return [float(p.sum()) for _, member in members for p in member.params]


def write_epoch(folder: Path, seed: int) -> Path:
    job, model = JOBS[seed], untrained(JOBS[seed])
    path = partial_path(member_path(job, folder))
    config = {"job": plain(job), "losses": [1.0, 0.5], "seconds": 1.5}
    rng = np.random.default_rng(seed)
    save_checkpoint(path, model, SGD(model.params, 0.1), rng, config)
    return path


def read_epoch(folder: Path) -> Any:
    model, rng = untrained(JOBS[1]), np.random.default_rng(7)
    progress = Progress(JOBS[0], folder, model, SGD(model.params, 0.1), rng)
    return progress.losses, [float(p.data.sum()) for p in model.params], rng.random()


def nothing_resumed() -> Any:
    """What `read_epoch` finds in an empty folder: nothing is changed."""
    return read_epoch(Path("nowhere"))


def block_in(folder: Path, seed: int) -> Block:
    team = Team((JOBS[seed],), (f"a{seed}",), folder)
    return Block(CLEAN, team, 0, 20)


def predicted(block: Block, device: str = "cpu") -> Array:
    rng = np.random.default_rng(JOBS.index(block.team.jobs[0]))
    return rng.dirichlet(np.ones(10), (1, 20)).astype(np.float32)


def write_evaluation(folder: Path, seed: int) -> Path:
    carry_out([block_in(folder, seed)])
    return place_of(block_in(folder, seed)).path


def read_evaluation(folder: Path) -> Any:
    return carry_out([block_in(folder, 0)])


class Bright:
    """Class 1 if the first pixel exceeds 1/2."""

    def predict_proba(self, x):
        return np.eye(2)[(x[:, 0, 0, 0] > 0.5).astype(int)]


def brighter(x, y, eps, rng):
    return x + rng.uniform(0, eps, x.shape).astype(np.float32) * (1 - x)


def attack(folder: Path, seed: int) -> Any:
    x = np.random.default_rng(seed).random((8, 2, 2, 1), np.float32)
    suite = Suite(Bright(), {"brighter": brighter})
    y = Bright().predict_proba(x).argmax(axis=1)
    return evaluate(lambda: suite, x, y, Threat("Linf", 0.5), 4, seed, folder)


def write_batch(folder: Path, seed: int) -> Path:
    attack(folder, seed)
    return folder / "brighter-4.npz"


def read_batch(folder: Path) -> Any:
    with suppress(ValueError, OSError):  # refused, or whole
        right = folder.parent / "right"
        if not right.exists():
            attack(right, 0)
        images = adversarial_images(folder, "brighter")
        assert (images == adversarial_images(right, "brighter")).all()
    [found] = attack(folder, 0).outcomes.values()
    return found.fooled.tolist(), found.distance.tolist(), found.before.tolist()


def results_of(seed: int, methods: Any = None) -> results_file.Results:
    return made_up.made_up(seed=seed, methods=methods)


def write_results(folder: Path, seed: int) -> Path:
    results_file.write(results_of(seed, ["bagging"]), folder)
    return folder / "bagging.json"


def read_results(folder: Path) -> Any:
    return read_files(folder, results_of(0).configuration)


def write_strict(folder: Path, seed: int) -> Path:
    found = made_up.strict(methods=["bagging"], seed=seed)
    strict_results.write(found, folder)
    return folder / "bagging-strict.json"


def read_strict(folder: Path) -> Any:
    return strict_results.strict_of(results_of(0), folder)


def write_shown(folder: Path, seed: int) -> Path:
    x, y = np.random.default_rng(seed).random((3, 4, 4, 1)), np.arange(3)
    arrays = {"x": x, "x_adv": 1 - x, "y": y, "predicted": y[::-1]}
    write_examples(arrays, shown_results(seed), folder)
    return folder / "random-init-examples.npz"


def shown_results(seed: int) -> results_file.Results:
    results = results_of(seed)
    method = results.examples.method
    members = [replace(m, seed=seed) for m in results.methods[method].members]
    again = replace(results.methods[method], members=members)
    return replace(results, methods=results.methods | {method: again})


def read_shown(folder: Path) -> Any:
    arrays = read_examples(shown_results(0), folder)
    return {name: array.tolist() for name, array in arrays.items()}


CASE = Case("member 0", "bim", {"eps": 0.1}, 1)


def write_experiment(folder: Path, seed: int) -> Path:
    name = ("rules", "budgets")[seed]
    groups = {"a": [Outcome(CASE, 100, [50 + seed])]}
    team = ("mnist", "quick", "bagging", 0, 1, 100)
    return anomaly_record.write(Record(name, *team, groups, [], environment()), folder)


def read_experiment(folder: Path) -> Any:
    return anomaly_record.read(folder / "rules.json")


def write_search(folder: Path, seed: int) -> Path:
    found = Search("mnist", 500, 100, [Trial(JOBS[0], 0.25 + seed / 4)], [], [])
    write_json(
        folder / "mnist.json", replace(found, dataset=("mnist", "cifar10")[seed])
    )
    return folder / "mnist.json"


def read_search(folder: Path) -> Any:
    found = read_as(Search, folder / "mnist.json")
    if found.dataset != "mnist":  # as `begin` does
        raise ValueError(f"{folder / 'mnist.json'} holds a search of another data set")
    return found


def write_starts(folder: Path, seed: int) -> Path:
    found = [Start(JOBS[0], 0.75, 0.25 + seed / 4, [3], 0.5)]
    plan = Plan("mnist", "plain", 1 + seed, 1, None)
    path = path_of(folder, "mnist", "plain")
    write_json(path, Starts(plan, found, found, environment()))
    return path


def read_starts(folder: Path) -> Any:
    plan = Plan("mnist", "plain", 1, 1, None)
    check_free([plan], folder)
    return read_as(Starts, path_of(folder, "mnist", "plain"))


def write_record(folder: Path, seed: int) -> Path:
    path = checking.record()
    write_json(path, {"solved": [("neuron", "slope")[seed]]})
    return path


def read_record(folder: Path) -> Any:
    # Whose exercises these are isn't told: another's record is a record.
    return checking.solved() - {"slope"}


KINDS = {
    "checkpoint": Kept(write_checkpoint, read_checkpoint),
    "member": Kept(write_member, read_member, nothing=[]),
    "epoch": Kept(write_epoch, read_epoch, nothing=nothing_resumed()),
    "evaluation": Kept(write_evaluation, read_evaluation),
    "batch": Kept(write_batch, read_batch),
    "results": Kept(write_results, read_results, nothing=[]),
    "strict": Kept(write_strict, read_strict),
    "examples": Kept(write_shown, read_shown),
    "experiment": Kept(write_experiment, read_experiment),
    "search": Kept(write_search, read_search),
    "starts": Kept(write_starts, read_starts),
    "record": Kept(write_record, read_record, nothing=set()),
}
MADE_AGAIN = ("evaluation", "batch")  # never refused: they block no run
