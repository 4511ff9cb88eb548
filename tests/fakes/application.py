"""An operator's own application on loopback: real HTTP, answers as it is told to, keeps what came.

with Application() as app:
    app.says = "<Response><Message>Hello</Message></Response>"
    …  # let a program's forward.url be app.url
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.fakes.processes import PATIENCE_S


@dataclass(frozen=True)
class Came:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    status: int
    """What it was answered with; 0 where the connection was dropped."""
    at: float = field(default_factory=time.monotonic)

    @property
    def form(self) -> dict[str, str]:
        """The fields of a provider's own request."""
        text = urlsplit(self.path).query if self.method == "GET" else self.body.decode()
        return {name: values[-1] for name, values in parse_qs(text, True).items()}

    @property
    def data(self) -> dict[str, object]:
        """The text in our normal form."""
        return json.loads(self.body)["data"]

    @property
    def text(self) -> tuple[str, str]:
        """Who wrote, and what."""
        if self.headers.get("content-type") == "application/json":
            return str(self.data["from"]), str(self.data["text"])
        return self.form["From"], self.form["Body"]


class Application:
    """A context manager; ``stop`` and ``start`` take it down and back to the same port."""

    def __init__(self) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.says = ""
        self.content_type = "text/xml"
        self.after_s = 0.0
        self.refused: set[str] = set()
        """Numbers whose messages it cannot take."""
        self.most: int | None = None
        """How many requests it takes; those that come after them are never answered."""
        self.url = ""
        self._port = 0
        self._came: list[Came] = []
        self._changed = threading.Condition()
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ending.set()
            self._changed.notify_all()
        self.stop()

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.application = self
        self._port = self._server.server_port
        self.url = f"http://127.0.0.1:{self._port}/sms?of=acme"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def came(self) -> list[Came]:
        """All requests, oldest first."""
        with self._changed:
            return [*self._came]

    @property
    def taken(self) -> list[tuple[str, str]]:
        """Who wrote what, of the requests that it took."""
        return [one.text for one in self.came if one.status == 200]

    def wait_for(self, count: int, timeout_s: float = PATIENCE_S) -> list[Came]:
        """Wait until so many requests have come; fails after ``timeout_s``."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._came) >= count, timeout_s):
                raise AssertionError(f"{len(self._came)} of {count} requests in {timeout_s} s")
            return [*self._came]

    def take(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """Keep a request; gives the status to answer with."""
        self._ending.wait(self.after_s)
        with self._changed:
            if self.most is not None and len(self._came) >= self.most:
                self._changed.wait_for(self._ending.is_set)
                return 0
            came = Came(method, path, headers, body, self.status)
            status = 500 if came.text[0] in self.refused else self.status
            self._came.append(Came(method, path, headers, body, status))
            self._changed.notify_all()
        return status


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    application: Application

    def handle_error(self, *_: object) -> None:
        """Whoever called may have been killed meanwhile."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        application = self.server.application
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status = application.take(self.command, self.path, headers, body)
        if not status:
            self.close_connection = True
            return
        said = application.says.encode() if status == 200 else b""
        self.send_response(status)
        for name, value in {
            "Content-Type": application.content_type,
            "Content-Length": str(len(said)),
            **application.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""
