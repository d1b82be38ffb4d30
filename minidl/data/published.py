"""The published files of every data set: their names, checksums and homes.

Checksums are md5, or SHA-1, because that is what was published. They tell a damaged or
mistaken file from the right one; they are no protection against a forger with great
patience.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PublishedFile:
    """One file as its authors published it.

    `md5` is of the file itself, `content_md5` of the bytes inside its gzip wrapper,
    `batches` the SHA-1 or md5 of the files in an archive. `also` names other files and
    folders that may hold the same data; names in which the pattern `resembling` is
    found, lower-case letters and digits only, look as if they could.
    """

    name: str
    md5: str
    homes: tuple[str, ...]
    also: tuple[str, ...]
    resembling: str
    content_md5: str = ""
    batches: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which the data may lie in a folder, the first one first."""
        return self.name, *self.also


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
        PublishedFile(f"{name}.gz", md5, homes, *_others(name), content_md5)
        for name, (md5, content_md5) in zip(IDX_NAMES, checksums, strict=True)
    )


def _others(name: str) -> tuple[tuple[str, ...], str]:
    """Return the other names of an IDX file, and the pattern of those resembling it."""
    dotted = name.replace("-idx", ".idx")  # as some archives have them
    part = name.split("-idx")[0].replace("-", "")  # as trainimages
    return (name, dotted, f"{dotted}.gz"), f"{part}|^(fashion)?mnist|[^a-z]mnist"


# SHA-1 of the binary batch, as MXNet has it; md5 of the one for Python, as torchvision.
CIFAR10_BATCHES = {
    "data_batch_1": (
        "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
        "c99cafc152244af753f735de768cd75f",
    ),
    "data_batch_2": (
        "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
        "d4bba439e000b95fd0a9bffe97cbabec",
    ),
    "data_batch_3": (
        "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
        "54ebc095f3ab1f0389bbae665268c751",
    ),
    "data_batch_4": (
        "aab85764eb3584312d3c7f65fd2fd016e36a258e",
        "634d18415352ddfa80567beed471001a",
    ),
    "data_batch_5": (
        "26e2849e66a845b7f1e4614ae70f4889ae604628",
        "482c414d41f54cd18b22e5b47cb7c3cb",
    ),
    "test_batch": (
        "67eb016db431130d61cd03c7ad570b013799c88c",
        "40351d587109b95175f43aff81a1287e",
    ),
}

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
            homes=("https://www.cs.toronto.edu/~kriz",),
            also=(
                "cifar-10-binary.tar",
                "cifar-10-python.tar.gz",
                "cifar-10-python.tar",
                "cifar-10-batches-py.tar.gz",  # Keras's name
                "cifar-10-batches-bin",
                "cifar-10-batches-py",
                ".",
                "cifar10.npz",
            ),
            resembling="cifar10(?!0)|databatch|testbatch",
            batches=CIFAR10_BATCHES,
        ),
    ),
}


def owner_of(md5: str) -> tuple[str, PublishedFile] | None:
    """Return the data set and file whose md5 or content md5 this is, None if none's."""
    for dataset, files in PUBLISHED.items():
        for published in files:
            if md5 in (published.md5, published.content_md5):
                return dataset, published
    return None
