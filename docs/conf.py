"""How Sphinx builds the documentation site; ``make docs`` runs it, with warnings as errors."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

from smsgate import __version__

sys.path.insert(0, str(Path(__file__).parent))

import generate_reference

project = "smsgate"
author = "the authors of smsgate"
release = __version__
extensions = ["myst_parser"]
nitpicky = True
# Anchors of headings as GitHub makes them, so that a link works in both places.
myst_heading_anchors = 4
# What comes from elsewhere has no place in the pages: they are read where there is no internet.
html_theme = "pydata_sphinx_theme"
html_title = "smsgate"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "use_edit_page_button": False,
    "navigation_with_keys": False,
}
copyright = "the authors of smsgate, MIT license"  # noqa: A001 - Sphinx's own name

GENERATED = {
    "reference-cli": generate_reference.commands,
    "reference-api": generate_reference.operations,
    "reference-configuration": generate_reference.settings,
}


MENU_PAGES = (
    "index", "how-to", "reference", "explanation", "providers/README", "decisions/README",
)  # fmt: skip
"""Pages that are lists of others: what their lists and tables begin with makes the site's menu."""
_LISTED = re.compile(r"(?m)^(?:- |\| )\[[^\]]*\]\(([\w/-]+)\.md\)")


_UPWARD = re.compile(r"\]\(((?:\.\./)+[\w/.-]+\.md)\)")


def offer_file(page: Path, link: re.Match[str]) -> str:
    """A link to Markdown outside this folder, which is no page, as one that downloads the file."""
    inside = (page.parent / link[1]).resolve().is_relative_to(Path(__file__).parent.resolve())
    return link[0] if inside else f"](path:{link[1]})"


def complete(app: Sphinx, page: str, source: list[str]) -> None:
    """Append what the code says to a page of the reference, and its menu to a page that lists."""
    path = Path(app.env.doc2path(page))
    source[0] = _UPWARD.sub(lambda link: offer_file(path, link), source[0])
    if page in GENERATED:
        source[0] += "\n" + GENERATED[page]()
    if page in MENU_PAGES:
        below = "\n".join(dict.fromkeys(_LISTED.findall(source[0])))
        source[0] += f"\n```{{toctree}}\n:hidden:\n\n{below}\n```\n"


def setup(app: Sphinx) -> None:
    """Complete each page while it is read, so that nothing generated is kept in docs/."""
    app.connect("source-read", complete)
