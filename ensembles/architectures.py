"""Networks by name, and the ten variants of each table for mixed models.

The paper's method (ii) trains "different but similar" networks: "extra filters are
used in one classifier or an extra convolution layer is added to another". It doesn't
list them; these are ours. Variant 0 is the table itself.
"""

import numpy as np

from minidl.layers import Sequential
from minidl.models import (
    CIFAR10_SHAPE,
    MNIST_SHAPE,
    Row,
    build,
    cifar10_cnn,
    dropout,
    linear,
    max_pool,
    mnist_cnn,
    relu_conv,
    relu_linear,
)


def table1(*filters: int, units: int = 128) -> list[Row]:
    """Rows of Table 1 with other filters, or with more convolutions."""
    convolutions = [relu_conv(f) for f in filters]
    return [*convolutions, max_pool(), relu_linear(units), dropout(0.5), linear(10)]


def table3(*blocks: tuple[int, ...], units: int = 512) -> list[Row]:
    """Rows of Table 3 with three blocks of convolutions given by their filters."""
    rows: list[Row] = []
    for filters, rate in zip(blocks, (0.2, 0.3, 0.4), strict=True):
        rows += [*map(relu_conv, filters), max_pool(), dropout(rate)]
    return [*rows, relu_linear(units), dropout(0.5), linear(10)]


MNIST_VARIANTS = (
    table1(32, 32),
    table1(48, 32),  # extra filters
    table1(32, 32, 32),  # an extra convolution
    table1(32, 48),
    table1(48, 48),
    table1(24, 32, 32),
    table1(40, 40),
    table1(32, 32, 48),
    table1(32, 40, units=160),
    table1(32, 24, 24, 32),
)

CIFAR10_VARIANTS = (
    table3((32, 32), (64, 64), (128, 128)),
    table3((48, 32), (64, 64), (128, 128)),  # extra filters
    table3((32, 32), (64, 64), (128, 128, 128)),  # an extra convolution
    table3((32, 48), (64, 64), (128, 128)),
    table3((32, 32), (80, 64), (128, 128)),
    table3((32, 32), (64, 64, 64), (128, 128)),
    table3((32, 32), (64, 80), (128, 128)),
    table3((32, 32), (64, 64), (160, 128)),
    table3((32, 32, 32), (64, 64), (128, 128)),
    table3((32, 32), (64, 64), (128, 160)),
)

VARIANTS = {
    "mnist-cnn": (MNIST_SHAPE, 0, MNIST_VARIANTS),
    "cifar10-cnn": (CIFAR10_SHAPE, 1, CIFAR10_VARIANTS),
}
TABLES = {"mnist-cnn": mnist_cnn, "cifar10-cnn": cifar10_cnn}


def architecture_names(table: str) -> list[str]:
    """Return the name of a table's own network and those of its variants."""
    variants = VARIANTS[table][2]
    return [table, *(f"{table}/{i}" for i in range(len(variants)))]


def build_architecture(name: str, rng: np.random.Generator) -> Sequential:
    """Return the network "mnist-cnn" (Table 1) or "cifar10-cnn" (Table 3).

    A variant is named by its number: "mnist-cnn/0" to "mnist-cnn/9".
    Raises ValueError for another name.
    """
    if name in TABLES:
        return TABLES[name](rng)
    table, _, number = name.partition("/")
    if table not in VARIANTS or number not in map(str, range(len(VARIANTS[table][2]))):
        raise ValueError(
            f"architecture must be one of {', '.join(TABLES)}, or one of them with "
            f"/0 to /9 for a variant, got {name!r}"
        )
    input_shape, pad, variants = VARIANTS[table]
    return build(input_shape, variants[int(number)], rng, pad)
