"""The door for the operator's own programs: ``/v1``."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated

import msgspec
from flask import Blueprint, Request, Response, request
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from smsgate.errors import StoreUnavailable
from smsgate.gate import Answer
from smsgate.gateway import Gateway
from smsgate.phone import e164
from smsgate.store.refusals import Refusal
from smsgate.web.auth import require_key
from smsgate.web.incoming import read_body

API_LIMIT = 1024 * 1024
"""Bytes of a request's body; 10,000 numbers are about 200 KiB."""
MOST_NUMBERS = 10_000
_ACTIONS = {"PUT": "suppress", "DELETE": "restore"}


class Check(msgspec.Struct, forbid_unknown_fields=True):
    """The body of ``POST /v1/check``."""

    program: str
    numbers: Annotated[list[str], msgspec.Meta(max_length=MOST_NUMBERS)]
    sending: bool = False
    """Whether what is not allowed here is a text that was about to leave, so that it counts."""


_check = msgspec.json.Decoder(Check)


def blueprint(gateway: Gateway) -> Blueprint:
    """Return the routes of the first version. Every one of them wants a key."""
    api = Blueprint("api", __name__, url_prefix="/v1")

    @api.before_request
    def authorise() -> None:
        """Refuse before anything else is looked at."""
        require_key(request.headers.get("Authorization", ""), gateway.settings.api_keys)

    @api.post("/check")
    def check() -> Response:
        """Say of each number whether the program may text it, in the order asked."""
        asked = _asked(request)
        answers = gateway.gate.check(asked.numbers, program=asked.program)
        if asked.sending:
            _count(gateway, asked.program, answers)
        return _json({"results": [_result(answer) for answer in answers]})

    @api.get("/numbers/<number>")
    def number(number: str) -> Response:
        """Say what is known of one number, for every program."""
        known = e164(number)
        answers = gateway.status(known)
        programs = {name: _result(answer) | {"why": answer.why} for name, answer in answers.items()}
        return _json({"number": known, "programs": programs})

    @api.route("/suppressions/<scope>/<number>", methods=[*_ACTIONS])
    def suppression(scope: str, number: str) -> Response:
        """Opt a number out (PUT) or back in (DELETE) by hand; an opt-out blocks at once."""
        reason = request.args.get("reason", "").strip()
        actor = request.args.get("actor", "").strip() or "api"
        if not reason:
            raise UnprocessableEntity("Give a reason for the record: ?reason=asked+by+phone.")
        id_ = gateway.override(_ACTIONS[request.method], e164(number), scope, actor, reason)
        return _json({"id": id_}, 202)

    return api


def _count(gateway: Gateway, program: str, answers: Iterable[Answer]) -> None:
    """Count the sends that these answers stop; what cannot be counted is stopped all the same."""
    stopped = [
        Refusal(one.number, program, one.reason, "api") for one in answers if not one.allowed
    ]
    with suppress(StoreUnavailable):
        gateway.store.refusals.add(stopped)


def _result(answer: Answer) -> dict[str, object]:
    return {
        "number": answer.number,
        "allowed": answer.allowed,
        "reason": answer.reason,
        "since": answer.since,
    }


def _asked(request: Request) -> Check:
    """Read the body of a check; raises the HTTP error that says what would be right."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send JSON, with `Content-Type: application/json`.")
    try:
        return _check.decode(read_body(request.environ, API_LIMIT))
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(f"The body is not what this call takes: {error}.") from None
    except ValueError as error:  # Bytes that are no UTF-8 are no DecodeError.
        raise BadRequest(f"The body is no JSON: {error}.") from None


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, content_type="application/json")
