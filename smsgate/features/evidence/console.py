"""The evidence file of a number, to keep or to send."""

from __future__ import annotations

import re
import threading
from typing import Any

from flask import Flask, Response, abort, request

from smsgate.domain.errors import Unfit
from smsgate.domain.phone import MAX_SENDER_CHARS, as_recorded, masked
from smsgate.features.evidence.pdf import pdf
from smsgate.features.evidence.service import as_json, collect_evidence, page, request_of
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import needs, record_action
from smsgate.web.console.zones import typed_zone

_KINDS = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "json": "application/json",
}
_UNFIT = re.compile(r"[^A-Za-z0-9]+")


def register(console: Flask, services: Services) -> None:
    """Add the route."""
    # The chain of a partition is verified whole, which takes seconds; webhooks need the other
    # threads.
    turn = threading.Lock()

    @console.post("/console/numbers/evidence")
    @needs("agent")
    def number_evidence() -> Response:
        """All that is recorded of a number, with its proofs. It takes a moment."""
        number = as_recorded(request.form.get("number", "").strip()[:MAX_SENDER_CHARS])
        kind = request.form.get("kind", "html")
        if not number or kind not in _KINDS:
            raise Unfit("The form has no number in it: go back to the number's page.")
        cover = ("company", "requested_by", "since", "until")
        given = {name: request.form.get(name, "") for name in cover}
        asked = request_of(**given, zone=typed_zone())
        if not turn.acquire(blocking=False):
            abort(503, "Another evidence file is being made: try again in a few seconds.")
        try:
            found = collect_evidence(services, number, asked)
            content = _content(kind, found)
        finally:
            turn.release()
        record_action("exported evidence", f"{masked(number)}, as {kind}")
        name = f"evidence-{_UNFIT.sub('-', number).strip('-') or 'number'}.{kind}"
        return Response(
            content,
            content_type=_KINDS[kind],
            headers={"Content-Disposition": f"attachment; filename={name}"},
        )


def _content(kind: str, found: dict[str, Any]) -> bytes:
    if kind == "json":
        return as_json(found)
    html = page(found)
    return pdf(html, len(found["events"])) if kind == "pdf" else html.encode()
