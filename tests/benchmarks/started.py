"""A program of this folder in its own process, which answers in lines of JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Child:
    """A process whose first answer says that it is ready."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.first = self.answer()

    def ask(self, *numbers: int) -> None:
        """Write a line to it."""
        print(*numbers, file=self.process.stdin, flush=True)

    def answer(self) -> Any:
        """Wait for its next line; ChildProcessError if it ends without one."""
        line = self.process.stdout.readline()
        if not line:
            raise ChildProcessError(f"a child process failed: {self.process.args!r}")
        self.latest = json.loads(line)
        return self.latest


@contextmanager
def started(module: str, settings: Any, **environment: str) -> Iterator[Child]:
    """Start a program with settings, and always end it afterwards."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"tests.benchmarks.{module}", json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | environment,
    )
    with process:
        try:
            yield Child(process)
        finally:
            process.kill()
