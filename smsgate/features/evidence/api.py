"""``GET /v1/evidence/<number>``: one number's story, as a page for a lawyer."""

from __future__ import annotations

from flask import Response

from smsgate.domain.phone import e164
from smsgate.features.evidence.service import collect_evidence, page
from smsgate.web.v1.operations import HTML, Call, Operation, Outcome


def read_evidence(call: Call) -> Outcome:
    """Collect the evidence of one number, texts included."""
    found = collect_evidence(call.services, e164(call.path["number"]))
    return Response(page(found), content_type=f"{HTML}; charset=utf-8")


OPERATIONS = (
    Operation(
        method="GET",
        path="/evidence/<number>",
        scope="admin",
        summary="All that is recorded of a number, with its proofs: a page to print",
        run=read_evidence,
        answers={200: str},
        answer_type=HTML,
    ),
)
