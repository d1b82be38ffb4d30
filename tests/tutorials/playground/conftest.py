"""The page in Chromium, opened from a file: any request or error fails the test."""

import pytest

from tutorials.playground.page import write_page

PHONE, SIDEWAYS, DESK = (360, 740), (740, 360), (1280, 800)


@pytest.fixture(scope="session")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "playground.html"
    write_page(path)
    return path


@pytest.fixture
def opened(browser, file):
    """Return a function that opens the page with a hash, a size and a look."""
    contexts, wrong = [], []

    def go(link="", size=DESK, **look):
        width, height = size
        viewport = {"width": width, "height": height}
        contexts.append(browser.new_context(viewport=viewport, **look))
        page = contexts[-1].new_page()
        page.set_default_timeout(120_000)  # a busy machine is slow, not wrong
        page.on("request", lambda r: wrong.append(r.url))
        page.on("pageerror", lambda error: wrong.append(error))
        page.goto(f"{file.as_uri()}{link}")
        assert wrong.pop(0) == file.as_uri()  # the page itself
        page.wait_for_function("document.getElementById('verdict').textContent")
        return page

    yield go
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def engine(opened):
    """Return a function that runs JavaScript on the page's engine and networks."""
    page = opened()
    page.evaluate(
        "window.nets = (({ weights, scales }) => engine.networks(weights, scales))"
        "(JSON.parse(document.getElementById('data').textContent))"
    )
    return page.evaluate
