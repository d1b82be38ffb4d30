"""Count the lines of Python: `python -m tests.size`.

The core holds the equations; its files stand in the order in which to read them. All
lines count, blank ones and comments too. The model is sz.py of tinygrad.
"""

from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = (
    "minidl/layers/*",
    "minidl/losses.py",
    "minidl/optimizers.py",
    "minidl/training.py",
    "minidl/models.py",
    "minidl/initializers.py",
    "minidl/kernels/reference.py",
    "ensembles/ensemble.py",
    "ensembles/methods.py",
    "attacks/threat.py",
    "attacks/norms.py",
    "attacks/gradients.py",
    "attacks/losses.py",
    "attacks/fgsm.py",
    "attacks/bim.py",
    "attacks/pgd.py",
)
ROOMS = {
    "minidl, attacks, ensembles": ("minidl", "attacks", "ensembles"),
    "tutorials/paper, anomaly": ("tutorials/paper", "tutorials/anomaly"),
    "tests": ("tests",),
}


def lines(path: Path) -> int:
    """Return the number of lines of a file, or of all Python files below a folder."""
    files = path.rglob("*.py") if path.is_dir() else [path]
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def core() -> dict[str, int]:
    """Return the lines of each file of the core, by its path."""
    paths = [path for pattern in CORE for path in sorted(ROOT.glob(pattern))]
    files = [path for path in paths if path.suffix == ".py"]
    return {path.relative_to(ROOT).as_posix(): lines(path) for path in files}


def main() -> None:
    """Print the files of the core, their total, and the totals of the rooms."""
    counts = core()
    for name, count in counts.items():
        print(f"{count:6,}  {name}")
    print(f"{sum(counts.values()):6,}  core\n")
    for name, folders in ROOMS.items():
        print(f"{sum(lines(ROOT / folder) for folder in folders):6,}  {name}")


if __name__ == "__main__":
    main()
