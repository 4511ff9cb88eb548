"""What all pages share: the way to the others, and the headers that keep them to themselves."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One place in the menu."""

    name: str
    path: str
    role: str
    """The least that an operator must be to see it."""
    key: str
    """With ``g`` before it, the keys that lead there."""


PAGES = (
    Page("Home", "/console/", "viewer", "h"),
    Page("Numbers", "/console/numbers", "viewer", "n"),
    Page("Review", "/console/review", "viewer", "r"),
    Page("Keywords", "/console/keywords", "viewer", "k"),
    Page("Simulator", "/console/simulator", "agent", "s"),
    Page("Lists", "/console/lists", "agent", "l"),
    Page("Replies", "/console/replies", "viewer", "o"),
    Page("Setup", "/console/setup", "viewer", "c"),
    Page("Guide", "/console/guide", "viewer", "u"),
    Page("People", "/console/people", "admin", "p"),
)


def guard(answer: Response) -> Response:
    """Let no browser, proxy or search engine keep, frame or tell of a page."""
    answer.headers.extend(HEADERS)
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer
