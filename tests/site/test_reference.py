"""Docstrings as the site's reference shows them."""

import importlib
from pathlib import Path

import pytest

import attacks
import minidl
from tests.site.links import Page

pytest.importorskip("sphinx", reason="make docs installs what the site needs")
ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.stem for path in (ROOT / "docs/api").glob("*.md"))


@pytest.fixture(scope="module")
def reference():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield importlib.import_module("reference")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("|r| <= eps, x_i * y", r"\|r\| <= eps, x\_i \* y"),
        ("As `pgd_perturb` does.", "As `pgd_perturb` does."),
        ("One.\nShapes: x (N,),\ny (N,).", "One.\n\n:Shapes: x (N,), y (N,)."),
        ("One. Raises ValueError.", "One.\n\n:Raises: ValueError."),
        ("Shapes: x. Raises\nit.", ":Shapes: x.\n\n:Raises: it."),
        ("It raises ValueError.", "It raises ValueError."),
        ("Source: Zeiler, 2012.", ":Source: Zeiler, 2012."),
        ("Then\n\n    a_i = b", "Then\n\n.. code-block:: text\n\n    a_i = b"),
        (
            "|a|b|\n|-|-|\n|`c`|d|".replace("-", "--"),
            ".. csv-table::\n   :delim: |\n   :header-rows: 1\n\n   a|b\n   `c`|d",
        ),
    ],
)
def test_a_docstring_becomes_rst(reference, text, shown):
    assert reference.rst(text) == shown


@pytest.mark.parametrize(
    ("what", "obj", "shown"),
    [
        ("function", attacks.sum_gradient, "members: Iterable[Sequential]"),
        ("function", attacks.fgsm, "gradient: GradientFn, x: Array, y: Array, eps"),
        ("class", minidl.Dropout, "(rate: float)"),
        ("class", minidl.Flatten, "()"),
        ("class", attacks.Counter, "()"),
        ("method", minidl.Dropout.backward, "(dout: Array)"),
    ],
)
def test_a_signature_has_the_words_of_the_source(reference, what, obj, shown):
    args, result = reference.signature(None, what, "", obj, None, "", "")
    assert shown in args
    assert bool(result) == (what != "class")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_page_has_each_public_name_once(reference, name):
    package = importlib.import_module(name)
    lines = "\n".join(reference.sections(package)).splitlines()
    for public in getattr(package, "__all__", reference.own_functions(package)):
        assert sum(line.endswith(f":: {public}") for line in lines) == 1, public


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKAGES)
def test_each_public_name_can_be_linked(name):
    built = ROOT / f"build/site/docs/api/{name}.html"
    if not built.exists():
        pytest.skip("make docs hasn't built the site")
    anchors = Page(built.read_text(encoding="utf-8")).anchors
    public = getattr(importlib.import_module(name), "__all__", [])
    assert {f"{name}.{public}" for public in public} <= anchors
