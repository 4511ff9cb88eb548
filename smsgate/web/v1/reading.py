"""Reading what a call gives: its body and its query, refused with a sentence that says why."""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec
from flask import Request
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from smsgate.domain.errors import Unfit

API_LIMIT = 1024 * 1024
"""Bytes of a request's body; 10,000 numbers are about 200 KiB."""
_DOCUMENTED = "What it takes: GET /v1/openapi.json."
_NO_JSON = (ValueError, RecursionError)
"""Bytes that are no UTF-8 are no ``DecodeError``, and nor are a hundred thousand brackets."""
T = TypeVar("T")


def read_json(request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as what the decoder makes of it. Raises the HTTP error that says what is wrong.

    Items of a list stay as they came: ``read_item`` reads each by itself.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send JSON, with `Content-Type: application/json`.")
    body = request.get_data(cache=False)
    try:
        return _decoded(body, decoder)
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(_not_taken("body", error)) from None


def read_item(item: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """One item of a list. Raises ``Unfit`` for what this call does not take."""
    try:
        return _decoded(bytes(item), decoder)
    except msgspec.ValidationError as error:
        raise Unfit(_not_taken("item", error)) from None


def _decoded(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        value = decoder.decode(body)
        if not isinstance(value, list):
            _refuse_twice(body, decoder.type)
    except msgspec.ValidationError:
        raise
    except _NO_JSON as error:
        raise BadRequest(f"The body is no JSON: {error}.") from None
    return value


def read_query(request: Request, shape: type[T]) -> T:
    """The query as a struct. Raises ``UnprocessableEntity``."""
    given = request.args.to_dict(flat=False)
    twice = [name for name, values in given.items() if len(values) > 1]
    if twice:
        raise UnprocessableEntity(f"`{twice[0]}` stands in the query more than once.")
    try:
        return msgspec.convert(
            {name: values[0] for name, values in given.items()}, shape, strict=False
        )
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(_not_taken("query", error)) from None


def _not_taken(part: str, error: msgspec.ValidationError) -> str:
    return f"The {part} is not what this call takes: {error}. {_DOCUMENTED}"


def _refuse_twice(body: bytes, shape: Any) -> None:  # noqa: ANN401 - a type, or a union of types
    """Refuse a key that stands twice in one object: readers differ in which of them counts.

    The one call that is large is spared a second parse: a key without escapes that is there once
    cannot be there twice.
    """
    names = getattr(shape, "__struct_fields__", None)
    if names and b"\\" not in body and all(body.count(f'"{one}"'.encode()) < 2 for one in names):
        return
    json.loads(body, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise msgspec.ValidationError(f"the key `{twice}` stands in one object more than once")
    return found
