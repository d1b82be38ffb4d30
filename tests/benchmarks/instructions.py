"""Instructions per image, a count that doesn't depend on other processes.

The processor counts them where the system lets a process read its counters, as
`perf stat` does. Elsewhere Valgrind's callgrind counts, at a fiftieth of the speed. Its
simulated processor has no AVX-512, so Numba and BLAS are told to use AVX2.

    python -m tests.benchmarks.instructions '{"network": "Table 1", ...}'

runs each task twice, and counts the second run.
"""

import ctypes
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.benchmarks.cli import Options
from tests.benchmarks.machine import limit
from tests.benchmarks.networks import contender
from tests.benchmarks.problems import TASKS, synthetic_batch
from tests.benchmarks.started import ROOT

# perf_event_open(2): its number; HARDWARE and INSTRUCTIONS of linux/perf_event.h; flags
# that include threads started later, but exclude the kernel and a hypervisor.
SYSTEM_CALL = {"x86_64": 298, "aarch64": 241}
INSTRUCTIONS = 0, 1
FLAGS = 1 << 1 | 1 << 5 | 1 << 6
THIS = [sys.executable, "-m", "tests.benchmarks.instructions"]
MARK = "getpgrp"  # a function of libc that nothing else calls: callgrind dumps there
AVX2 = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi,+bmi2",
    "OPENBLAS_CORETYPE": "Haswell",
}
X86 = platform.machine() == "x86_64"


def measure(name: str, options: Options) -> dict[str, Any]:
    """Return each task's instructions per image, or why they can't be counted."""
    why, settings = [], {"network": name, "batch": options.batch}
    for counted_by, count in COUNTERS.items():
        try:
            counts = {how: count(settings | {"how": how}) for how in options.finalists}
        except OSError as error:
            why.append(f"{counted_by}: {error}")
            continue
        found = {
            task: {how: counts[how][i] / options.batch for how in counts}
            for i, task in enumerate(TASKS)
        }
        return {"name": name, "counted_by": counted_by, "instructions_per_image": found}
    return {"name": name, "not_counted": "; ".join(why)}


def by_processor(settings: dict[str, Any]) -> list[int]:
    """Return the processor's count for each task; OSError if it doesn't count."""
    counter()
    counts = json.loads(run([], settings | {"counter": True}))
    if min(counts) <= 0:
        raise OSError("nothing is counted here")
    return counts


def by_callgrind(settings: dict[str, Any]) -> list[int]:
    """Return callgrind's count for each task; OSError if it can't run."""
    if shutil.which("valgrind") is None:
        raise OSError("valgrind isn't installed")
    run([], settings)  # fills Numba's cache with the kernels for AVX2
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", f"--dump-before={MARK}"]
        run([*command, f"--callgrind-out-file={folder}/out"], settings)
        # The first dump holds everything before the first task.
        dumps = [Path(folder, f"out.{i}") for i in range(2, len(TASKS) + 2)]
        texts = [dump.read_text(errors="replace") for dump in dumps]
        return [int(re.findall(r"^totals: (\d+)", text, re.M)[0]) for text in texts]


COUNTERS: dict[str, Callable[[dict[str, Any]], list[int]]] = {
    "the processor": by_processor,
    f"callgrind{', with AVX2' if X86 else ''}": by_callgrind,
}


def run(command: Sequence[str], settings: dict[str, Any]) -> str:
    """Return what this program prints; OSError says how it failed."""
    avx2 = AVX2 if X86 and "counter" not in settings else {}
    done = subprocess.run(
        [*command, *THIS, json.dumps(settings)],
        cwd=ROOT,
        env=os.environ | avx2,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise ChildProcessError(f"exit code {done.returncode}, {last}")
    return done.stdout


def counter(event: tuple[int, int] = INSTRUCTIONS) -> Callable[[], int]:
    """Return a function that reads a counter of this thread; OSError if none counts."""
    if sys.platform != "linux" or platform.machine() not in SYSTEM_CALL:
        raise OSError("not known here")
    kind, which = event
    size = struct.calcsize("2I5Q2IQ")
    attributes = struct.pack("2I5Q2IQ", kind, size, which, 0, 0, 0, FLAGS, 0, 0, 0)
    call = ctypes.CDLL(None, use_errno=True).syscall
    file = call(SYSTEM_CALL[platform.machine()], attributes, 0, -1, -1, 0)
    if file < 0:
        raise OSError(f"no counter ({os.strerror(ctypes.get_errno())})")
    return lambda: int.from_bytes(os.read(file, 8), sys.byteorder)


def main(settings: dict[str, Any]) -> None:
    """Run all tasks, then count each; write the counts in one line of JSON."""
    name, how = settings["network"], settings["how"]
    limit(1, (how,))
    batch = synthetic_batch(name, settings["batch"])
    tasks = contender(name, how, batch).tasks.values()
    mark = counter() if "counter" in settings else os.getpgrp
    for task in tasks:
        task()  # compiles
    marks = [mark()]
    for task in tasks:
        task()
        marks.append(mark())
    print(json.dumps([after - before for before, after in pairwise(marks)]))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
