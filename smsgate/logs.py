"""Structured logs: one line for each happening, numbers masked, bodies never.

Callers log numbers through ``masked``; a processor masks whatever still looks like a phone
number, so that a forgotten call does not leak one.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import time
from collections import deque
from collections.abc import MutableMapping
from multiprocessing.util import Finalize
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import Processor

from smsgate.domain.phone import masked

_NUMBER = re.compile(r"(?<![\w])\+?[1-9][0-9]{7,14}(?![\w])")
_SHORTEST = 8
"""Characters of the shortest such number."""
_KEPT = frozenset(
    {"timestamp", "event", "level", "partition", "id", "message_id", "ms", "port", "pid"}
)


def mask_numbers(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask phone numbers in every value of a log line (a structlog processor)."""
    for key, value in event.items():
        if isinstance(value, str) and len(value) >= _SHORTEST and key not in _KEPT:
            event[key] = _NUMBER.sub(lambda found: masked(found.group()), value)
    return event


class Lines:
    """Where the lines go: a warning or worse at once, all others a moment later, in their order.

    Writing each line by itself lets another thread take the interpreter, once for each request,
    which costs several times the line. What a kill -9 can lose are lines of ``PERIOD_S`` seconds.
    """

    PERIOD_S = 0.05

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream``, in a thread of this process: a fork of it has none."""
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._lock = threading.Lock()
        # Processes that serve are forks, which end without what `atexit` knows.
        Finalize(self, self.write, exitpriority=-1)
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def info(self, line: str) -> None:
        """Take a line that is to be written soon."""
        self._waiting.append(line)

    def warning(self, line: str) -> None:
        """Write a line, after those that wait."""
        self._waiting.append(line)
        self.write()

    debug = info
    error = critical = exception = warning

    def write(self) -> None:
        """Write the pending lines. A closed or full stream loses them without an error."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lines:
                self._stream.write("\n".join([*lines, ""]))
                self._stream.flush()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(self.PERIOD_S)
            self.write()


class Reminder:
    """Whether a problem that lasts is to be logged: as it begins, as it changes, once a minute."""

    PERIOD_S = 60.0

    def __init__(self) -> None:
        self._problem, self._logged_at = "", 0.0

    def is_due(self, problem: str) -> bool:
        """Whether to log it now; then not again before a minute has passed."""
        now = time.monotonic()
        if problem == self._problem and now - self._logged_at < self.PERIOD_S:
            return False
        self._problem, self._logged_at = problem, now
        return True

    def end(self) -> bool:
        """The problem is over, and the next one is logged as it begins; whether there was one."""
        had_problem, self._problem = bool(self._problem), ""
        return had_problem


def configure(*, buffered: bool = False) -> None:
    """Set structlog and the standard library's logging to one line each on standard error.

    ``buffered`` is for processes that log a line for every request (see ``Lines``). On a terminal
    the lines are for people, elsewhere they are JSON. Tracebacks are without the values of
    variables, for among those are bodies and secrets.
    """
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_numbers,
    ]
    encoder = msgspec.json.Encoder(enc_hook=repr)  # a third of the time of ``json``
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(
            exception_formatter=structlog.dev.plain_traceback,
            repr_native_str=True,  # what somebody made up writes no escapes to the terminal
        )
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(lambda event, **_: encoder.encode(event).decode())
    )
    lines = Lines(sys.stderr) if buffered else None
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=(lambda *_: lines) if lines else structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # What other packages log comes out in the same form, from warnings up, masked too.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _mask_event],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _mask_event(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Elsewhere values stand inside the message; our own messages are fixed words."""
    event["event"] = _NUMBER.sub(lambda found: masked(found.group()), str(event["event"]))
    return event
