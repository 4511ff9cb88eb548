"""Reading a request of ``/v1`` into the type that an operation takes, strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from flask import Request
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from smsgate.domain.errors import Unfit
from smsgate.interface.operation import Operation, Upload
from smsgate.interface.values import read_values

JSON, PROBLEM = "application/json", "application/problem+json"
MAX_BODY_BYTES = 1024 * 1024
"""10,000 numbers are about 200 KiB."""
MAX_UPLOAD_BYTES = 1 << 30
_DOCUMENTED = "What it takes: GET /v1/openapi.json."
_NO_JSON = (ValueError, RecursionError)
"""Bytes that are no UTF-8 are no ``DecodeError``, and nor are a hundred thousand brackets."""
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
    if operation.body:
        value = _decoded_body(request, _decoder(operation.fields[operation.body].type))
        return operation.request(**{**path, operation.body: value})
    if operation.method == "POST" and not operation.upload:
        if not {*operation.fields} - {*path}:
            return _converted("path", dict(path), operation.request, strict=True)
        if not path:
            whole: T = _decoded_body(request, _decoder(cast("Any", operation.request)))
            return whole
        given = _decoded_body(request, _decoder(dict[str, Any]))
        _refuse_of_path(given, path)
        return _converted("body", {**given, **path}, operation.request, strict=True)
    given = _query(request)
    _refuse_of_path(given, path)
    if operation.upload:
        request.max_content_length = MAX_UPLOAD_BYTES
        upload = Upload(request.stream, str(given.get("name", "")), request.content_length)
        return read_values(operation, {**given, **path}, upload)
    return _converted("query", {**given, **path}, operation.request, strict=False)


def read_item(item: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """One item of a list. Raises ``Unfit`` for what this call does not take."""
    try:
        return _decoded(bytes(item), decoder)
    except msgspec.ValidationError as error:
        raise Unfit(_refusal("item", error)) from None


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type, or a union
    return msgspec.json.Decoder(kind)


def _decoded_body(request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    """The body; items of a list stay as they came. Raises the HTTP error that says why not."""
    if request.mimetype != JSON:
        raise UnsupportedMediaType("Send JSON, with `Content-Type: application/json`.")
    try:
        return _decoded(request.get_data(cache=False), decoder)
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(_refusal("body", error)) from None


def _query(request: Request) -> dict[str, str]:
    given = request.args.to_dict(flat=False)
    twice = next((name for name, values in given.items() if len(values) > 1), None)
    if twice is not None:
        raise UnprocessableEntity(f"`{twice}` stands in the query more than once.")
    return {name: values[0] for name, values in given.items()}


def _refuse_of_path(given: Mapping[str, object], path: Mapping[str, str]) -> None:
    twice = next((name for name in path if name in given), None)
    if twice is not None:
        raise UnprocessableEntity(f"`{twice}` belongs in the path. {_DOCUMENTED}")


def _converted(part: str, values: Mapping[str, object], kind: type[T], *, strict: bool) -> T:
    try:
        return msgspec.convert(values, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(_refusal(part, error)) from None


def _decoded(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        value = decoder.decode(body)
        if not isinstance(value, list):
            _refuse_repeated_keys(body, decoder.type)
    except msgspec.ValidationError:
        raise
    except _NO_JSON as error:
        raise BadRequest(f"The body is no JSON: {error}.") from None
    return value


def _refusal(part: str, error: msgspec.ValidationError) -> str:
    return f"The {part} is not what this call takes: {error}. {_DOCUMENTED}"


def _refuse_repeated_keys(body: bytes, shape: Any) -> None:  # noqa: ANN401 - a type, or a union
    """Refuse a key that stands twice in one object: readers differ in which of them counts.

    The one call that is large is spared a second parse: a key without escapes that is there once
    cannot be there twice.
    """
    names = getattr(shape, "__struct_fields__", None)
    if names and b"\\" not in body and all(body.count(f'"{one}"'.encode()) < 2 for one in names):
        return
    json.loads(body, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise msgspec.ValidationError(f"the key `{twice}` stands in one object more than once")
    return found
