"""The page as one file: page.html with scripts, networks, digits and numbers."""

import base64
import html
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attacks.evaluation.intervals import wilson
from minidl.store import read_json
from minidl.store.files import write_text
from tutorials.playground.content import ADDRESS, CHAPTERS, CODE, LAYERS, LINK, LOCKS
from tutorials.playground.networks import stored

HERE = Path(__file__).parent
NUMBERS = HERE / "numbers.json"


def write_page(path: Path, address: str = ADDRESS) -> None:
    """Write the page to a file."""
    write_text(path, build_page(address))


def build_page(address: str = ADDRESS) -> str:
    """Return the page as HTML."""
    numbers = read_json(NUMBERS)
    parts = {
        **controls(),
        "chapters": "".join(
            f'<a href="{address.format(file)}" target="_top">{title}</a>'
            for file, title in CHAPTERS.items()
        ),
        "code": "".join(map(code_line, CODE)),
        "accuracies": in_words(numbers["accuracies"]),
        "data": to_script(numbers),
        "engine": (HERE / "engine.js").read_text(encoding="utf-8"),
        "app": (HERE / "app.js").read_text(encoding="utf-8"),
    }
    page = (HERE / "page.html").read_text(encoding="utf-8")
    for name, part in parts.items():
        page = page.replace("{{" + name + "}}", part)
    return page


def in_words(found: dict[str, dict[str, float]]) -> str:
    """Return the accuracies as a sentence for the page's footer."""
    low, high = wilson(found["plain"]["together"], 10_000)[1:]
    return (
        f"On MNIST's 10,000 test images one network is right in "
        f"{found['plain']['int8']:.1%} and ten together in "
        f"{found['plain']['together']:.1%} [{low:.1%}, {high:.1%}]; trained on noise, "
        f"{found['noise']['int8']:.1%} and {found['noise']['together']:.1%}."
    )


def to_script(numbers: dict[str, Any]) -> str:
    """Return networks, digits and the numbers about them as JSON."""
    arrays = stored()
    content = {
        "weights": base64.b64encode(arrays["q"].tobytes()).decode(),
        "scales": arrays["scales"].tolist(),
        "images": base64.b64encode(arrays["x"].tobytes()).decode(),
        "labels": arrays["y"].tolist(),
        **numbers,
        "start": {name: start for name, (start, _) in LINK.items()} | numbers["start"],
        "patterns": {name: pattern for name, (_, pattern) in LINK.items()},
    }
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def controls() -> dict[str, str]:
    """Return the parts of the page that repeat, by their names in page.html."""
    labels = stored()["y"]
    return {
        "tiles": "".join(map(tile, range(10))),
        "guesses": "".join(f'<button data-guess="{n}">{n}</button>' for n in range(11)),
        "thumbs": "".join(
            f'<button data-digit="{i}" aria-label="Digit {i + 1}, a {y}">'
            "<canvas></canvas></button>"
            for i, y in enumerate(labels)
        ),
        "whose": options(f"network {i + 1} only (Adv. 1)" for i in range(10)),
        "members": options(i + 1 for i in range(10)),
        "digits": options(range(10)),
        "layers": options(LAYERS),
        "locks": "".join(
            f'<label class="check"><input type="checkbox" name="{name}">{words}</label>'
            for name, words in LOCKS.items()
        ),
    }


def tile(i: int) -> str:
    """Return the button of a network."""
    return (
        f'<li><button class="tile" data-tile="{i}"><span class="name">{i + 1}</span>'
        '<span class="seen"></span><span class="bar"><i></i></span>'
        '<span class="sure"></span><canvas></canvas></button></li>'
    )


def options(words: Iterable[object]) -> str:
    """Return the options of a list; the value of each is its number."""
    return "".join(f'<option value="{i}">{w}</option>' for i, w in enumerate(words))


def code_line(line: tuple[str, str]) -> str:
    """Return a line of Python as HTML, with places for the current numbers."""
    text, needs = html.escape(line[0], quote=False), line[1]
    shown = text.replace("{", '<b data-show="').replace("}", '"></b>')
    condition = f' data-if="{needs}"' if needs else ""
    return f"<span{condition}>{shown}\n</span>"
