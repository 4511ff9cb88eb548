"""Styles and scripts, served by us and named by their content, so that they are kept for ever."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib import resources

from flask import Flask, Response, abort

_KINDS = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOREVER = "public, max-age=31536000, immutable"


def register(console: Flask) -> None:
    """Add the route."""

    @console.get("/console/assets/<digest>/<name>")
    def asset(digest: str, name: str) -> Response:
        """One file; the digest in its path changes with it."""
        if name not in _KINDS or digest != _digest(name):
            abort(404)
        return Response(
            _content(name), content_type=_KINDS[name], headers={"Cache-Control": _FOREVER}
        )


def path_of(name: str) -> str:
    """The path of a file, as a page names it."""
    return f"/console/assets/{_digest(name)}/{name}"


@cache
def _content(name: str) -> bytes:
    return resources.files("smsgate.web.console").joinpath("assets", name).read_bytes()


@cache
def _digest(name: str) -> str:
    return sha256(_content(name)).hexdigest()[:12]
