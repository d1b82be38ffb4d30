"""What CuPy has: its functions and methods, with the arguments that they take.

    python -m tests.gpu.cupy_names     writes cupy_names.json from the CuPy installed

so that the stand-in, which runs without CuPy, accepts no call that CuPy would refuse.
"""

import inspect
import json
import re
from pathlib import Path

FILE = Path(__file__).with_name("cupy_names.json")
# Elementwise functions are objects without a signature.
UFUNC = "*args, out=None, dtype=None, casting=None"


def snapshot(cupy):
    """Return {"functions": {name: parameters}, "methods": ..., "attributes": [...]}."""
    names = [name for name in dir(cupy) if not name.startswith("_")]
    functions = {name: parameters(getattr(cupy, name)) for name in names}
    methods = {
        name: parameters(getattr(cupy.ndarray, name))
        for name in dir(cupy.ndarray)
        if not name.startswith("_")
    }
    return {
        "cupy": cupy.__version__,
        "functions": {name: p for name, p in functions.items() if p is not None},
        "methods": {name: p for name, p in methods.items() if p is not None},
        "attributes": sorted(
            {name for name, p in {**functions, **methods}.items() if p is None}
        ),
    }


def parameters(thing):
    """Return a callable's parameters as in a def, None for anything else."""
    if type(thing).__name__ == "ufunc":
        return UFUNC
    if isinstance(thing, type) or inspect.ismodule(thing) or not callable(thing):
        return None
    try:
        return plain(inspect.signature(thing))
    except ValueError:  # compiled: the first line of its description is its signature
        first = (thing.__doc__ or "").partition("\n")[0]
        found = re.search(r"\((.*)\)", first)
        return simplified(found.group(1)) if found else "*args, **kwargs"


def plain(signature):
    """Return a signature's parameters without types, each default being None."""
    return simplified(
        str(signature)[1:-1].rpartition(") ->")[0] or str(signature)[1:-1]
    )


def simplified(text):
    """Return parameters without types, each default being None: "a, out=None"."""
    found = []
    for part in re.split(r",\s*(?![^\[(<]*[\])>])", text):
        name = re.split(r"[:=]", part)[0].strip().split(" ")[-1]
        has_default = "=" in part and not name.startswith("*")
        if name and name != "self":
            found.append(f"{name}=None" if has_default else name)
    return ", ".join(found)


def write():
    """Write the names and arguments of the CuPy installed."""
    import cupy

    text = json.dumps(snapshot(cupy), indent=0, sort_keys=True)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
