"""Python's own time for a step on a GPU: `python -m tests.gpu.host_time [--profile]`.

Arrays lie on the device in name only, and kernels and products compute nothing. What is
left is what the host does between two of them, without CuPy's own part, and a little
for the stubs: CPU time in ms, which needs no GPU. Table 3, 128 images.
"""

import cProfile
import pstats
import sys
import time
from types import SimpleNamespace

import numpy as np

BATCH, STEPS, ROUNDS = 128, 50, 7
MEMORY = np.empty(2**28, np.uint8)  # of all arrays: fresh memory would take time


class Stub(np.ndarray):
    """An array without memory of its own."""

    data = SimpleNamespace(ptr=0)

    def __matmul__(self, other):
        return empty((*self.shape[:-1], *other.shape[1:]), self.dtype)

    def sum(self, axis=None, out=None):
        return MEMORY[:4].view(Stub) if out is None else out

    def itself(self, *others):
        return self

    __add__ = __radd__ = __iadd__ = __truediv__ = itself


def empty(shape, dtype):
    return Stub(shape, dtype, MEMORY)


def on_device(a, *how, **options):
    return np.array(a, *how, **options).view(Stub)


CUPY = SimpleNamespace(
    ndarray=Stub,
    uint8=np.uint8,
    int64=np.int64,
    empty=empty,
    asarray=on_device,
    array=on_device,
    zeros=lambda *how: on_device(np.zeros(*how)),
    zeros_like=lambda a: on_device(np.zeros_like(a)),
    ascontiguousarray=lambda a: a,
    may_share_memory=lambda a, b: False,
    dot=lambda a, b, out: out,
    true_divide=lambda a, b, dtype: empty(a.shape, dtype),
    RawKernel=lambda *how, **options: lambda grid, block, arguments: None,
    cuda=SimpleNamespace(runtime=SimpleNamespace(getDeviceCount=lambda: 1)),
)


def steps():
    """Return functions that take a step of training, and of BIM."""
    from attacks import model_gradient
    from minidl import Adam, cifar10_cnn, to_device
    from minidl.batches import batches_of
    from minidl.training import descend

    rng = np.random.default_rng(0)
    model = cifar10_cnn(rng).to_device("gpu")
    optimizer, gradient = Adam(model.params), model_gradient(model)
    x, y = np.zeros((BATCH, 32, 32, 3), np.uint8), np.zeros(BATCH, int)
    there = to_device(x / np.float32(255), "gpu"), to_device(y, "gpu")

    def train():
        for batch in batches_of(x, y, np.arange(BATCH), BATCH, "gpu"):
            descend(model, *batch, optimizer, rng)

    return {"training": train, "BIM's gradient": lambda: gradient(*there)}


def host_time(step):
    """Return the least CPU time of a step, in ms."""
    step()
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(STEPS):
            step()
        found.append((time.process_time() - start) / STEPS * 1e3)
    return min(found)


def main():
    sys.modules["cupy"] = CUPY
    for name, step in steps().items():
        print(f"{name}: {host_time(step):.2f} ms of Python a step")
        if "--profile" in sys.argv:
            profile = cProfile.Profile()
            for _ in range(STEPS):
                profile.runcall(step)
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    main()
