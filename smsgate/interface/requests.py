"""Reading a request of ``/v1`` into the type that an operation takes, strictly."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec
from flask import Request
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from smsgate.domain.errors import Unfit
from smsgate.interface.operation import Operation, Upload
from smsgate.interface.values import convert_values

JSON, PROBLEM = "application/json", "application/problem+json"
MAX_BODY_BYTES = 1024 * 1024
"""10,000 numbers are about 200 KiB."""
MAX_UPLOAD_BYTES = 1 << 30
_DOCUMENTED = "What it takes: GET /v1/openapi.json."
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
        sentence = f"The request is not what this call takes: {error}. {_DOCUMENTED}"
        raise UnprocessableEntity(sentence) from None


def _read_json(operation: Operation[T, Any], request: Request, path: Mapping[str, str]) -> T:
    if request.mimetype != JSON:
        raise UnsupportedMediaType("Send JSON, with `Content-Type: application/json`.")
    kind: Any = dict[str, Any] if path else operation.request
    if operation.body:  # items of a list stay as they came
        kind = operation.fields[operation.body].type
    try:
        given = msgspec.json.decode(request.get_data(cache=False), type=kind)
    except msgspec.ValidationError:
        raise
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is no JSON: {error}.") from None
    if operation.body:
        return operation.request(**path, **{operation.body: given})
    if path:
        return convert_values(operation, {**given, **path}, strict=True)
    found: T = given
    return found


def read_item(item: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """One item of a list. Raises ``Unfit`` for what this call does not take."""
    try:
        return decoder.decode(item)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Unfit(f"The item is not what this call takes: {error}. {_DOCUMENTED}") from None
