"""Where to return after sign-in: always a path of the console.

It comes from the address of a page, from the form of one (the field ``page``), or from a link to
the page for signing in. Any of them may be forged, so only what ``own_path`` lets through is used.
"""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import quote, unquote, urlsplit

from flask import current_app, request
from werkzeug.exceptions import HTTPException

HOME = "/console/"
_LONGEST = 500
"""Longest path in characters: the path is kept in a cookie, and a longer one is ignored."""
_OWN = re.compile(r"/console/[!-\[\]-~]*", re.ASCII)
"""Printable ASCII without a backslash, which browsers take for a slash."""


def own_path(url: str) -> str:
    """Path and query of one of the console's pages; empty where the address is of none.

    The host is left out, so that what it gives is always on this one.
    """
    try:
        found = urlsplit(url)
    except ValueError:
        return ""
    if not {".", ".."}.isdisjoint(map(unquote, found.path.split("/"))):
        return ""  # a browser would leave the console by it
    path = found.path + (f"?{found.query}" if found.query else "")
    if len(path) > _LONGEST or not _OWN.fullmatch(path):
        return ""
    is_page = current_app.url_map.bind("").test(unquote(found.path), "GET")
    return path if is_page else ""


def return_path() -> str:
    """The page that this request is made from, or for; empty where that is not known."""
    if request.method == "GET" and not is_part():
        query = request.query_string.decode("ascii", "replace")
        return own_path(quote(request.path, safe="/+@:") + (f"?{query}" if query else ""))
    headers = request.headers
    told = (_page_of_form(), headers.get("HX-Current-URL", ""), headers.get("Referer", ""))
    return next((path for path in map(own_path, told) if path), "")


def _page_of_form() -> str:
    """The field ``page``; an upload is not read for it, and a form that is too large has none."""
    if request.mimetype != "application/x-www-form-urlencoded":
        return ""
    with suppress(HTTPException):
        return request.form.get("page", "")
    return ""


def is_part() -> bool:
    """Whether a script of a page asks, for a part of it.

    A page that renews itself is no sign that somebody is there, so it keeps no session from ending.
    """
    return "HX-Request" in request.headers
