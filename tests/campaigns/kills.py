"""Kill work again and again: finished files stay, and results have the same bits.

    python -m tests.campaigns.kills 100 --seed 0

Trainings, evaluations and small runs of the paper are killed: the parent process by
SIGKILL and SIGTERM, all by Ctrl-C, a worker by SIGKILL, and either of them between a
file's arrival on the disk and its renaming. The same command then goes on until it is
killed again. After each kill, within ten seconds, no process is left, files that were
finished are there unchanged, and at most one line says what happened. In the end all
arrays and numbers are those of an uninterrupted run, and no temporary file is left.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from minidl.store.files import LEFTOVER
from tests.campaigns.killed import KILL, KINDS

ROOT = Path(__file__).parents[2]
SECONDS = 10.0  # until all processes must have ended

# The ways to be killed, and the exit codes that remain: 1 where a worker was killed,
# otherwise what a shell reports of signals.
CODES = {
    "parent killed": {-9, 1, 15},
    "parent terminated": {143},
    "Ctrl-C": {130},
    "worker killed": {1},
    "parent killed before renaming": {-9, 1, 15},
    "worker killed before renaming": {1},
}
POSIX = {"parent terminated", "Ctrl-C", "worker killed"}
HOWS = [how for how in CODES if os.name != "nt" or how not in POSIX]


@dataclass
class Ended:
    """How a command ended: finished, if it did so before it could be killed."""

    code: int
    err: str
    finished: bool
    seconds: float  # from the kill until no process had its output open any more


class Command:
    """Work in a folder of its own, which may be interrupted many times."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder

    def run(self, how: str = "", delay: float = 0.0, turn: int = 0) -> Ended:
        """Start or go on; after `delay` seconds of work, or at a renaming, kill."""
        at = f"{how.split()[0]}:{turn}" if "renaming" in how else ""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.campaigns.killed", self.kind, self.folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=os.environ | {"KILLED_AT": at},
            start_new_session=True,  # Ctrl-C reaches a whole group
        )
        with process:
            process.stdout.readline()  # "working"
            if how and not at:
                time.sleep(delay)
                kill(process, how)
            elif at:
                process.wait(120)
            start = time.monotonic()
            limit = SECONDS if how else 300
            try:
                out, err = process.communicate(timeout=limit)  # until nobody can write
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, KILL)  # it hangs, and so would leaving the block
                raise
        seconds = time.monotonic() - start
        return Ended(process.returncode, err, "done" in out, seconds)

    def finished(self) -> dict[str, object]:
        """Return what finished files hold."""
        paths = [p for p in sorted(self.folder.rglob("*")) if p.is_file()]
        return {
            str(path.relative_to(self.folder)): content(path)
            for path in paths
            if not LEFTOVER.fullmatch(path.name)
            and not path.name.endswith((".partial.npz", ".lock"))
        }

    def leftovers(self) -> list[str]:
        """Return the names of temporary files."""
        names = [path.name for path in self.folder.rglob("*")]
        return [n for n in names if LEFTOVER.fullmatch(n) or ".partial." in n]


def kill(process: "subprocess.Popen[str]", how: str) -> None:
    """Send the signal, unless the process has ended already."""
    try:
        if how == "worker killed":
            os.kill(random.choice(workers(process.pid)), KILL)
        elif how == "Ctrl-C":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(KILL if how == "parent killed" else signal.SIGTERM)
    except (ProcessLookupError, IndexError):
        process.wait(120)  # it works alone, or no longer


def workers(parent: int) -> list[int]:
    """Return the process numbers of a process's workers, on Linux."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(pid) for task in tasks for pid in task.read_text().split()]
    return [pid for pid in children if "spawn_main" in command_line(pid)]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def content(path: Path) -> object:
    """Return a file's content without times and checksums."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            own = set(file.files) - {"description", "sha256"}
            return {name: file[name].tobytes() for name in own}
    found = json.loads(path.read_text(encoding="utf-8"))
    return {n: v for n, v in found.items() if n not in ("sha256", "execution")}


@cache
def reference(kind: str) -> tuple[dict[str, object], float]:
    """Return the bits of an uninterrupted run, and its seconds."""
    with tempfile.TemporaryDirectory() as folder:
        command = Command(kind, Path(folder))
        ended = command.run()
        assert ended.finished, ended.err
        assert not command.leftovers()
        return command.finished(), ended.seconds


def check_killed(how: str, ended: Ended) -> None:
    """Raise AssertionError unless a killed command ended as it should."""
    programs = ("killed: ", "python -m tutorials.paper: ")
    lines = [line for line in ended.err.splitlines() if line.startswith(programs)]
    assert ended.code in CODES[how], (how, ended)
    if how == "parent killed" and "EOFError: Ran out of input" in ended.err:
        return  # a worker had barely begun, and Python itself says so
    assert "Traceback" not in ended.err, ended.err
    assert "Exception" not in ended.err, ended.err
    assert len(lines) == (not how.startswith("parent killed")), ended.err


def check_nothing_lost(before: dict[str, object], after: dict[str, object]) -> None:
    """Raise AssertionError unless finished files are unchanged."""
    for name, whole in before.items():
        assert after.get(name) == whole, f"{name} was finished, and is lost"


def campaign(kills: int, seed: int, kinds: list[str]) -> dict[str, object]:
    """Kill work until there were enough kills; return their counts."""
    random.seed(seed)
    done: Counter[str] = Counter()
    longest, runs = 0.0, 0
    while done.total() < kills:
        kind = kinds[runs % len(kinds)]
        runs += 1
        bits, duration = reference(kind)
        with tempfile.TemporaryDirectory() as folder:
            command, kept = Command(kind, Path(folder)), {}
            while done.total() < kills:
                how = random.choice(HOWS)
                ended = command.run(how, random.uniform(0, duration), rename_turn())
                check_nothing_lost(kept, kept := command.finished())
                if ended.finished:
                    break
                check_killed(how, ended)
                longest = max(longest, ended.seconds)
                done[f"{kind}: {how}"] += 1
                print(f"{done.total():4} {kind}: {how}, {ended.seconds:.1f} s")
            time.sleep(1)  # younger temporary files might be another process's
            ended = command.run()
            assert ended.finished, ended.err
            check_nothing_lost(kept, command.finished())
            assert command.finished() == bits, f"{kind}: other bits"
            assert not command.leftovers(), command.leftovers()
    return {"kills": dict(done), "runs": runs, "longest": round(longest, 1)}


def rename_turn() -> int:
    """Return the renaming at which a process kills itself, mostly an early one."""
    return random.choice((1, 1, 2, 3, 5, 8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=[*KINDS])
    args = parser.parse_args()
    print(json.dumps(campaign(args.kills, args.seed, args.kinds), indent=1))


if __name__ == "__main__":
    main()
