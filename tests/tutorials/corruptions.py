"""Ways to damage a file. Each takes its path, a generator and a folder to work in."""

import io
import json
import os
import re
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np

from tests.minidl import npy_headers
from tests.tutorials.kept_files import KINDS


def flip_bits(path, rng, other):
    content = np.fromfile(path, np.uint8)
    for place in rng.integers(len(content), size=rng.integers(1, 4)):
        content[place] ^= 1 << rng.integers(8)
    content.tofile(path)


def cut(path, rng, other):
    path.write_bytes(path.read_bytes()[: rng.integers(path.stat().st_size)])


def lengthen(path, rng, other):
    path.write_bytes(path.read_bytes() + rng.bytes(rng.integers(1, 2000)))


def zeros(path, rng, other):
    """As after a power cut on some file systems."""
    path.write_bytes(bytes(path.stat().st_size))


def another_kinds(path, rng, other):
    name = rng.choice([name for name in KINDS if name != "record"])
    shutil.copy(KINDS[name].write(other, 0), path)


def edit(path, rng, other):
    """Change one digit of a text, or one value of an array, and keep the checksum."""
    if path.suffix == ".json":
        text = path.read_text(encoding="utf-8")
        digit = rng.choice([m.start() for m in re.finditer(r"\d", text)])
        changed = str((int(text[digit]) + rng.integers(1, 10)) % 10)
        path.write_text(text[:digit] + changed + text[digit + 1 :], encoding="utf-8")
        return
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    name = rng.choice(
        [n for n, a in arrays.items() if a.size and a.dtype.kind in "bif"]
    )
    array = np.array(arrays[name])
    array.reshape(-1)[rng.integers(array.size)] += 1
    np.savez(path, **arrays | {str(name): array})


def without_checksum(path, rng, other):
    """As version 0.1.0 wrote files."""
    if path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({k: content[k] for k in content if k != "sha256"}))
        return
    with np.load(path, allow_pickle=False) as file:
        np.savez(path, **{name: file[name] for name in file if name != "sha256"})


def content(name, *texts):
    """Return a corruption that writes one of some texts in place of a file."""

    def spoil(path, rng, other):
        path.write_text(rng.choice(texts), encoding="utf-8")

    spoil.__name__ = name
    return spoil


def npz_of(path, npy, **options):
    with zipfile.ZipFile(path, "w", **options) as file:
        file.writestr("description.npy", npy)
        file.writestr("sha256.npy", npy)


def header(name, *texts):
    """Return a corruption whose arrays have one of some headers."""

    def spoil(path, rng, other):
        npz_of(path, npy_headers.header(rng.choice(texts)) + b"12345")

    spoil.__name__ = name
    return spoil


ARRAY = "{'descr': '%s', 'fortran_order': False, 'shape': (%s)}"


def bomb(path, rng, other):
    content = io.BytesIO()
    np.save(content, np.zeros(20_000_000, np.uint8))
    npz_of(path, content.getvalue(), compression=zipfile.ZIP_DEFLATED)


def strange_names(path, rng, other):
    with zipfile.ZipFile(path, "w") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("../../x.npy", " ", "a" * 5000, "sha256", "sha256.npy"):
            for _ in range(2):
                file.writestr(name, b"x")


def instead(name, make, *arguments):
    """Return a corruption that puts something else in a file's place."""

    def spoil(path, rng, other):
        path.unlink()
        make(path, *arguments)

    spoil.__name__ = name
    return spoil


OFTEN = [flip_bits, cut, edit, another_kinds]
ONCE = [
    *(lengthen, zeros, without_checksum, bomb, strange_names),
    content("empty", ""),
    content("notes", "Remember the milk.\n"),
    content("nested", *(start * 50_000 for start in ("[", '{"a":', '{"sha256": ['))),
    content("deep_inside", '{"sha256": "0", "a": ' + "[" * 900 + "]" * 900 + "}"),
    content("huge_number", '{"sha256": ' + "9" * 10_000 + "}"),
    header("enormous_header", *(ARRAY % ("<f8", 10**n) for n in range(9, 15))),
    header("nested_header", *(start * 9000 for start in ("(", "[", "-", "{1:"))),
    header("objects", ARRAY % ("|O", "")),
    instead("folder_instead", Path.mkdir),
]
if os.name == "posix":
    ONCE += [
        instead("pipe_instead", os.mkfifo),
        instead("endless_instead", Path.symlink_to, "/dev/zero"),
        instead("link_to_nothing", Path.symlink_to, "nothing"),
    ]
