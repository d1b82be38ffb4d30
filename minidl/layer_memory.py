"""What a layer remembers between forward and backward, separately for each thread."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Self, TypeAlias

from minidl.backend import Array
from minidl.checks import check_floats
from minidl.layer_passes import Latest, runs_again
from minidl.layers.parameter import Parameter, place


class Run(NamedTuple):
    """What a layer keeps of one forward pass.

    A memory can be recalled as often as wanted, but only once if an earlier run's in
    the same pass of a network is lost: its `backward` would get this one.
    """

    where: Any  # the output's shape, type and device
    what: Any  # the derivative needs
    lost: bool  # is the memory of an earlier run that nobody has recalled
    recalled: bool = False


def loses(before: Run | None, what: Any, learns: bool) -> bool:
    """Return whether a layer that runs again loses what its run before still needs.

    It doesn't if that was recalled already, or if it is the same object or shape and
    there are no parameters, whose gradient would be that of one run.
    """
    if before is None:  # a network has freed it
        return True
    shape = isinstance(what, tuple) and all(type(n) is int for n in what)
    same = before.what is what or (shape and before.what == what)
    return before.lost or not (before.recalled or (same and not learns))


class Remembers:
    """A layer's memory of each thread's latest forward pass; a copy starts empty."""

    __slots__ = ("_memory",)  # unlike an attribute, a slot is not copied along
    _memory: Latest

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Return a layer that has seen no forward pass yet."""
        layer = super().__new__(cls)
        layer._memory = Latest()
        return layer

    def __getstate__(self) -> dict[str, Any]:
        return vars(self).copy()

    def remember(self, out: Array, what: Any) -> Array:
        """Keep what the derivative needs, for this thread; return out."""
        lost = runs_again(self._memory) and loses(
            self.latest, what, learns=bool(getattr(self, "params", ()))
        )
        self.latest = Run(place(out), what, lost)
        return out

    def recall(self, dout: Array) -> Any:
        """Return what this thread's latest `forward` kept.

        Raises RuntimeError if there was none, or if it ran twice in a pass and both are
        asked for. Raises ValueError if dout doesn't fit.
        """
        if self.latest is None:
            raise RuntimeError(
                f"backward of {self} needs a forward pass in the same thread first"
            )
        check_floats("dout", dout)
        where, what, lost, recalled = self.latest
        if lost and recalled:
            raise RuntimeError(
                f"{self} ran twice in one forward pass and remembers its last input "
                "alone: use two layers, or keep its memory of each run and restore it "
                "before its backward"
            )
        if place(dout) != where:
            raise ValueError(
                "dout must have the shape of the latest output, {} on the {}, got "
                "{} on the {}".format(*where, *place(dout))
            )
        self.latest = Run(where, what, lost, True)
        return what

    @property
    def latest(self) -> Any:
        """This thread's latest run: where its output is, and what was kept."""
        return self._memory.latest

    @latest.setter
    def latest(self, latest: Any) -> None:
        self._memory.latest = latest

    @property
    def memory(self) -> Any:
        """The latest forward pass of this layer and of all layers within it.

        Whoever restores it before `backward` may share the layer with others. A class
        whose `latest` holds that of the layers within says `memory = Layer.latest`.
        """
        return self.latest, memory_of(vars(self).values())

    @memory.setter
    def memory(self, memory: Any) -> None:
        latest, within = memory
        restore(within)
        self.latest = latest and latest._replace(lost=False)  # it is this run's own


Memory: TypeAlias = list[tuple[Remembers, Any]]  # of each layer


def memory_of(values: Iterable[Any]) -> Memory:
    """Return what all layers among values remember."""
    return [(layer, layer.memory) for layer in layers_in(values)]


def restore(memory: Memory) -> None:
    """Let all layers remember it again: others may have used them since."""
    for layer, kept in memory:
        layer.memory = kept
        if type(kept) is tuple:
            layer.latest, _ = kept  # as it was: an earlier run's may be lost


def and_within(layers: Iterable[Any]) -> Iterator[Any]:
    """Yield the layers, and all layers within them."""
    for layer in layers:
        yield layer
        yield from and_within(layers_in(vars(layer).values()))


def layers_in(values: Iterable[Any]) -> Iterator[Remembers]:
    """Yield all layers among values, and those in networks of other classes."""
    return (held for held in held_in(values) if isinstance(held, Remembers))


def shares(layer: Remembers) -> bool:
    """Return whether two different layers within hold the same parameter."""
    holders: dict[Parameter, Any] = {}
    return any(
        holders.setdefault(held, inner) is not inner
        for inner in and_within([layer])
        for held in held_in(vars(inner).values())
        if isinstance(held, Parameter)
    )


def held_in(values: Iterable[Any]) -> Iterator[Any]:
    """Yield all layers and parameters among values, in lists, tuples and dicts.

    Of networks of other classes, the attributes are searched, too.
    """
    for value in values:
        if isinstance(value, (Parameter, Remembers)):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from held_in(value)
        elif isinstance(value, dict):
            yield from held_in(value.values())
        elif hasattr(value, "forward") and hasattr(value, "backward"):
            yield from held_in(getattr(value, "__dict__", {}).values())
