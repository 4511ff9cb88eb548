"""A small Twilio Messages API on loopback: real HTTP, scripted answers, every call kept.

    with TwilioApi({SID: TOKEN}) as api:
        api.script(Answer(429, code=20429, retry_after="1"), Drop())
        …  # point an account's api_url at api.url
        calls = api.wait_for(3)

It checks the path and Basic credentials as Twilio does, then plays the next step of the script;
without a script it answers 21610 for numbers in ``api.opted_out`` and 201 for the others.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs

from tests.fakes.processes import PATIENCE_S

CREATED = 201
OPTED_OUT = 21610


@dataclass(frozen=True)
class Answer:
    """Answer with a status and, where it is no success, one of Twilio's error codes."""

    status: int = CREATED
    code: int = 0
    retry_after: str = ""
    body: bytes | None = None
    """Instead of Twilio's JSON."""
    after_s: float = 0.0
    """How long the answer takes; the end of the fake ends the wait."""
    after: threading.Event | None = None
    """What the answer waits for."""


@dataclass(frozen=True)
class Hang:
    """Read the request and never answer: the caller's time-out ends it."""


@dataclass(frozen=True)
class Drop:
    """Read the request, then close the connection without a byte."""


Step = Answer | Hang | Drop


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    form: Mapping[str, str]
    account: str
    """User name of the Basic credentials; empty where there were none."""
    answer: Step
    sid: str
    """The id that was given to the message; empty where none was created."""
    at: float = field(default_factory=time.monotonic)


class TwilioApi:
    """The fake; a context manager. ``url`` is what an account's ``api_url`` should be."""

    def __init__(self, accounts: Mapping[str, str] | None = None, *, port: int = 0) -> None:
        """Take Account SIDs with their Auth Tokens; without any, every credential will do."""
        self.port = port
        self.connections = 0
        self.accounts = accounts
        self.opted_out: set[str] = set()
        self.url = ""
        self._calls: list[Call] = []
        self._steps: deque[Step] = deque()
        self._changed = threading.Condition()
        self._ending = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()

    @property
    def calls(self) -> list[Call]:
        """All calls so far, oldest first."""
        with self._changed:
            return list(self._calls)

    @property
    def sent(self) -> list[Call]:
        """The calls that created a message: what a subscriber's phone would show."""
        return [call for call in self.calls if call.sid]

    def script(self, *steps: Step) -> None:
        """Play these for the next calls, one each, before the usual answer."""
        with self._changed:
            self._steps.extend(steps)

    def wait_for(self, calls: int, timeout_s: float = PATIENCE_S) -> list[Call]:
        """Wait until there were so many calls and return all; fails after ``timeout_s``."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._calls) >= calls, timeout_s):
                raise AssertionError(f"{len(self._calls)} of {calls} calls in {timeout_s} s")
            return list(self._calls)

    def take(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Call:
        """Keep one call and decide its answer."""
        account, token = _credentials(headers.get("authorization", ""))
        form = {name: values[-1] for name, values in parse_qs(body.decode(), True).items()}
        with self._changed:
            answer = self._refusal(method, path, account, token) or self._next(form)
            created = isinstance(answer, Answer) and answer.status == CREATED
            sid = f"SM{len(self._calls) + 1:032x}" if created else ""
            call = Call(method, path, headers, form, account, answer, sid)
            self._calls.append(call)
            self._changed.notify_all()
        return call

    def _refusal(self, method: str, path: str, account: str, token: str) -> Answer | None:
        if self.accounts is not None and self.accounts.get(account) != token:
            return Answer(401, 20003)
        if path != f"/2010-04-01/Accounts/{account}/Messages.json":
            return Answer(404, 20404)
        return None if method == "POST" else Answer(405, 20004)

    def _next(self, form: Mapping[str, str]) -> Step:
        if self._steps:
            return self._steps.popleft()
        if form.get("To") in self.opted_out:
            return Answer(400, OPTED_OUT)
        missing = {"To": 21604, "Body": 21602}
        missing |= {} if form.get("MessagingServiceSid") else {"From": 21603}
        codes = [code for name, code in missing.items() if not form.get(name)]
        return Answer(400, codes[0]) if codes else Answer()


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme != "Basic":
        return "", ""
    account, _, token = base64.b64decode(encoded).decode().partition(":")
    return account, token


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that the end waits for them
    request_queue_size = 64

    def __init__(self, api: TwilioApi) -> None:
        self.api = api
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", api.port), _Handler)

    def process_request(self, request, client_address) -> None:
        self.api.connections += 1
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """A connection that is kept open would keep its thread, and the test, waiting."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request, client_address) -> None:
        """A caller that went away is what some tests want."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # its sender died in the middle: nobody acts on half a request
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = self.server.api.take(self.command, self.path, headers, body)
        self._play(call, call.answer)

    def _play(self, call: Call, answer: Step) -> None:
        if not isinstance(answer, Answer):
            if isinstance(answer, Hang):
                self.server.api._ending.wait()
            self.close_connection = True
            return
        if answer.after_s:
            self.server.api._ending.wait(answer.after_s)
        if answer.after is not None:
            answer.after.wait(PATIENCE_S)
        body = _json(call, answer) if answer.body is None else answer.body
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if answer.retry_after:
            self.send_header("Retry-After", answer.retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def _json(call: Call, answer: Answer) -> bytes:
    if answer.status == CREATED:
        return json.dumps({"sid": call.sid, "status": "queued", "to": call.form.get("To")}).encode()
    return json.dumps(
        {
            "code": answer.code,
            "message": f"Refused for {call.form.get('To', '')}",
            "more_info": f"https://www.twilio.com/docs/errors/{answer.code}",
            "status": answer.status,
        }
    ).encode()
