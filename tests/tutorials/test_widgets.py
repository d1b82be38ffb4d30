"""Every control of every chapter is moved, as a reader would in a notebook."""

import re
import time
from contextlib import suppress

import numpy as np
import pytest
from matplotlib import pyplot

from tutorials import drag, notebooks, show

pytestmark = pytest.mark.slow
DRAG = re.compile(r"^drag\(", re.M)
SECONDS = 1.0  # of the processor for a change


class SeenAllError(Exception):
    """Raised after a chapter's last call of drag."""


@pytest.fixture
def run(monkeypatch):
    """Return a function that runs a chapter up to its last drag, for its panels."""

    def run(chapter):
        text, panels = chapter.read_text(encoding="utf-8"), []

        def seen(draw, alt, size, **controls):
            panels.append((drag.panel(draw, alt, size, controls), controls))
            if len(panels) == len(DRAG.findall(text)):
                raise SeenAllError

        monkeypatch.setattr(show, "picture", lambda figure, alt: pyplot.close(figure))
        monkeypatch.setattr(drag, "drag", seen)
        with suppress(SeenAllError):
            exec(compile(text, chapter, "exec"), {"__name__": chapter.stem})
        return panels

    return run


CHAPTERS = [
    pytest.param(chapter, id=chapter.stem)
    for chapter in notebooks.chapters()
    if DRAG.search(chapter.read_text(encoding="utf-8"))
]


def test_these_chapters_have_something_to_drag():
    found = [param.id[:2] for param in CHAPTERS]
    assert found == ["01", "05", "06", "07", "08", "09", "12"]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_control_changes_the_picture_in_time(chapter, run):
    for panel, controls in run(chapter):
        drawing, *rows = panel.children
        seconds = []
        for row, (name, values) in zip(rows, controls.items(), strict=True):
            control, start, seen = row.children[0], row.children[0].value, set()
            assert control.description == name
            for value in [*values[::3], values[-1]]:
                began = time.process_time()
                control.value = value
                seconds.append(time.process_time() - began)
                assert f"{name} = {drag.label(value)}" in drawing.value
                seen.add(re.search('base64,(.*?)"', drawing.value)[1])
            control.value = start
            assert len(seen) > 1, f"{name} changes nothing"
        assert np.median(seconds) < SECONDS
        print(f"{chapter.stem}: {np.median(seconds):.2f} s, {max(seconds):.2f} at most")
