"""How the opt-out page looks, and the headers that keep it to itself."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources

from flask import Response, render_template
from markupsafe import Markup

from smsgate.features.links.page_text import Texts

_CSS = (
    resources.files("smsgate.features.links")
    .joinpath("templates/optout_page.css")
    .read_text("utf-8")
)
_CSS_HASH = base64.b64encode(sha256(_CSS.encode()).digest()).decode("ascii")
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
"""The styles stand in the page, so that one request shows it; the policy knows them by hash."""


@dataclass(frozen=True, slots=True)
class Button:
    """One thing to press, and what the form then says."""

    name: str
    value: str
    label: str


def shown(
    texts: Texts,
    title: str,
    sentences: Sequence[str],
    first: Button | None = None,
    rest: Sequence[Button] = (),
    status: int = 200,
) -> Response:
    """A page in the language of the texts; everything in it is escaped by the template."""
    page = render_template(
        "optout_page.html",
        css=Markup(_CSS),  # noqa: S704 - our own file
        texts=texts,
        title=title,
        sentences=sentences,
        first=first,
        rest=rest,
    )
    answer = Response(page, status, content_type="text/html; charset=utf-8")
    answer.headers["Content-Language"] = texts.language
    answer.headers["Vary"] = "Accept-Language"
    return answer
