"""The evidence file of a number, to keep or to send."""

from __future__ import annotations

import re
import threading

from flask import Flask, Response, abort, request

from smsgate.domain.errors import Unfit
from smsgate.domain.phone import MAX_SENDER_CHARS, as_recorded, masked
from smsgate.features.evidence.service import collect_evidence, page, request_of
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import needs, record_action
from smsgate.web.console.zones import typed_zone

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
        if not number:
            raise Unfit("The form has no number in it: go back to the number's page.")
        cover = ("company", "requested_by", "since", "until")
        given = {name: request.form.get(name, "") for name in cover}
        asked = request_of(**given, zone=typed_zone())
        if not turn.acquire(blocking=False):
            abort(503, "Another evidence file is being made: try again in a few seconds.")
        try:
            content = page(collect_evidence(services, number, asked))
        finally:
            turn.release()
        record_action("exported evidence", masked(number))
        name = f"evidence-{_UNFIT.sub('-', number).strip('-') or 'number'}.html"
        return Response(
            content,
            content_type="text/html; charset=utf-8",
            headers={"Content-Disposition": f"attachment; filename={name}"},
        )
