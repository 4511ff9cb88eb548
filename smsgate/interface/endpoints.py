"""Operations as endpoints of ``/v1``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeAlias

import msgspec
from flask import Blueprint, Response, g, request

from smsgate.domain.errors import RecordsUnavailable, StoreUnavailable, Unfit
from smsgate.interface.operation import Context, Download, Operation
from smsgate.interface.requests import JSON, read_request
from smsgate.pipeline.api_keys import Caller
from smsgate.pipeline.services import Services
from smsgate.store.answered_calls import AnsweredCall

_MAX_KEY_CHARS = 200
AuditLog: TypeAlias = Callable[[str, str, str], None]
"""Records who did what, and a note."""


def add_endpoints(
    api: Blueprint,
    operations: Iterable[Operation[Any, Any]],
    services: Services,
    record_action: AuditLog,
) -> None:
    """Add a route for each operation. ``g.caller`` is who calls, which the application found."""
    for one in operations:
        view = _view(one, services, record_action)
        api.add_url_rule(one.path, one.name, view, methods=[one.method])


def _view(
    operation: Operation[Any, Any], services: Services, record_action: AuditLog
) -> Callable[..., Response]:
    def answer(**path: str) -> Response:
        caller: Caller = g.caller
        caller.require(operation.scope)
        if not operation.by_program:
            caller.require_all_programs()
        key = request.headers.get("Idempotency-Key", "")
        if not key or not operation.is_kept:
            return made(read_request(operation, request, path), caller)
        content = request.get_data(cache=True)
        asked = read_request(operation, request, path)
        return _once(services, caller, key, content, lambda: made(asked, caller))

    def made(asked: object, caller: Caller) -> Response:
        context = Context(services, caller)
        result = operation.run(context, asked)
        if operation.audit:
            with suppress(RecordsUnavailable):  # it is done all the same
                record_action(context.actor(), operation.audit, operation.note(asked))
        if isinstance(result, Download):
            return Response(result.chunks, content_type=result.media_type)
        body = msgspec.json.encode(result)
        return Response(body, operation.status_of(result), content_type=JSON)

    return answer


def _once(
    services: Services, caller: Caller, key: str, content: bytes, make: Callable[[], Response]
) -> Response:
    """Answer a call once: the same call with the same key gets the same answer for a day."""
    if len(key) > _MAX_KEY_CHARS:
        raise Unfit(f"An Idempotency-Key has at most {_MAX_KEY_CHARS} characters.")
    calls = services.store.answered_calls
    head = f"{request.method} {request.full_path} {request.content_length}\n"
    fingerprint = sha256(head.encode() + content).hexdigest()
    found = calls.begin(caller.name, key, fingerprint)
    if found is not None:
        return Response(found.body, found.status, content_type=JSON)
    try:
        answer = make()
    except BaseException:
        with suppress(StoreUnavailable):
            calls.give_back(caller.name, key)
        raise
    with suppress(StoreUnavailable):  # It is done, whether or not a repeat will know.
        text = answer.get_data(as_text=True)
        calls.keep(caller.name, key, AnsweredCall(fingerprint, answer.status_code, text))
    return answer
