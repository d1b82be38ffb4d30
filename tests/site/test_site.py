"""The site that `make docs` has built, as readers meet it: from file://, offline."""

import json
from pathlib import Path
from runpy import run_path

import pytest

from tests.site.links import problems

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
SIZES = {"light": (1280, 800), "dark": (360, 740)}

GOOD = """<a href="b.html#there">b</a> <a href="https://example.org">out</a>
<a href="#">up</a> <img src="data:image/png;base64,AA">
<link rel="stylesheet" href="a.css">"""


def small_site(folder, text):
    (folder / "a.html").write_text(text)
    (folder / "a.css").write_text("@font-face { src: url(b.html) }")
    (folder / "b.html").write_text('<p id="there">')
    return folder


def test_a_good_site_has_no_problems(tmp_path):
    assert problems(small_site(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<a href="c.html">', "c.html leads nowhere"),
        ('<a href="b.html#here">', "b.html#here has no such anchor"),
        ('<a href="#here">', "#here has no such anchor"),
        ('<img src="c.png">', "c.png leads nowhere"),
        ('<img src="https://example.org/c.png">', "is of another host"),
        ('<script src="//example.org/c.js"></script>', "is of another host"),
        ('<link rel="icon" href="https://example.org/c.ico">', "is of another host"),
        ('<img srcset="http://example.org/c.png 2x">', "is of another host"),
        ('<p style="background: url(http://example.org)">', "is of another host"),
    ],
)
def test_each_problem_of_a_site_is_named(tmp_path, text, said):
    [problem] = problems(small_site(tmp_path, text))
    assert problem.endswith(said)


def test_a_stylesheet_that_fetches_is_named(tmp_path):
    small_site(tmp_path, GOOD)
    (tmp_path / "a.css").write_text('@import "https://example.org/c.css"')
    [problem] = problems(tmp_path)
    assert "a.css: https://example.org/c.css is of another host" in problem


@pytest.fixture(params=SIZES)
def opened(request, browser):
    """Open a page of the site in one of two looks; no request may leave the machine."""
    if not (SITE / "index.html").exists():
        pytest.skip("make docs hasn't built the site")
    width, height = SIZES[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=request.param
    )
    asked, errors = [], []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(error))

    def go(path):
        page.goto(f"{SITE.as_uri()}/{path}")
        return page

    yield go
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert errors == []


def pages():
    found = {path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html")}
    return sorted(found - {"index.html"})  # it leads to docs/index.html at once


@pytest.mark.slow
def test_pages_are_accessible_and_fit_the_screen(opened):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = {}
    for path in pages():
        page = opened(path)
        seen = {"exclude": [["details .highlight"]]}  # code, as elsewhere
        for violation in axe.run(page, seen).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                target = json.dumps(violation["nodes"][0]["target"])
                found[path, violation["id"]] = len(violation["nodes"]), target
        sideways = "document.documentElement.scrollWidth - innerWidth"
        if page.evaluate(sideways) > 0:
            found[path, "scrolls sideways"] = page.evaluate(sideways)
    assert found == {}


@pytest.mark.slow
def test_the_first_page_is_found_and_formulas_have_their_fonts(opened):
    page = opened("index.html")
    page.wait_for_url("**/docs/index.html")
    page = opened("tutorials/notebooks/06_the_input_gradient_and_fgsm.html")
    assert page.locator(".katex-display").count() > 2
    loaded = "[...document.fonts].filter(f => f.status == 'loaded').map(f => f.family)"
    assert "KaTeX_Main" in page.evaluate(loaded)


@pytest.mark.slow
def test_the_page_that_runs_stands_first(opened):
    page = opened("docs/index.html")
    part = page.frame_locator(".playground")
    if page.viewport_size["width"] < 400:  # there is no room for a page in a page
        page.locator("a.phone").click()
        page.wait_for_url("**/playground.html")
        part = page
    part.locator("#verdict", has_text="The committee reads this").wait_for()
    part.locator("#code-card summary").click()
    part.get_by_role("link", name="6. One step").click()
    page.wait_for_url("**/notebooks/06_the_input_gradient_and_fgsm.html")


@pytest.mark.slow
def test_search_works_without_a_server(opened):
    page = opened("search.html?q=Winograd")
    found = page.locator("#search-results a", has_text="Three speeds")
    found.first.wait_for()
    found.first.click()
    page.wait_for_url("**/10_three_speeds.html**")


def test_a_chapter_says_how_to_run_it():
    pytest.importorskip("sphinxcontrib.katex")
    run_it = run_path(str(ROOT / "docs/conf.py"))["run_it"]
    page = "tutorials/notebooks/01_one_neuron"
    offline = run_it(page, "")
    assert "python tutorials/01_one_neuron.py" in offline
    assert "https:" not in offline
    both = run_it(page, "https://example.org/a/b")
    assert "python tutorials/01_one_neuron.py" in both
    assert "git/https%3A%2F%2Fexample.org%2Fa%2Fb/HEAD?labpath=tutorials%2Fnote" in both
