"""``GET /v1/evidence/<number>``: one number's story, as JSON or as a page for a lawyer."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response
from werkzeug.exceptions import NotAcceptable

from smsgate.domain.phone import e164
from smsgate.features.evidence.service import collect_evidence, page
from smsgate.web.v1.operations import JSON, Call, Operation, Outcome

_HTML = "text/html"


class Evidence(msgspec.Struct, frozen=True):
    """All that is recorded of a number, with its links in the chain of hashes."""

    number: str
    made: str
    software: str
    request: dict[str, Any]
    """Of which days of which zone the events are (empty: all), and what the cover says."""
    programs: dict[str, str]
    """By program its name for subscribers."""
    state: dict[str, str]
    problems: list[str]
    """What is wrong with the number's chain; empty where it verifies."""
    chains: dict[str, Any]
    """The chain of the number's partition, by the partition."""
    digest: str
    """For `smsgate records verify --digest`: the state of that chain."""
    refused_sends: list[dict[str, Any]]
    """Counts by the hour of sends that the gate refused after an opt-out; not part of the chain."""
    events: list[dict[str, Any]]


def read_evidence(call: Call) -> Outcome:
    """Collect the evidence of one number, texts included."""
    number = e164(call.path["number"])
    kind = call.request.accept_mimetypes.best_match([JSON, _HTML])
    if kind is None and call.request.accept_mimetypes:
        raise NotAcceptable(f"Say `Accept: {JSON}` or `Accept: {_HTML}`.")
    found = collect_evidence(call.services, number)
    if kind == _HTML:
        return Response(page(found), content_type=f"{_HTML}; charset=utf-8")
    return 200, found


OPERATIONS = (
    Operation(
        method="GET",
        path="/evidence/<number>",
        scope="admin",
        summary="All that is recorded of a number, with its proofs",
        run=read_evidence,
        answers={200: Evidence},
        also={406: "Neither JSON nor HTML is acceptable."},
        html=True,
    ),
)
