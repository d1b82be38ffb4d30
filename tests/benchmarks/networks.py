"""Both networks of the paper at work: training, prediction, attack, vote."""

from collections.abc import Callable
from typing import Any

from minidl.backend import Device
from tests.benchmarks.agreement import KINKS, agree
from tests.benchmarks.cli import Options
from tests.benchmarks.contenders import Minidl
from tests.benchmarks.problems import (
    ATTACK,
    MEMBERS,
    Batch,
    build,
    gflop,
    synthetic_batch,
)
from tests.benchmarks.roofline import h100_ms
from tests.benchmarks.timing import Key, compare, interleaved, sgemm_rate

TOLERANCE = {"parameter gradients": KINKS, "input gradient": KINKS}


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return one network's figures."""
    batch, device = synthetic_batch(name, options.batch), options.device
    contenders = {
        how: contender(name, how, batch, device) for how in options.contenders
    }
    answers = {how: c.answers() for how, c in contenders.items()}
    candidates: dict[Key, Callable[[], Any]] = {
        (task, how): function
        for how, c in contenders.items()
        for task, function in c.tasks().items()
    }
    samples = interleaved(candidates, options.rounds, device)
    work = gflop(build(name), options.batch)
    on_paper = {"roofline_ms": h100_ms(build(name), options.batch)}
    return {
        "name": name,
        "sgemm_gflop_per_s": sgemm_rate(samples, device),
        "agreement": agree(answers, TOLERANCE),
        "operations": compare(samples, work, options.batch, device),
    } | (on_paper if device == "gpu" else {})


def contender(name: str, how: str, batch: Batch, device: Device = "cpu") -> Any:
    """Return one contender, with the same weights as all others."""
    members = [build(name, how, seed) for seed in range(MEMBERS)]
    if how == "torch":
        from tests.benchmarks.torch_peer import Torch

        return Torch(members, batch, ATTACK[name], device)
    return Minidl(how, members, batch, ATTACK[name], device)
