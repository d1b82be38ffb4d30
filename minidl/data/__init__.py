"""Real images to train and attack: MNIST, Fashion-MNIST, CIFAR-10 and a small sample.

Every loader returns a `Dataset` of uint8 images (N, H, W, C), 0 to 255, and int64
labels (N,). Networks and attacks take images in [0, 1]: `x.astype(np.float32) / 255`
converts them; `train` and `accuracy` do so themselves, batch by batch.

Files are searched for on this machine first, and downloaded only if they aren't there.
`places.py` lists the folders, `published.py` the names.
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
