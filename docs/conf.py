"""Sphinx's settings of the site that `make docs` builds.

Its pages are the repository's own: Markdown, executed notebooks, and docstrings.
"""

import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sphinx.application import Sphinx
from sphinxcontrib import katex

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]
SETUP = (ROOT / "setup.py").read_text(encoding="utf-8")
[REPOSITORY] = re.findall('^REPOSITORY = "(.*)"$', SETUP, re.M)

# The source folder is the repository, so that links between its files are the site's.
project = "minidl"
root_doc = "docs/index"
include_patterns = [
    "docs/**.md",
    "tutorials/notebooks/*.ipynb",
    "tutorials/**.md",
    "results/**.md",
    *("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
]
exclude_patterns = ["results/*-quick", "results/*-smoke"]
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinxcontrib.katex",
    "reference",
]

nb_execution_mode = "off"
nb_merge_streams = True
nb_ipywidgets_js: dict[str, str] = {}  # would be fetched
myst_enable_extensions = ["dollarmath", "html_image"]
myst_heading_anchors = 3

katex_prerender = True
katex_css_path = "katex/katex.min.css"
katex.KATEX_DEFAULT_OPTIONS.update(throwOnError=True)
# Its server's socket in the file system can be found before it listens; a port is tried
# again. On a busy machine seconds are few.
katex.KaTeXServer.start_server_process = katex.KaTeXServer.start_network_socket
katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = 60

default_role = "py:obj"
autodoc_member_order = "bysource"
python_use_unqualified_type_names = True
maximum_signature_line_length = 68

html_theme = "furo"
html_title = "minidl"
html_static_path = ["static", str(ROOT / "build/static")]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_extra_path = ["redirect", str(ROOT / "build/extra")]
html_domain_indices = False
html_copy_source = False
html_show_copyright = False

PARAMETERS = re.compile(r'<dl>\s*((?:<dd><em class="sig-param">.*?</dd>\s*)+)</dl>')


def setup(app: Sphinx) -> None:
    """Let Sphinx call the two functions below for each page."""
    app.connect("source-read", folders)
    app.connect("html-page-context", finish, priority=900)


def folders(app: Sphinx, page: str, source: list[str]) -> None:
    """Let links to folders lead to their README, or leave the text alone."""
    here = Path(app.env.doc2path(page)).parent

    def replaced(link: re.Match[str]) -> str:
        text, target = link.groups()
        if not (here / target).is_dir():
            return link[0]
        readme = f"{target}/README.md"
        return f"[{text}]({readme})" if (here / readme).exists() else text

    source[0] = re.sub(r"\[([^]]+)\]\(([\w./-]+)\)", replaced, source[0])


def finish(app: Sphinx, page: str, template: str, context: dict[str, Any], _: Any):
    """Say in each chapter how to run it; mend what screen readers stumble over."""
    body = context.get("body", "")
    if page.startswith("tutorials/notebooks/"):
        body = body.replace("</h1>", f"</h1>{run_it(page, REPOSITORY)}", 1)
    context["body"] = PARAMETERS.sub(spans, body)
    tree = context.get("furo_navigation_tree", "")
    level = 'role="heading" aria-level="2"'
    context["furo_navigation_tree"] = tree.replace('role="heading"', level)


def spans(parameters: re.Match[str]) -> str:
    """Turn Sphinx's list of parameters, which defines nothing, into plain elements."""
    text = parameters[1].replace("<dd>", '<span class="parameter">')
    return f"<span>{text.replace('</dd>', '</span>')}</span>"


def run_it(page: str, repository: str) -> str:
    """Return how to run a chapter here and, if the repository has an address, there."""
    chapter = page.rpartition("/")[2]
    here = f"""Offline: <code>python tutorials/{chapter}.py</code> in
        <a href="../../docs/index.html#install">a clone</a>."""
    if not repository:
        return f'<p class="run">{here}</p>'
    address = f"https://mybinder.org/v2/git/{quote(repository, safe='')}/HEAD"
    target = f"{address}?labpath={quote(page, safe='')}.ipynb"
    return (
        f'<p class="run"><a class="button" href="{target}">Run in Binder</a> {here}</p>'
    )
