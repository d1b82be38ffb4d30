"""Networks by name, and the ten variants of each table for mixed models.

The paper's method (ii) trains "different but similar" networks: "extra filters are
used in one classifier or an extra convolution layer is added to another". It doesn't
list them; these are ours. Variant 0 is the table itself.

Each table exists in three forms. Both tables end in "Relu Fully Connected 10". Taken
literally, the logits are max(0, a), and the name ends in -literal, before the number of
a variant. Otherwise the logits are plain, a itself. Networks whose names end in
-centred have plain logits, and map pixels x from [0, 1] to 2 x - 1 in [-1, 1].

A small twin of Table 1, for pages that contain their networks, has a quarter of its
filters and hidden units: 37,890 parameters instead of 600,810.
"""

from collections.abc import Sequence

import numpy as np

from minidl.layers import Sequential
from minidl.models import (
    CIFAR10_SHAPE,
    MNIST_SHAPE,
    Row,
    build,
    centred,
    dropout,
    linear,
    max_pool,
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


def table1_variants(share: int = 1) -> Sequence[list[Row]]:
    """Return Table 1's variants, with 1 / share of the filters and units."""

    def table(*filters: int, units: int = 128) -> list[Row]:
        return table1(*(f // share for f in filters), units=units // share)

    return (
        table(32, 32),
        table(48, 32),  # extra filters
        table(32, 32, 32),  # an extra convolution
        table(32, 48),
        table(48, 48),
        table(24, 32, 32),
        table(40, 40),
        table(32, 32, 48),
        table(32, 40, units=160),
        table(32, 24, 24, 32),
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

LITERAL, CENTRED, SMALL = "-literal", "-centred", "-small"


def literal(variants: Sequence[list[Row]]) -> list[list[Row]]:
    """Return the same networks with the table's own last row, a ReLU on the logits."""
    return [[*rows[:-1], relu_linear(10)] for rows in variants]


def in_other_units(variants: Sequence[list[Row]]) -> list[list[Row]]:
    """Return the same networks on pixels in [-1, 1]."""
    return [[centred(), *rows] for rows in variants]


# By name: the shape of an image, the convolutions' padding, and the variants.
TABLES = {
    "mnist-cnn": (MNIST_SHAPE, 0, table1_variants()),
    "cifar10-cnn": (CIFAR10_SHAPE, 1, CIFAR10_VARIANTS),
    f"mnist-cnn{LITERAL}": (MNIST_SHAPE, 0, literal(table1_variants())),
    f"cifar10-cnn{LITERAL}": (CIFAR10_SHAPE, 1, literal(CIFAR10_VARIANTS)),
    f"mnist-cnn{CENTRED}": (MNIST_SHAPE, 0, in_other_units(table1_variants())),
    f"cifar10-cnn{CENTRED}": (CIFAR10_SHAPE, 1, in_other_units(CIFAR10_VARIANTS)),
    f"mnist-cnn{SMALL}": (MNIST_SHAPE, 0, table1_variants(share=4)),
}


def architecture_names(table: str) -> list[str]:
    """Return the name of a table's own network and those of its variants."""
    _, _, variants = TABLES[table]
    return [table, *(f"{table}/{i}" for i in range(len(variants)))]


def build_architecture(name: str, rng: np.random.Generator) -> Sequential:
    """Return the network "mnist-cnn" (Table 1) or "cifar10-cnn" (Table 3).

    A variant is named by its number, "mnist-cnn/0" to "mnist-cnn/9", and a network
    with a ReLU on the logits "mnist-cnn-literal" or "mnist-cnn-literal/3".
    Raises ValueError for another name.
    """
    table, _, number = name.partition("/")
    if table not in TABLES or name not in architecture_names(table):
        raise ValueError(
            f"architecture must be one of {', '.join(TABLES)}, or one of them with "
            f"/0 to /9 for a variant, got {name!r}"
        )
    input_shape, pad, variants = TABLES[table]
    return build(input_shape, variants[int(number or 0)], rng, pad)
