"""An application with answers and bodies of all kinds; for the server's own tests."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from smsgate.gateway.steps import Steps
from smsgate.messages import HttpReply

PART = b"x" * 65_536
PARTS = 200


class Answers:
    """By path; ``/steps…`` in steps, everything else in a thread."""

    def limit(self, environ: dict[str, Any]) -> int:
        return 1000 if environ["PATH_INFO"].startswith("/steps") else 0

    def steps(self, environ: dict[str, Any]) -> Steps[HttpReply | None]:
        path = environ["PATH_INFO"]
        if path == "/steps/thread":
            return None
        name = ""
        if path == "/steps/wait":
            name = yield lambda: threading.current_thread().name
        if path == "/steps/error":
            try:
                yield lambda: 1 / 0
            except ZeroDivisionError:
                name = "an error"
        body = environ["wsgi.input"].read()
        yield from ()
        return HttpReply(200, "text/plain", name.encode() or body or path.encode())

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"].removeprefix("/")
        if path == "fails":
            raise RuntimeError("this one fails")
        if path == "nothing":
            start("204 No Content", [])
            return []
        if path == "split":
            start("200 OK", [("X-Evil", "a\r\nX-More: b")])
            return [b"never"]
        start("200 OK", [("Content-Type", "text/plain")])
        return getattr(self, path, self.other)(environ)

    def other(self, environ: dict[str, Any]) -> Iterable[bytes]:
        return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}".encode()]

    def digest(self, environ: dict[str, Any]) -> Iterable[bytes]:
        """Of the body, which is read slowly."""
        found = hashlib.sha256()
        while part := environ["wsgi.input"].read(100_000):
            found.update(part)
            time.sleep(0.001)
        return [found.hexdigest().encode()]

    def parts(self, _: dict[str, Any]) -> Iterable[bytes]:
        for _ in range(PARTS):
            yield PART

    def breaks(self, _: dict[str, Any]) -> Iterable[bytes]:
        yield from [PART * 3] * 2
        raise RuntimeError("in the middle")

    def slowly(self, _: dict[str, Any]) -> Iterable[bytes]:
        time.sleep(1)
        return [b"slowly"]

    def seen(self, environ: dict[str, Any]) -> Iterable[bytes]:
        lines = [f"{key}: {value}" for key, value in environ.items() if key.startswith("HTTP_")]
        return ["\n".join(lines).encode()]


def create() -> SimpleNamespace:
    """As a Flask application has it."""
    return SimpleNamespace(wsgi_app=Answers())
