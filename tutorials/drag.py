"""An interactive picture that is drawn again whenever a setting changes.

In a notebook, each setting has a control below the picture. A script, a page, or a
notebook without ipywidgets shows a still picture of three settings instead.
"""

import importlib.util
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from tutorials.plots import empty_figure, in_notebook
from tutorials.show import html_of, picture, png_of

Draw = Callable[..., None]  # (figure, **settings)
Controls = Mapping[str, Sequence[Any]]  # the values of each setting
Size = tuple[float, float]  # width and height of one drawing, in inches


def drag(draw: Draw, text: str, size: Size, **controls: Sequence[Any]) -> None:
    """Show the picture of `draw(figure, **settings)`, with a control for each setting.

    A control goes through the values given for it, and starts at the default of draw's
    argument. `text` describes the picture. The still picture shows the first control at
    its first, middle and last value, and the others at their starts. The repository's
    notebooks have it: MINIDL_PICTURES=still asks for it.
    Raises ValueError without controls, or for one that isn't an argument of draw.
    """
    if not controls:
        raise ValueError("drag needs a control, such as eps=[0.0, 0.1, 0.2]")
    still = os.environ.get("MINIDL_PICTURES") == "still"
    if still or not in_notebook() or importlib.util.find_spec("ipywidgets") is None:
        picture(three_settings(draw, size, controls), text)
    else:
        display: Any = import_module("IPython.display")
        display.display(panel(draw, text, size, controls))


def three_settings(draw: Draw, size: Size, controls: Controls) -> Any:
    """Return a figure of three drawings, one below the other."""
    name, values = next(iter(controls.items()))
    chosen = values[0], values[len(values) // 2], values[-1]
    width, height = size
    figure = empty_figure(width, 3 * height)
    settings = starts(draw, controls)
    for part, value in zip(figure.subfigures(3), chosen, strict=True):
        part.suptitle(f"{name} = {label(value)}", x=0.01, ha="left", weight="bold")
        draw(part, **{**settings, name: value})
    return figure


def panel(draw: Draw, text: str, size: Size, controls: Controls) -> Any:
    """Return the drawing with its controls below it."""
    widgets: Any = import_module("ipywidgets")
    drawing = widgets.HTML()
    start = starts(draw, controls)
    moved = {name: control(name, v, start[name]) for name, v in controls.items()}

    def redraw(change: Any = None) -> None:
        settings = {name: one.value for name, one in moved.items()}
        figure = empty_figure(*size)
        draw(figure, **settings)
        now = ", ".join(f"{name} = {label(value)}" for name, value in settings.items())
        drawing.value = html_of(png_of(figure), f"{text} Here: {now}.")

    for one in moved.values():
        one.observe(redraw, "value")
    redraw()
    return widgets.VBox([drawing, *(with_buttons(one) for one in moved.values())])


def control(name: str, values: Sequence[Any], start: Any) -> Any:
    """Return buttons for names, or a slider for numbers."""
    widgets: Any = import_module("ipywidgets")
    names = isinstance(start, str)
    kind = widgets.ToggleButtons if names else widgets.SelectionSlider
    options = [(label(value), value) for value in values]
    return kind(description=name, options=options, value=start)


def with_buttons(control: Any) -> Any:
    """Return a control between two buttons, which step one value back or forward."""
    widgets: Any = import_module("ipywidgets")

    def button(sign: str, way: str, by: int) -> Any:
        def go(_: Any) -> None:
            last = len(control.options) - 1
            control.index = min(max(control.index + by, 0), last)

        pressed = widgets.Button(
            description=sign,
            tooltip=f"{control.description}: {way}",
            layout=widgets.Layout(width="44px"),
        )
        pressed.on_click(go)
        return pressed

    back, forward = button("◀", "back", -1), button("▶", "forward", 1)
    return widgets.HBox([control, back, forward])


def starts(draw: Draw, controls: Controls) -> dict[str, Any]:
    """Return each control's start, the default of draw's argument.

    Raises ValueError if there is no such argument, or its default isn't a value.
    """
    arguments = inspect.signature(draw).parameters
    found = {n: arguments[n].default if n in arguments else None for n in controls}
    for name, values in controls.items():
        if found[name] not in values:
            raise ValueError(
                f"{name} must be an argument of {draw.__name__} and its default one of "
                f"{values}, got {found[name]!r}"
            )
    return found


def label(value: Any) -> str:
    """Return a setting's value in words."""
    return f"{value:g}" if isinstance(value, float) else str(value)
