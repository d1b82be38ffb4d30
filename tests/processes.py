"""Code that runs in a new process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_python(code, *arguments, folder=ROOT, **environment):
    """Run code with this repository's packages, and the user's environment cleaned."""
    settings = ("MINIDL_KERNELS", "MALLOC_", "NUMBA")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(settings)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
    )


def run_code(code: str, folder: Path = ROOT) -> str:
    """Run code, which must succeed; return what it prints."""
    run = run_python(code, folder=folder)
    assert run.returncode == 0, run.stderr
    return run.stdout
