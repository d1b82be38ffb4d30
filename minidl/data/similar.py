"""Files whose names resemble those that were looked for: an error had better name them.

A browser's second download, half a download, another tool's archive, an archive that
was unpacked one folder deeper: data files come under many names.
"""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from minidl.data.published import PublishedFile

MAX_ENTRIES = 5_000  # looked at, below each folder
MAX_NAMED = 5


def similar_files(folders: Sequence[Path], published: PublishedFile) -> str:
    """Return similar names in the folders and two levels below, "" if there are none.

    Files of the very names that were looked for count only in other places.
    """
    found: dict[str, None] = {}  # a set that keeps its order
    for folder in folders:
        for path in islice(_below(folder, 2), MAX_ENTRIES):
            wanted, is_folder = path.name in published.names, os.path.isdir(path)
            letters = re.sub("[^a-z0-9]", "", path.name.lower())
            if is_folder and wanted:
                found[f"{path} (a folder)"] = None
            elif is_folder or (wanted and path.parent in folders):
                continue
            elif re.search(published.resembling, letters):
                found[str(path)] = None
    more = [f"and {len(found) - MAX_NAMED} more"] if len(found) > MAX_NAMED else []
    return ", ".join([*islice(found, MAX_NAMED), *more])


def _below(folder: Path, levels: int) -> Iterator[Path]:
    """Yield what is in a folder, then what is in its folders; nothing hidden."""
    try:
        with os.scandir(folder) as entries:
            paths = sorted(Path(entry.path) for entry in islice(entries, MAX_ENTRIES))
    except OSError:
        return
    paths = [path for path in paths if not path.name.startswith(".")]
    yield from paths
    if levels:
        for path in paths:
            yield from _below(path, levels - 1)
