"""Standard output and error whose failure doesn't end a program or lose its results.

A character that the output can't encode is written as its number. If the reader stops
early (`| head`), or the disk is full, the rest is dropped and the work goes on.
"""

import errno
import io
import sys
from typing import Any


class Output(io.FileIO):
    """The file of a standard stream; it keeps its first error instead of raising it."""

    error: OSError | None = None

    def write(self, data: Any, /) -> int | None:  # type: ignore[override]
        """Write, or drop what can't be written."""
        if self.error is None:
            try:
                return super().write(data)
            except OSError as error:
                self.error = error
        return len(data)


def keep_writing() -> None:
    """Let writing to the process's own standard streams always succeed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        own = stream is not None and stream is getattr(sys, f"__{name}__")
        if own and isinstance(stream, io.TextIOWrapper):  # else a test's or notebook's
            stream.reconfigure(errors="backslashreplace")
            if not stream.isatty():
                setattr(sys, name, lasting(stream))


def lasting(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """Return a stream to the same file that keeps its first error."""
    file: Any = Output(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        stream.encoding,
        stream.errors,
        line_buffering=stream.line_buffering,
    )


def lost() -> OSError | None:
    """Return the error, if any, that kept standard output from being written."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return None
    sys.stdout.flush()
    raw = getattr(sys.stdout.buffer, "raw", None)
    return raw.error if isinstance(raw, Output) else None


def nobody_reads(error: OSError) -> bool:
    """Return whether the reader has closed the output, as `head` does."""
    return error.errno in (errno.EPIPE, errno.EINVAL)  # the latter on Windows
