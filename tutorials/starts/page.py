"""results/starts/README.md: the counts, and when a logit's ReLU is dead for good."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from minidl.store import check, refused
from minidl.store.schema import read_as
from tutorials.paper.experiment.config import LITERAL, NETWORKS, settings_of, suffix
from tutorials.paper.pages.markdown import Table, page, write_readme
from tutorials.paper.pages.notes import LOGITS, counted
from tutorials.paper.search.trials import PARTS
from tutorials.starts.count import STARTED, Start, Starts, best, by_optimizer

ENOUGH = 0.2  # if more of the networks start, restarts fill a table
HEAD = f"""# Do the paper's own networks start to learn?

Tables 1 and 3 of the paper end in "Relu Fully Connected 10", a ReLU on the logits,
before the softmax. Here networks are trained from many seeds with each optimizer of the
[search](../search). A network *has started* if the mean of J over the test images is
below {STARTED} after one epoch; guessing costs log(10) = 2.30. A class is *dead* if its
logit is 0 for all test images. (A run of Table 2 trains a member with a dead class
anew. It looks at all training images, so that test images choose no member.) J in
training is the mean over an epoch, with dropout; it decides nothing. Where networks
with plain logits are counted as well, they show how many would be below {STARTED}
without the ReLU. The bound can be hard to reach in one epoch: a network without a dead
class that misses it is slow, not dead."""
REASON = """## When is a logit's ReLU dead for good?

Let h be what the last hidden layer gives for an image with the label y, and for each
class k

    a_k = w_k h + b_k,  z_k = max(0, a_k),  p = softmax(z),  J = -log p_y

    dJ/dz_k = p_k - 1{y = k}
    dJ/da_k = (p_k - 1{y = k}) 1{a_k > 0}
    dJ/dw_k = dJ/da_k h,  dJ/db_k = dJ/da_k,  dJ/dh = sum_k dJ/da_k w_k

An image with a_k <= 0 adds nothing to the gradient of w_k and b_k. If a_k <= 0 for all
images of class k, only images of other classes add to it. Each of them lowers a_k, as
p_k > 0.

- **If a_k <= 0 for all training images**, under all masks of dropout, the gradient of
  w_k and b_k is 0. Once the optimizer's momentum has faded, they no longer change.
  The class adds nothing to dJ/dh, so that nothing pulls a_k back. The other classes
  still change h, which may raise a_k by chance.
- **If w_k <= 0 and b_k <= 0 as well, the class is dead for good**: h >= 0, as it comes
  out of a ReLU, so that a_k <= 0 whatever h becomes.
- **If all ten classes are dead, the network is dead**: no parameter has a gradient. For
  all images z = 0, p_k = 1/10 and J = log(10) = 2.3026, for ever.

A dead class has the smallest possible logit, 0, so that p_k <= 1/10. Each of its images
costs at least log(10). With ten classes of equal size, d dead classes cost at least
0.23 d in the mean of J. A network that has started may have up to six dead classes.

[Chapter 11](../../tutorials/notebooks/11_the_paper.ipynb) shows how close networks are
to this state before training, and what other initial biases change."""


TABLES = ("mnist", "cifar10")  # 1 and 3


def path_of(folder: Path, dataset: str, network: str) -> Path:
    """Return the file of a data set's network."""
    return folder / f"{dataset}{suffix(network)}.json"


def read(path: Path) -> Starts:
    """Return a file of counts; DamagedError if its name doesn't fit its content."""
    starts = read_as(Starts, path)
    with refused(path):
        own = path_of(path.parent, starts.plan.dataset, starts.plan.network)
        check(path == own, f"it holds {own.name}")
        check(bool(starts.first and starts.last), "it lacks networks")
    return starts


def write_page(folder: Path) -> Path:
    """Write the page of all counts in a folder; return its path.

    Raises FileNotFoundError if there is none.
    """
    paths = [path_of(folder, d, n) for n in reversed(NETWORKS) for d in PARTS]
    found = [read(path) for path in paths if path.exists()]
    if not found:
        raise FileNotFoundError(f"no counts in {folder}: the verb count makes them")
    text = page(HEAD, *map(section, found), missing(folder), REASON)
    return write_readme(folder, text)


