"""Facts about CuPy that differ from NumPy's, or in which a mistake could hide.

Each fact is checked on the stand-in, and on CuPy itself as far as it goes without a
device: an array of CuPy's may lie in any memory until something is to be computed.
"""

import numpy as np

X = np.arange(16, dtype=np.float32).reshape(4, 4)
HOST = np.ones((4, 4), np.float32)
REFUSED = (TypeError, ValueError)

# name: what is done to x, an array of the device like X; its result, or its exception.
FACTS = {
    "no unasked copy to the host": (lambda cp, x: np.asarray(x), TypeError),
    "no unasked copy of a list": (lambda cp, x: np.array([x, x]), TypeError),
    "x @ NumPy's": (lambda cp, x: x @ HOST, TypeError),
    "dot with NumPy's": (lambda cp, x: cp.dot(x, HOST), TypeError),
    "stack of NumPy's": (lambda cp, x: cp.stack([HOST, HOST]), TypeError),
    "ascontiguousarray of NumPy's": (
        lambda cp, x: cp.ascontiguousarray(HOST),
        TypeError,
    ),
    "broadcast of NumPy's": (lambda cp, x: cp.broadcast_to(HOST, (2, 4, 4)), TypeError),
    "NumPy's array assigned": (lambda cp, x: x.__setitem__(..., HOST), REFUSED),
    "NumPy's array assigned to a row": (
        lambda cp, x: x.__setitem__(0, HOST[0]),
        REFUSED,
    ),
    "a result of another type": (
        lambda cp, x: cp.dot(x, x[:, :2], out=x.view(np.float64)),
        ValueError,
    ),
    "a result with gaps": (
        lambda cp, x: cp.dot(x, x[:, :2], out=x[:, ::2]),
        ValueError,
    ),
    "one number is a view": (lambda cp, x: bool(cp.may_share_memory(x, x[0, 0])), True),
    "a row that isn't there": (lambda cp, x: x[4], IndexError),
    "no index": (lambda cp, x: range(x[0, 0]), TypeError),
    "no key": (lambda cp, x: hash(x), TypeError),
    "no length": (lambda cp, x: len(x[0, 0]), TypeError),
    "nothing to iterate over": (lambda cp, x: list(x[0, 0]), TypeError),
    "0-d arrays": (lambda cp, x: isinstance(x[0, 0], cp.ndarray), True),
    "itself in its type": (lambda cp, x: x.astype(np.float32, copy=False) is x, True),
    "itself if contiguous": (lambda cp, x: cp.ascontiguousarray(x) is x, True),
    "a transpose has gaps": (lambda cp, x: x.T.flags.c_contiguous, False),
    "columns have gaps": (lambda cp, x: x[:, :2].flags.c_contiguous, False),
    "rows have no gaps": (lambda cp, x: x[1:3].flags.c_contiguous, True),
    "an address": (lambda cp, x: x[1:].data.ptr - x.data.ptr, 16),
    "a view of a row": (lambda cp, x: x[1].reshape(2, 2).flags.c_contiguous, True),
}

# As arguments of a kernel: the type in which CuPy passes it, or its exception.
NUMBERS = [
    (True, "bool"),
    (1, "int64"),
    (1.5, "float64"),
    (np.bool_(True), "bool"),
    (np.float32(1), "float32"),
    (np.float64(1), "float64"),
    (np.int64(1), "int64"),
    (np.uint32(1), "uint32"),
    ("1", TypeError),
    (type("Float", (float,), {})(1), TypeError),
]


def outcome(function, *arguments):
    """Return a function's result, or the class of the exception that it raises."""
    try:
        return function(*arguments)
    except Exception as error:
        return type(error)


def agrees(found, expected):
    """Tell whether an outcome is the one expected, or one of the exceptions."""
    if isinstance(found, type) and issubclass(found, Exception):
        return issubclass(found, expected)
    return found == expected
