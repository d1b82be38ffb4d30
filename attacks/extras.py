"""Optional packages, imported only when a function that needs them is called."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(package: str, name: str) -> Iterator[None]:
    """Import parts of a package, without warnings, or say which extra installs it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{package} is missing (no module {error.name}): "
            f"pip install 'minidl[{name}]'"
        ) from None
