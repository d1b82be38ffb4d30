"""The published files of every data set: their names, checksums and homes.

Checksums are md5 or SHA-1, because these were published. They tell the right file from
a damaged or mistaken one, but don't protect against a patient forger.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, eq=False)
class PublishedFile:
    """One file of a data set as its authors published it.

    `md5` is of the file itself; `contents` are checksums of each file packed in it.
    `also` names other files and folders that may hold the same data. So may files whose
    name, reduced to lower-case letters and digits, matches the pattern `resembling`.
    `field` is the field of Dataset that an IDX file holds.
    """

    dataset: str
    name: str
    md5: str
    homes: tuple[str, ...]
    also: tuple[str, ...]
    resembling: str
    contents: Mapping[str, tuple[str, ...]]
    field: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which the data may lie in a folder, the first one first."""
        return self.name, *self.also

    def __str__(self) -> str:
        return f"{self.name} of {self.dataset}"


IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def _idx_files(
    dataset: str, homes: tuple[str, ...], **checksums: tuple[str, str]
) -> tuple[PublishedFile, ...]:
    """Return the four files, given by field the md5 of a file and of its content."""
    files = []
    for field, (md5, content) in checksums.items():
        name = IDX_NAMES[field]
        dotted = name.replace("-idx", ".idx")  # as some archives have them
        others = name, dotted, f"{dotted}.gz"
        part = name.split("-idx")[0].replace("-", "")  # e.g. trainimages
        pattern = f"{part}|^(fashion)?mnist|[^a-z]mnist"
        contents = {name: (content,)}
        files.append(
            PublishedFile(
                dataset, f"{name}.gz", md5, homes, others, pattern, contents, field
            )
        )
    return tuple(files)


# SHA-1 of each batch's records, from MXNet; md5 of its pickle, from torchvision.
CIFAR10_SHA1 = (
    "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
    "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
    "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
    "aab85764eb3584312d3c7f65fd2fd016e36a258e",
    "26e2849e66a845b7f1e4614ae70f4889ae604628",
    "67eb016db431130d61cd03c7ad570b013799c88c",
)
CIFAR10_MD5 = (
    "c99cafc152244af753f735de768cd75f",
    "d4bba439e000b95fd0a9bffe97cbabec",
    "54ebc095f3ab1f0389bbae665268c751",
    "634d18415352ddfa80567beed471001a",
    "482c414d41f54cd18b22e5b47cb7c3cb",
    "40351d587109b95175f43aff81a1287e",
)
BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")

# The four files of MNIST and Fashion-MNIST are in the order of Dataset's fields.
PUBLISHED: dict[str, tuple[PublishedFile, ...]] = {
    "mnist": _idx_files(
        "mnist",
        homes=(
            "https://storage.googleapis.com/cvdf-datasets/mnist",
            "https://ossci-datasets.s3.amazonaws.com/mnist",
        ),
        x_train=(
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "6bbc9ace898e44ae57da46a324031adb",
        ),
        y_train=(
            "d53e105ee54ea40749a09fcbcd1e9432",
            "a25bea736e30d166cdddb491f175f624",
        ),
        x_test=("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
        y_test=("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
    ),
    "fashion-mnist": _idx_files(
        "fashion-mnist",
        homes=(
            # This home answers on plain http only; the checksum guards the content.
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        ),
        x_train=(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        ),
        y_train=(
            "25c81989df183df01b3e8a0aad5dffbe",
            "9018921c3c673c538a1fc5bad174d6f9",
        ),
        x_test=("bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
        y_test=("bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
    ),
    "cifar10": (
        PublishedFile(
            "cifar10",
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
            contents=dict(
                zip(BATCHES, zip(CIFAR10_SHA1, CIFAR10_MD5, strict=True), strict=True)
            ),
        ),
    ),
}


def owner_of(checksum: str) -> PublishedFile | None:
    """Return the published file that contains a file with this checksum, if any."""
    for file in (file for files in PUBLISHED.values() for file in files):
        if any(checksum in known for known in file.contents.values()):
            return file
    return None
