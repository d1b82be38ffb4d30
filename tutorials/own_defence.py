"""Your own model, data and defence under attack, as a pattern to copy.

    python -m tutorials.own_defence --jobs 2

The defence rounds pixels to four shades of grey before the network sees them, so that
small changes vanish. Everything that an evaluation needs is here: a classifier with
`predict_proba`, a gradient, the attacks, and a threat model.

Rounding is flat, so the gradient through it is zero. An attack that follows this
gradient fails, and `diagnose` says why. An adaptive adversary treats rounding as the
identity in the backward pass, as the two differ little (Athalye et al., Obfuscated
Gradients Give a False Sense of Security, 2018, section 4.1). Nothing of the defence is
left.
"""

from functools import cache, partial
from pathlib import Path

import numpy as np

from attacks import Counter, Suite, Threat, diagnose, evaluate, pgd, report, square
from attacks.evaluation.outcomes import Evaluation
from attacks.evaluation.suites import Attack
from attacks.victims import LossFn, model_loss
from minidl import Adam, mnist_cnn, train
from minidl.backend import Array
from minidl.data import load_mnist_sample
from minidl.parallel import local_executor
from minidl.store.files import check_writable
from tutorials.command_line import (
    a_path,
    number_of_processes,
    one_line_errors,
    parser_of,
    whole_number,
)

SHADES = 4
EPS = 0.2  # more than half the distance between two shades


class Rounded:
    """The defence: a network that sees pixels in only a few shades."""

    def __init__(self) -> None:
        data, rng = load_mnist_sample(), np.random.default_rng(0)
        self.model = mnist_cnn(rng)
        optimizer = Adam(self.model.params)
        train(self.model, data.x_train, data.y_train, optimizer, 5, 32, rng)

    def rounded(self, x: Array) -> Array:
        """Return each pixel's nearest shade."""
        steps = x.dtype.type(SHADES - 1)
        return np.round(x * steps) / steps

    def predict_proba(self, x: Array) -> Array:
        """Return the probabilities of the classes, all that an evaluation needs."""
        return self.model.predict_proba(self.rounded(x))

    def loss(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return J and its true gradient, which is 0 because rounding is flat."""
        costs, gradient = model_loss(self.model)(self.rounded(x), y)
        return costs, 0 * gradient

    def loss_straight_through(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return J and its gradient as if rounding were the identity."""
        return model_loss(self.model)(self.rounded(x), y)


@cache  # trained once in each process
def defence() -> Rounded:
    """Return the defence."""
    return Rounded()


def suite() -> Suite:
    """Return the defence and the attacks; each worker calls this."""
    victim, counter = defence(), Counter()
    scores = counter.scores(victim.predict_proba)
    attacks: dict[str, Attack] = {
        "PGD, true gradient": partial(run_pgd, counter.loss(victim.loss)),
        "PGD, straight through": partial(
            run_pgd, counter.loss(victim.loss_straight_through)
        ),
        "Square": lambda x, y, eps, rng: square(scores, x, y, eps, rng, 300),
    }
    return Suite(victim, attacks, counter)


def run_pgd(
    loss: LossFn, x: Array, y: Array, eps: float, rng: np.random.Generator
) -> Array:
    """Return the images of PGD with 20 steps from a random start."""
    return pgd(loss, x, y, eps, eps / 8, 20, rng=rng)


def examine(images: int, jobs: int, folder: Path | None) -> Evaluation:
    """Evaluate the defence under the attacks on some test images."""
    data = load_mnist_sample()
    x, y, threat = data.x_test[:images], data.y_test[:images], Threat("Linf", EPS)
    with local_executor(jobs) as executor:
        return evaluate(suite, x, y, threat, 50, folder=folder, executor=executor)


def main(argv: list[str] | None = None) -> None:
    """Evaluate the defence, and say why the first attack fails."""
    parser = parser_of("tutorials.own_defence", __doc__)
    add = parser.add_argument
    add("--images", type=whole_number(1, 1000), default=200, help="of the test set")
    add("--jobs", type=number_of_processes, default=1, help="processes")
    add("--save", type=a_path, metavar="DIR", help="keep finished batches and images")
    args = parser.parse_args(argv)
    with one_line_errors(parser.prog, lambda: "with --save the same command continues"):
        if args.save:
            check_writable("--save", args.save)
        show(args.images, args.jobs, args.save)


def show(images: int, jobs: int, folder: Path | None) -> None:
    """Print the accuracies under the attacks, and why the first attack fails."""
    print(examine(images, jobs, folder).table())
    data, victim = load_mnist_sample(), defence()
    x, y = data.x_test[:50].astype(np.float32) / 255, data.y_test[:50]
    print("\nWhy does the true gradient fail?\n")
    findings = diagnose(
        victim.predict_proba, lambda x, y: victim.loss(x, y)[1], x, y, EPS
    )
    print(report([finding for finding in findings if finding.failed]))


if __name__ == "__main__":
    main()
