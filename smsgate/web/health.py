"""``/healthz`` for load balancers and orchestrators, ``/readyz`` for monitors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import msgspec
from flask import Blueprint, Response, request

from smsgate.pipeline.build import describe_build
from smsgate.pipeline.readiness import ACCEPTS, OK, is_well
from smsgate.pipeline.services import Services
from smsgate.web.api_key_guard import ApiKeyGuard

NOT_READY = "not ready"
KEPT_S = 2.0
"""How long an answer without details is given again."""
Collaborators = Mapping[str, str]
"""As ``Readiness.ready`` reports them."""


class SharedReadiness:
    """Asks the collaborators at most once in ``KEPT_S``, however many want to know."""

    def __init__(self, ask: Callable[[], Collaborators]) -> None:
        """``ask()`` takes a few seconds at most, and some 90 commands of Redis."""
        self._ask = ask
        self._lock = threading.Lock()
        self._found: Collaborators = {}
        self._asked_at = -KEPT_S

    def get(self) -> Collaborators:
        """What they reported in the last seconds. Raises as ``ask``.

        While one caller asks, the others are given the reports before, if there are any.
        """
        if time.monotonic() - self._asked_at >= KEPT_S and self._lock.acquire(
            blocking=not self._found
        ):
            try:
                if time.monotonic() - self._asked_at >= KEPT_S:
                    self._found = self._ask()
                    self._asked_at = time.monotonic()
            finally:
                self._lock.release()
        return self._found


def blueprint(services: Services, keys: ApiKeyGuard) -> Blueprint:
    """Return the two routes. Both are public; details need a key."""
    health = Blueprint("health", __name__)
    shared = SharedReadiness(services.readiness.ready)

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

        With a key of ``/metrics`` as it is at this moment, and with what is wrong.
        """
        if request.authorization is not None and request.authorization.type == "bearer":
            keys.check_monitor_key("readyz", request.environ)
            return _answer(services.readiness.ready(), with_details=True)
        return _answer(shared.get(), with_details=False)

    return health


def _answer(found: Collaborators, *, with_details: bool) -> Response:
    well = {name: is_well(report) for name, report in found.items()}
    accepts = well.pop(ACCEPTS)
    is_ready = all(well.values())
    reports = {
        name: found[name] if with_details else OK if one else NOT_READY
        for name, one in well.items()
    }
    body = msgspec.json.encode({"accepts": accepts, "ready": is_ready, "collaborators": reports})
    return Response(body, 200 if is_ready else 503, content_type="application/json")
