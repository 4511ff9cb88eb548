"""Operations as endpoints of ``/v1``: strict reading of requests, and answers given once."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, TypeVar, cast

import msgspec
from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from smsgate.api_keys import Caller
from smsgate.domain.errors import StoreUnavailable, Unfit
from smsgate.interface.operation import Context, Download, Operation, Upload
from smsgate.interface.parts import Parts
from smsgate.interface.values import DOCUMENTED, convert_values
from smsgate.store.shared_values import AnsweredCall
from smsgate.store.store import Store

JSON, PROBLEM = "application/json", "application/problem+json"
MAX_BODY_BYTES = 1024 * 1024
"""10,000 numbers are about 200 KiB."""
MAX_UPLOAD_BYTES = 1 << 30
_MAX_KEY_CHARS = 200
T = TypeVar("T")


class Problem(msgspec.Struct, frozen=True):
    """What went wrong, by RFC 9457."""

    type: str
    """Always ``about:blank``: the status says what kind it is."""
    title: str
    status: int
    detail: str
    """A sentence that says what would be right."""
    reason: str
    """A name for programs, such as ``unknown_program``."""


def add_endpoints(
    app: Flask, prefix: str, operations: Iterable[Operation[Any, Any]], parts: Parts, store: Store
) -> None:
    """Add a route for each operation below ``prefix``. ``g.caller`` is who calls."""
    for one in operations:
        view = _view(one, parts, store)
        app.add_url_rule(prefix + one.path, one.name, view, methods=[one.method])


def _view(operation: Operation[Any, Any], parts: Parts, store: Store) -> Callable[..., Response]:
    run = parts.runner(operation)

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
        return _once(store, caller, key, content, lambda: made(asked, caller))

    def made(asked: object, caller: Caller) -> Response:
        result = run(Context(caller), asked)
        if isinstance(result, Download):
            return Response(result.chunks, content_type=result.media_type)
        body = msgspec.json.encode(result)
        return Response(body, operation.status, content_type=JSON)

    return answer


def read_request(operation: Operation[T, Any], request: Request, path: Mapping[str, str]) -> T:
    """The operation's request. Raises the HTTP error that says what would be right."""
    try:
        if operation.has_json:
            return _read_json(operation, request, path)
        query = request.args.to_dict(flat=False)
        given: dict[str, object] = {
            name: one[0] if len(one) == 1 else one for name, one in query.items()
        }
        if operation.upload:
            request.max_content_length = MAX_UPLOAD_BYTES
            # Reads until enough came, or raises where the body breaks off.
            stream = io.BufferedReader(cast("io.RawIOBase", request.stream))
            name, size = request.args.get("name", ""), request.content_length
            given[operation.upload] = Upload(stream, name, size)
        return convert_values(operation, {**given, **path})
    except msgspec.ValidationError as error:
        sentence = f"The request is not what this call takes: {error}. {DOCUMENTED}"
        raise UnprocessableEntity(sentence) from None


def _read_json(operation: Operation[T, Any], request: Request, path: Mapping[str, str]) -> T:
    if request.mimetype != JSON:
        raise UnsupportedMediaType("Send JSON, with `Content-Type: application/json`.")
    try:
        given = msgspec.json.decode(request.get_data(cache=False), type=dict[str, Any])
    except msgspec.ValidationError:
        raise
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is no JSON: {error}.") from None
    return convert_values(operation, {**given, **path}, strict=True)


def _once(
    store: Store, caller: Caller, key: str, content: bytes, make: Callable[[], Response]
) -> Response:
    """Answer a call once: the same call with the same key gets the same answer for a day."""
    if len(key) > _MAX_KEY_CHARS:
        raise Unfit(f"An Idempotency-Key has at most {_MAX_KEY_CHARS} characters.")
    calls = store.answered_calls
    head = f"{request.method} {request.full_path} {request.content_length}\n"
    fingerprint = sha256(head.encode() + content).hexdigest()
    found = calls.begin(caller.name, key, fingerprint)
    if found is not None:
        return Response(found.body, found.status, content_type=JSON)
    try:
        answer = make()
    except BaseException:
        with suppress(StoreUnavailable):
            calls.delete(caller.name, key)
        raise
    with suppress(StoreUnavailable):  # It is done, whether or not a repeat will know.
        text = answer.get_data(as_text=True)
        calls.write(AnsweredCall(fingerprint, answer.status_code, text), caller.name, key)
    return answer
