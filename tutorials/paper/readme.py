"""Put a run's Table 2 into the README, so that no number there is typed by hand.

python -m tutorials.paper.readme results/readme README.md
"""

import sys
from pathlib import Path

from minidl.files import write_text
from tutorials.paper import results as results_file
from tutorials.paper.table2 import as_markdown, notes, title

START, END = "<!-- results -->", "<!-- /results -->"


def update(folder: Path, readme: Path) -> None:
    """Replace what stands between the two marks; ValueError if they aren't there."""
    results, text = results_file.read(folder), readme.read_text(encoding="utf-8")
    if START not in text or END not in text:
        raise ValueError(f"{readme} must contain {START} and {END}")
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    parts = [f"{title(results)}.", as_markdown(results), *notes(results)]
    shown = "\n\n".join(parts)
    write_text(readme, f"{before}{START}\n{shown}\n{END}{after}")


if __name__ == "__main__":
    update(Path(sys.argv[1]), Path(sys.argv[2]))
