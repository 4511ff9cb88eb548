"""``GET /v1/evidence/<number>``: one number's story, as JSON or as a page for a lawyer."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response
from werkzeug.exceptions import NotAcceptable

from smsgate.errors import SmsGateError
from smsgate.gateway import Gateway
from smsgate.gateway.evidence import evidence, page
from smsgate.phone import e164
from smsgate.web.v1.operations import JSON, Call, Operation, Outcome

_HTML = "text/html"


class Evidence(msgspec.Struct, frozen=True):
    """All that is recorded of a number, with its links in the chain of hashes."""

    number: str
    made: str
    software: str
    state: dict[str, str]
    problems: list[str]
    """What is wrong with the number's chain; empty where it verifies."""
    chains: dict[str, Any]
    events: list[dict[str, Any]]


def read_evidence(call: Call) -> Outcome:
    """Collect the evidence of one number, texts included."""
    number, gateway = e164(call.path["number"]), call.gateway
    kind = call.request.accept_mimetypes.best_match([JSON, _HTML])
    if kind is None and call.request.accept_mimetypes:
        raise NotAcceptable(f"Say `Accept: {JSON}` or `Accept: {_HTML}`.")
    gateway.recording.move_all()
    now_us = gateway.store.health.now_us()
    found = evidence(gateway.records, number, _state(gateway, number), now_us)
    if kind == _HTML:
        return Response(page(found), content_type=f"{_HTML}; charset=utf-8")
    return 200, found


def _state(gateway: Gateway, number: str) -> dict[str, str]:
    """What the gate says now; that it cannot tell is part of the evidence too."""
    try:
        answers = gateway.status(number)
    except SmsGateError as error:
        return {"": f"could not tell: {error}"}
    return {
        name: "may be texted" if answer.allowed else f"must not be texted: {answer.reason}"
        for name, answer in answers.items()
    }


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
