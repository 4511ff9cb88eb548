"""``/healthz`` for load balancers and orchestrators, ``/readyz`` for monitors."""

from __future__ import annotations

import threading
import time

import msgspec
from flask import Blueprint, Response, request

from smsgate.monitoring.monitor import COLLABORATORS, Monitor, SystemState
from smsgate.process.build import describe_build
from smsgate.web.api_key_guard import ApiKeyGuard

KEPT_S = 2.0
"""How long an answer without details is given again."""
_DETAILS = ("subject", "severity", "title", "text", "command")
"""What an answer with details has of a condition, beside its name."""


def blueprint(monitor: Monitor, keys: ApiKeyGuard) -> Blueprint:
    """Return the two routes. Both are public; details need a key."""
    health = Blueprint("health", __name__)

    recent = RecentState(monitor)

    @health.get("/healthz")
    def alive() -> Response:
        """Answer that the process runs and takes webhooks. It checks nothing else.

        While Redis is away, messages are kept on this host's disk, and no restart brings it back.

        The second line is what runs, such as ``smsgate 0.2.0+g1a2b3c4``.
        """
        return Response(f"ok\nsmsgate {describe_build()}\n", content_type="text/plain")

    @health.get("/readyz")
    def ready() -> Response:
        """Say whether webhooks are accepted, and name each collaborator; 503 unless all are well.

        With a key of ``/metrics`` as it is at this moment, and with every condition that holds.
        """
        if request.authorization is not None and request.authorization.type == "bearer":
            keys.check("readyz", request.environ)
            return _answer(monitor.look(), with_details=True)
        return _answer(recent.get(), with_details=False)

    return health


class RecentState:
    """What was found in the last seconds, so that strangers cost little. Threads may share it."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._lock = threading.Lock()
        self._found: SystemState | None = None
        self._found_at = 0.0

    def get(self) -> SystemState:
        """Look, if need be; while one request looks, others get what was found before."""
        found = self._found
        is_recent = found is not None and time.monotonic() - self._found_at < KEPT_S
        if found is not None and (is_recent or self._lock.locked()):
            return found
        with self._lock:
            self._found = found = self._monitor.look()
            self._found_at = time.monotonic()
        return found


def _answer(state: SystemState, *, with_details: bool) -> Response:
    is_ready = not state.unusable
    body: dict[str, object] = {
        "accepts": state.accepts,
        "ready": is_ready,
        "collaborators": {
            name: "not ready" if name in state.unusable else "ok" for name in COLLABORATORS
        },
    }
    if with_details:
        reports = {name: one.sentences for name, one in state.unusable.items()}
        body["collaborators"] = dict.fromkeys(COLLABORATORS, "ok") | reports
        body["conditions"] = [
            {"alert": one.name} | {name: getattr(one, name) for name in _DETAILS}
            for one in state.conditions
        ]
    status = 200 if is_ready else 503
    return Response(msgspec.json.encode(body), status, content_type="application/json")
