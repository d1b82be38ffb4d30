"""How long the page takes from a click to the changed picture, as medians.

    python -m tests.tutorials.playground.times

BIM with 8 steps on all ten networks. Pages are asked to take 200 ms, and 700 ms on a
processor that is slowed down four times.
"""

import tempfile
from pathlib import Path
from shutil import which
from statistics import median

from playwright.sync_api import Page, sync_playwright

from tutorials.playground.page import write_page

CLICKS = 21
CLICK = """async (by) => {
  const image = document.getElementById("attacked"), before = image.toDataURL();
  const button = document.querySelector(`[data-by="${by}"][name=eps]`);
  const start = performance.now();
  button.click();
  do await new Promise(requestAnimationFrame); while (image.toDataURL() === before);
  return performance.now() - start;
}"""


def milliseconds(page: Page, throttling: int) -> list[float]:
    """Return the times of some clicks on a processor slowed down so many times."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": throttling})
    return [page.evaluate(CLICK, [1, -1][i % 2]) for i in range(CLICKS)]


def main() -> None:
    """Print the medians."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        file = Path(folder) / "playground.html"
        write_page(file)
        browser = started.chromium.launch(
            executable_path=which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{file.as_uri()}#level=0&eps=15&lock=digit")
        page.wait_for_timeout(1000)
        for throttling, allowed in (1, 200), (4, 700):
            times = milliseconds(page, throttling)
            print(
                f"{throttling}x: median {median(times):.0f} ms of {CLICKS} clicks, "
                f"{min(times):.0f} to {max(times):.0f} (at most {allowed} wanted)"
            )
        browser.close()


if __name__ == "__main__":
    main()
