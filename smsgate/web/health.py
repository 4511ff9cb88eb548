"""Is the process alive, and can it do its work? For load balancers and orchestrators."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from smsgate.gateway import Gateway

OK = "ok"


def blueprint(gateway: Gateway) -> Blueprint:
    """Return the two routes; neither needs a key, so neither says anything secret."""
    health = Blueprint("health", __name__)

    @health.get("/healthz")
    def alive() -> Response:
        """Say that the process answers. It asks nobody: a restart would not bring Redis back."""
        return Response("ok\n", content_type="text/plain")

    @health.get("/readyz")
    def ready() -> Response:
        """Name each collaborator with ``ok`` or what is wrong with it; 503 unless all are well."""
        found = gateway.ready()
        well = all(state.partition(";")[0] == OK for state in found.values())
        body = msgspec.json.encode({"ready": well, "collaborators": found})
        return Response(body, 200 if well else 503, content_type="application/json")

    return health
