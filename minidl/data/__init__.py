"""Real images to train and attack: MNIST, Fashion-MNIST, CIFAR-10 and a small sample.

Every loader returns a `Dataset` of uint8 images (N, H, W, C) and int64 labels (N,).
Files are looked for on this machine first and downloaded only when they are not
there (`files.py` says where); the decoded arrays are kept on disk and opened
memory-mapped, so only the first load takes seconds (`cache.py`).
"""

from minidl.data.datasets import (
    CLASS_NAMES,
    Dataset,
    differences,
    load_cifar10,
    load_dataset,
    load_fashion_mnist,
    load_mnist,
    load_mnist_sample,
)

__all__ = [
    "CLASS_NAMES",
    "Dataset",
    "differences",
    "load_cifar10",
    "load_dataset",
    "load_fashion_mnist",
    "load_mnist",
    "load_mnist_sample",
]
