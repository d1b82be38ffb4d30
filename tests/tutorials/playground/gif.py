"""The page's moving picture at the top of the README.

python -m tests.tutorials.playground.gif    writes docs/playground.gif
"""

import io
import tempfile
from pathlib import Path
from shutil import which

from PIL import Image
from playwright.sync_api import sync_playwright

from minidl.store import read_json
from tutorials.playground.page import NUMBERS, write_page

FILE = Path(__file__).parents[3] / "docs" / "playground.gif"
SIZE, COLOURS = (600, 560), 48
LAST = int(read_json(NUMBERS)["start"]["eps"])  # as the page opens
EPS = [LAST, *range(0, LAST, 2)]  # the first frame is what a still picture shows
MILLISECONDS = [2600, 1200] + [260] * (len(EPS) - 2)


def frames() -> list[Image.Image]:
    """Return pictures of the page's upper part, one for each eps."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        write_page(file := Path(folder) / "playground.html")
        browser = started.chromium.launch(
            executable_path=which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": SIZE[0], "height": 900})
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.goto(file.as_uri())
        page.add_style_tag(content=".equation { max-width: 33rem !important }")
        pictures = []
        for eps in EPS:
            page.evaluate(f"location.hash = 'level=0&eps={eps}'")
            shown = f"at most {eps / 100:.2f}"
            page.wait_for_selector(f"#change-is:text-is('{shown}')")
            pictures.append(page.locator(".stage").screenshot())
        browser.close()
    return [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]


def main() -> None:
    """Write the picture in few colours, those of its first two frames."""
    pictures = frames()
    width, height = pictures[0].size
    both = Image.new("RGB", (width, 2 * height))
    both.paste(pictures[0])
    both.paste(pictures[1], (0, height))
    palette = both.quantize(COLOURS)
    first, *others = [p.quantize(palette=palette, dither=0) for p in pictures]
    first.save(
        FILE,
        save_all=True,
        append_images=others,
        duration=MILLISECONDS,
        loop=0,
        optimize=True,
    )
    print(f"{FILE} written, {FILE.stat().st_size / 1000:.0f} kB, {first.size}")


if __name__ == "__main__":
    main()
