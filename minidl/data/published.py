"""The published files of every data set: their names, checksums and homes.

A checksum here is an md5 because that is what the authors of the data published. It
tells a damaged or mistaken file from the right one; it is no protection against a
forger with great patience.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedFile:
    """One file as its authors published it.

    `md5` is of the file itself, `content_md5` of the bytes inside its gzip wrapper
    ("" where none is known). `also` names other files that may hold the same data.
    """

    name: str
    md5: str
    content_md5: str
    homes: tuple[str, ...]
    also: tuple[str, ...] = ()


IDX_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def _idx_files(
    checksums: tuple[tuple[str, str], ...], homes: tuple[str, ...]
) -> tuple[PublishedFile, ...]:
    return tuple(
        PublishedFile(f"{name}.gz", md5, content_md5, homes, also=(name,))
        for name, (md5, content_md5) in zip(IDX_NAMES, checksums, strict=True)
    )


# The four IDX files of a data set stand in the order of Dataset's fields.
PUBLISHED: dict[str, tuple[PublishedFile, ...]] = {
    "mnist": _idx_files(
        (
            ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
            ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
            ("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
            ("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
        ),
        homes=(
            "https://storage.googleapis.com/cvdf-datasets/mnist",
            "https://ossci-datasets.s3.amazonaws.com/mnist",
        ),
    ),
    "fashion-mnist": _idx_files(
        (
            ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
            ("25c81989df183df01b3e8a0aad5dffbe", "9018921c3c673c538a1fc5bad174d6f9"),
            ("bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
            ("bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
        ),
        homes=(
            # This home answers on plain http only; the checksum guards the content.
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        ),
    ),
    "cifar10": (
        PublishedFile(
            "cifar-10-binary.tar.gz",
            "c32a1d4ab5d03f1284b67883e8d87530",
            "",
            homes=("https://www.cs.toronto.edu/~kriz",),
            also=("cifar10.npz",),
        ),
    ),
}


def _all_files() -> Iterator[tuple[str, PublishedFile]]:
    for dataset, files in PUBLISHED.items():
        for published in files:
            yield dataset, published


def owner_of(md5: str) -> tuple[str, PublishedFile] | None:
    """Return the data set and file whose md5 or content md5 this is, None if none's."""
    for dataset, published in _all_files():
        if md5 in (published.md5, published.content_md5):
            return dataset, published
    return None
