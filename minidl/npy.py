"""Arrays in the bytes of files that anyone may have written.

Nothing is unpickled or unpacked, and no array is larger than its file.
"""

import io
import math
import os
import zipfile
from typing import IO, Any

import numpy as np

from minidl.backend import Array

END, DIRECTORY = 22, 2**20  # bytes of a zip file's last record and, at most, before it
HEADER = 2**14  # bytes; NumPy takes no header of more than 10,000 from strangers


def archive(file: IO[bytes]) -> zipfile.ZipFile:
    """Open a zip file whose directory is no larger than that of many arrays.

    zipfile makes an object of each entry: a directory of 20 MB takes half a minute.
    """
    file.seek(max(0, file.seek(0, os.SEEK_END) - END))
    end = file.read()
    size = int.from_bytes(end[12:16], "little")
    if end[:4] != b"PK\x05\x06" or size > DIRECTORY:
        raise ValueError("no zip file, or one with too many files or a comment")
    return zipfile.ZipFile(file)


def arrays_in(content: bytes) -> dict[str, Array]:
    """Return the arrays in the bytes of an uncompressed .npz file.

    Raises ValueError, or what damage makes of zipfile's code, unless it is one.
    """
    with archive(io.BytesIO(content)) as file:
        parts = {part.filename.removesuffix(".npy"): part for part in file.infolist()}
        size = sum(part.file_size for part in file.infolist())
        stored = all(p.compress_type == zipfile.ZIP_STORED for p in parts.values())
        if not stored or size > len(content):
            raise ValueError("it is compressed or overlaps")
        if len(parts) < len(file.infolist()):
            raise ValueError("two of its arrays have one name")
        return {name: array_of(file.read(part)).copy() for name, part in parts.items()}


def array_of(content: Any) -> Array:
    """Return the array whose .npy file has these bytes, without copying them.

    Raises ValueError unless the header announces just the bytes that follow it.
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


def header_of(array: Array) -> bytes:
    """Return what precedes an array's own bytes in its .npy file."""
    start = io.BytesIO()
    facts = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(start, facts)
    return start.getvalue()
