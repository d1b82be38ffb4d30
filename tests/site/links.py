"""Check that all links of a built site have a target, and that it needs no other host.

    python -m tests.site.links build/site

It reads pages and stylesheets. Scripts are tested in a browser.
"""

import re
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

IN_CSS = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s;]+)""")
LOADING = "src", "poster", "data"


class Page(HTMLParser):
    """A page's anchors, its links, and the addresses that a browser loads unasked."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = {"", "top"}
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = {name: value or "" for name, value in attrs}
        self.anchors.add(named.get("id", ""))
        self.loads += [named[name] for name in LOADING if name in named]
        self.loads += IN_CSS.findall(named.get("style", ""))
        if "srcset" in named:
            self.loads += [part.split()[0] for part in named["srcset"].split(",")]
        if "href" in named:
            (self.loads if tag == "link" else self.links).append(named["href"])


@cache
def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def problems(site: Path) -> list[str]:
    """Return a line for each link without a target and each foreign request."""
    found: list[tuple[Path, str, str]] = []
    for path in site.rglob("*.html"):
        found += [(path, link, load(path, link)) for link in page(path).loads]
        found += [(path, link, lead(path, link)) for link in page(path).links]
    for path in site.rglob("*.css"):
        links = IN_CSS.findall(path.read_text(encoding="utf-8"))
        found += [(path, link, load(path, link)) for link in links]
    return sorted({f"{path}: {link} {wrong}" for path, link, wrong in found if wrong})


def load(path: Path, link: str) -> str:
    """Return what is wrong with an address that a page loads; "" if nothing is."""
    parts = urlsplit(link)
    if parts.scheme == "data":
        return ""
    return "is of another host" if parts.scheme or parts.netloc else lead(path, link)


def lead(path: Path, link: str) -> str:
    """Return what is wrong with a link within the site; "" if nothing is."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return ""
    target = path.parent / unquote(parts.path) if parts.path else path
    if not target.is_file():
        return "leads nowhere"
    if target.suffix == ".html" and unquote(parts.fragment) not in page(target).anchors:
        return "has no such anchor"
    return ""


def main(site: str) -> None:
    """Print all problems, and fail if there are any."""
    sys.exit("\n".join(problems(Path(site))) or 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
