"""From a request's head to a WSGI environment, with the path and query exactly as they came."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
_MOST_NAMES = 1000
"""Names of headers that are remembered; anybody may send any."""
_LISTS = {"HTTP_COOKIE": "; "}
"""What stands between the values of a header that came more than once; else a comma."""
_keys: dict[bytes, str] = {}


def environ_of(address: tuple[str, int], own: tuple[str, int]) -> Environ:
    """What all requests over one connection have in common: who sends, and to which port."""
    return {
        "SERVER_NAME": own[0],
        "SERVER_PORT": str(own[1]),
        "REMOTE_ADDR": address[0],
        "SCRIPT_NAME": "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }


def put(environ: Environ, headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Add headers. One whose name has an underscore could pass for another, and is left out."""
    for name, value in headers:
        key = _keys.get(name)
        if key is None:
            key = _key(name)
        if key in environ:
            joint = _LISTS.get(key, ",")
            environ[key] = f"{environ[key]}{joint}{value.decode('latin-1')}"
        elif key:
            environ[key] = value.decode("latin-1")


def aim(environ: Environ, method: str, target: str, version: str) -> None:
    """Add the request line. Only the target's path and query count, never its host."""
    path, _, query = target.partition("?")
    if not path.startswith("/"):  # A request line may have the whole URL (RFC 9112, 3.2.2).
        path = "/" + path.partition("://")[2].partition("/")[2]
    environ["REQUEST_METHOD"] = method
    environ["REQUEST_URI"] = target
    environ["PATH_INFO"] = unquote_to_bytes(path).decode("latin-1") if "%" in path else path
    environ["QUERY_STRING"] = query
    environ["SERVER_PROTOCOL"] = f"HTTP/{version}"


def _key(name: bytes) -> str:
    if b"_" in name:
        return ""
    key = name.decode("latin-1").upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    if len(_keys) < _MOST_NAMES:
        _keys[name] = key
    return key
