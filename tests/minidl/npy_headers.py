"""Headers of .npy files that a reader must not believe."""


def header(text, version=b"\x01\x00"):
    """The header of an .npy file with this text."""
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text.encode()


def announcing(shape, descr="'|u1'"):
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}")


HEADERS = {
    "10^13 numbers": announcing("(10000000000000,)"),
    "10^13 numbers of no size": announcing("(10000000000000,)", "'V0'"),
    "less than nothing": announcing("(-2,)", "'<f4'"),
    "less than nothing twice": announcing("(-1, -8)"),
    "a length that isn't an integer": announcing("(1e3,)"),
    "a nested shape": announcing("(" * 9000),
    "a shape of minus signs": announcing("-" * 9000 + "1"),
    "nested": header("(" * 9000),
    "nested lists": header("[" * 150 + "]" * 150),
    "lists without end": header("[" * 60_000),
    "sets without end": header("{" * 150),
    "objects": announcing("(1,)", "'|O'"),  # any bytes, which would be addresses
    "objects in a structure": announcing("(1,)", "[('a', 'O')]"),
    "types without end": announcing("(8,)", "[('a'," * 90 + "'u1'" + ")]" * 90),
    "no size": announcing("(8,)", "'|V0'"),
    "a long header": header(" " * 60_000),
    "a header of two lines' error": header(" " * 12_000),
    "another version": header("{}", b"\x09\x00"),
    "half a header": announcing("(2,)")[:9],
    "notes": b"notes",
    "no header": b"",
}
