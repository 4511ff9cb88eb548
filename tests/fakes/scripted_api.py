"""A small HTTP server on loopback that answers as it is told and keeps every call.

with ScriptedApi({"/token": [(200, b"…"), (401, b"")]}) as api:
    …  # the second call of /token gets 401, and so does every later one
    assert [call.path for call in api.calls] == ["/token"]
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.fakes.loopback import LoopbackApi, QuietHandler
from tests.fakes.processes import PATIENCE_S

Answers = Mapping[str, Sequence[tuple[int, bytes]]]


@dataclass(frozen=True)
class Seen:
    """One call as it arrived."""

    method: str
    path: str
    authorization: str
    body: bytes


class ScriptedApi(LoopbackApi):
    """Answers a path's calls one after the other; the last answer stays. Others get 404."""

    def __init__(
        self, answers: Answers, delay_s: float = 0.0, after: threading.Event | None = None
    ) -> None:
        """``delay_s`` is how long each answer takes; the end of the server ends the wait.

        ``after``: no call is answered before it is set.
        """
        self.answers = {path: list(steps) for path, steps in answers.items()}
        self.calls: list[Seen] = []
        self._ends = threading.Event()
        api = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body are two writes; Nagle would hold the second one back for 40 ms.
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                path = self.path.partition("?")[0]
                given = self.headers.get("Authorization", "")
                api.calls.append(Seen(self.command, self.path, given, body))
                api._ends.wait(delay_s)
                if after is not None:
                    after.wait(PATIENCE_S)
                steps = api.answers.get(path) or [(404, b"")]
                status, answer = steps.pop(0) if len(steps) > 1 else steps[0]
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = _answer  # noqa: N815 - the names that the base class calls

        super().__init__(Handler)

    def paths(self) -> list[str]:
        """The paths that were called, in order."""
        return [call.path for call in self.calls]

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        super().__exit__()