def missing(folder: Path) -> str:
    """Return which of the paper's two networks aren't counted yet."""
    lacking = [d for d in TABLES if not path_of(folder, d, LITERAL).exists()]
    command = "`python -m tutorials.starts --dataset"
    return " ".join(
        f"{d} isn't counted yet; {command} {d}` counts it." for d in lacking
    )


def section(starts: Starts) -> str:
    """Return one network's part of the page."""
    plan = starts.plan
    images = f"{plan.train_images:,}" if plan.train_images else "all"
    options = f"--dataset {plan.dataset} --network {plan.network} --seeds {plan.seeds}"
    more = f" --train-images {plan.train_images}" if plan.train_images else ""
    last = starts.last
    seeds = {f"seed {start.job.index}": [start] for start in last}
    return page(
        f"## {plan.dataset}, {LOGITS[plan.network]}",
        f"{counted(plan.seeds, 'seed')} with each optimizer, one epoch of {images} "
        "training images:",
        first_epoch(starts).markdown(),
        finding(starts.first),
        f"With {name(last[0])}, after {counted(plan.epochs, 'epoch')}:",
        table(seeds).markdown(),
        f"Made by `python -m tutorials.starts {options} --epochs {plan.epochs}{more}` "
        f"on {starts.environment.cpu} with minidl {starts.environment.minidl}.",
    )


def first_epoch(starts: Starts) -> Table:
    """Return the table of all optimizers after one epoch, as chapter 11 shows it."""
    return table({name(own[0]): own for own in by_optimizer(starts.first)})


def name(start: Start) -> str:
    """Return an optimizer with its settings."""
    job = start.job
    return f"{job.optimizer}, rate {job.lr:g}, batches of {job.batch_size}"


def table(groups: Mapping[str, Sequence[Start]]) -> Table:
    """Return a row for each group: how many start, and means over the group."""
    head = ["", "started", "dead classes", "J in training", "J", "accuracy"]
    rows = [[group, *row(own)] for group, own in groups.items()]
    return Table([*head, "accuracy, if started"], rows)


def dead_classes(counts: list[int]) -> str:
    """Return networks' numbers of dead classes, with how often each occurs."""
    times = Counter(counts)
    if len(times) == 1:
        return str(counts[0])
    return ", ".join(
        f"{dead} ({n} of {len(counts)})" for dead, n in sorted(times.items())
    )


def row(own: Sequence[Start]) -> list[str]:
    """Return one group's numbers."""
    going = [start.accuracy for start in own if start.started]
    every = ([start.J_training, start.J, start.accuracy] for start in own)
    numbers = np.mean(list(every), axis=0)
    return [
        f"{len(going)} of {len(own)}",
        dead_classes([len(start.dead) for start in own]),
        *(f"{value:.4f}" for value in numbers),
        f"{np.mean(going):.4f}" if going else "",
    ]


def finding(first: Sequence[Start]) -> str:
    """Return the conclusion from the best optimizer's count, and which are slow."""
    own = best(first)
    going = sum(start.started for start in own)
    found = f"With {name(own[0])}, {going} of {len(own)} start"
    if going == len(own):
        return f"{found}. Members need no restarts."
    slow = [name(each[0]) for each in by_optimizer(first) if not any_dead(each)]
    if slow:
        found += f". With {' and with '.join(slow)}, no network has a dead class"
    if going > ENOUGH * len(own):
        attempts = settings_of(own[0].job.dataset, LITERAL).attempts
        most = f", in at most {attempts} attempts" if attempts > 1 else ""
        return f"{found}. Members with a dead class need to be trained anew{most}."
    return f"{found}: too few for a table of ten members a method."


def any_dead(own: Sequence[Start]) -> bool:
    """Return whether any network has a dead class."""
    return any(start.dead for start in own)
