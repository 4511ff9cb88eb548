"""The evidence page of a number, to keep or to send."""

from __future__ import annotations

from flask import Flask, Response, request

from smsgate.features.evidence.operations import EvidenceReader, read_evidence
from smsgate.interface.values import ZONE, filter_values, read_values
from smsgate.web.console.auth import context, needs, operator_zone, record_action


def register(console: Flask, reader: EvidenceReader) -> None:
    """Add the route."""

    @console.post("/console/numbers/evidence")
    @needs("viewer")
    def number_evidence() -> Response:
        """All that is recorded of a number, with its proofs. It takes a moment."""
        typed = {name: request.form.get(name, "") for name in (*read_evidence.fields, ZONE)}
        asked = read_values(read_evidence, filter_values(typed, operator_zone()))
        made = read_evidence.run(context(), asked, reader)
        record_action(read_evidence.audit, read_evidence.note(asked))
        headers = {"Content-Disposition": f"attachment; filename={made.name}"}
        return Response(made.chunks, content_type=made.media_type, headers=headers)
