"""Ways to spoil a file: each gets its path, a generator and a folder to work in."""

import io
import json
import os
import re
import shutil
import warnings
import zipfile

import numpy as np

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


def empty(path, rng, other):
    path.write_bytes(b"")


def zeros(path, rng, other):
    """As after a power cut on some file systems."""
    path.write_bytes(bytes(path.stat().st_size))


def notes(path, rng, other):
    path.write_text("Remember the milk.\n", encoding="utf-8")


def another_kinds(path, rng, other):
    name = rng.choice([name for name in KINDS if name != "record"])
    shutil.copy(KINDS[name].write(other, 0), path)


def edit(path, rng, other):
    """One digit of a text, or one value of an array, under the checksum of before."""
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
    """As version 0.1.0 wrote it, and anybody may."""
    if path.suffix == ".json":
        content = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({k: content[k] for k in content if k != "sha256"}))
        return
    with np.load(path, allow_pickle=False) as file:
        np.savez(path, **{name: file[name] for name in file if name != "sha256"})


def nested(path, rng, other):
    path.write_text(rng.choice(["[", '{"a":', '{"sha256": [']) * 50_000)


def deep_inside(path, rng, other):
    path.write_text('{"sha256": "0", "a": ' + "[" * 900 + "]" * 900 + "}")


def huge_number(path, rng, other):
    path.write_text('{"sha256": ' + "9" * 10_000 + "}")


def npz_of(path, npy, **options):
    with zipfile.ZipFile(path, "w", **options) as file:
        file.writestr("description.npy", npy)
        file.writestr("sha256.npy", npy)


def npy(header: str) -> bytes:
    content = header.encode()
    return (
        b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content + b"12345"
    )


def enormous_header(path, rng, other):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%d,)}\n"
    npz_of(path, npy(header % 10 ** rng.integers(9, 15)))


def nested_header(path, rng, other):
    npz_of(path, npy(rng.choice(["(", "[", "-", "{1:"]) * 9000))


def objects(path, rng, other):
    header = "{'descr': '|O', 'fortran_order': False, 'shape': ()}\n"
    npz_of(path, npy(header))


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


def folder_instead(path, rng, other):
    path.unlink()
    path.mkdir()


def pipe_instead(path, rng, other):
    path.unlink()
    os.mkfifo(path)


def endless_instead(path, rng, other):
    path.unlink()
    path.symlink_to("/dev/zero")


def link_to_nothing(path, rng, other):
    path.unlink()
    path.symlink_to("nothing")


OFTEN = [flip_bits, cut, edit, another_kinds]
ONCE = [
    lengthen,
    empty,
    zeros,
    notes,
    without_checksum,
    nested,
    deep_inside,
    huge_number,
    enormous_header,
    nested_header,
    objects,
    bomb,
    strange_names,
    folder_instead,
    *([pipe_instead, endless_instead, link_to_nothing] if os.name == "posix" else []),
]
