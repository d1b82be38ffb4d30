"""Both networks of the paper at work: training, prediction, attack, vote."""

from typing import Any

from minidl.backend import Device
from tests.benchmarks.agreement import KINKS
from tests.benchmarks.cli import Options
from tests.benchmarks.contenders import minidl_network
from tests.benchmarks.problems import (
    ATTACK,
    MEMBERS,
    Batch,
    Contender,
    build,
    gflop,
    synthetic_batch,
)
from tests.benchmarks.timing import compete

TOLERANCE = {"parameter gradients": KINKS, "input gradient": KINKS}


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return one network's figures."""
    batch = synthetic_batch(name, options.batch)
    contenders = {
        how: contender(name, how, batch, options.device) for how in options.contenders
    }
    work = gflop(build(name), options.batch)
    return {"name": name, **compete(contenders, work, options, TOLERANCE)}


def contender(name: str, how: str, batch: Batch, device: Device = "cpu") -> Contender:
    """Return one contender, with the same weights as all others."""
    members = [build(name, how, seed) for seed in range(MEMBERS)]
    if how == "torch":
        from tests.benchmarks.torch_peer import torch_network

        return torch_network(members, batch, ATTACK[name], device)
    return minidl_network(how, members, batch, ATTACK[name], device)
