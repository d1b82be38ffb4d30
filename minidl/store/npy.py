"""Arrays from the bytes of untrusted files.

Nothing is unpickled, and nothing is unpacked unless `unpacked` limits the size.
"""

import io
import math
import os
import zipfile
from functools import partial
from typing import IO, Any

import numpy as np

from minidl.backend import Array

END, DIRECTORY = 22, 2**20  # bytes: a zip file's end record, its largest directory
# bzip2 is left out: a thousand bytes of it can unpack to a gigabyte in one step.
COMPRESSED = {zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA}
HEADER = 2**14  # bytes; NumPy refuses untrusted headers of more than 10,000


def archive(file: IO[bytes]) -> zipfile.ZipFile:
    """Open a zip file, unless its directory is larger than many arrays need.

    zipfile makes an object for each entry: a directory of 20 MB takes half a minute.
    """
    file.seek(max(0, file.seek(0, os.SEEK_END) - END))
    end = file.read()
    size = int.from_bytes(end[12:16], "little")
    if end[:4] != b"PK\x05\x06" or size > DIRECTORY:
        raise ValueError("no zip file, or one with too many files or a comment")
    return zipfile.ZipFile(file)


def arrays_in(content: bytes, unpacked: int | None = None) -> dict[str, Array]:
    """Return the arrays in the bytes of an .npz file.

    It must be uncompressed unless `unpacked` says how many bytes it may unpack to.
    Raises ValueError otherwise; for damaged files, whatever zipfile's code raises.
    """
    methods, most, step = {zipfile.ZIP_STORED}, len(content), 2**20
    wrong = "it is compressed or overlaps"
    if unpacked is not None:
        methods, most = methods | COMPRESSED, unpacked
        step = 2**12  # one step of LZMA never unpacks much
        wrong = f"it unpacks to more than {most} bytes, or not by deflate or LZMA"
    with archive(io.BytesIO(content)) as file:
        parts = {part.filename.removesuffix(".npy"): part for part in file.infolist()}
        used = {part.compress_type for part in file.infolist()}
        if used - methods or sum(part.file_size for part in file.infolist()) > most:
            raise ValueError(wrong)
        if len(parts) < len(file.infolist()):
            raise ValueError("two of its arrays have one name")
        arrays = {}
        for name, part in parts.items():
            with file.open(part) as member:
                content = b"".join(iter(partial(member.read, step), b""))
            arrays[name] = array_of(content).copy()
        return arrays


def array_of(content: Any) -> Array:
    """Return the array whose .npy file has these bytes, without copying them.

    Raises ValueError unless the header announces exactly the bytes that follow it.
    """
    start = io.BytesIO(bytes(content[:HEADER]))
    version = np.lib.format.read_magic(start)
    if version != (1, 0):
        raise ValueError(f"its arrays have format {version}")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(start)
    size, found = math.prod(shape) * dtype.itemsize, len(content) - start.tell()
    if size != found or dtype.kind not in "biufU" or min(shape, default=0) < 0:
        raise ValueError(f"{dtype} {shape} announced, {found} bytes follow")
    array = np.frombuffer(content, dtype, offset=start.tell())
    return array.reshape(shape, order="F" if fortran else "C")
