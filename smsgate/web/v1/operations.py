"""What an operation of ``/v1`` is, and how its query and body are read.

The table of operations is all there is: routes and the OpenAPI document are made from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias, TypeVar

import msgspec
from flask import Request, Response
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from smsgate.domain.errors import Unfit
from smsgate.pipeline.api_keys import Caller
from smsgate.pipeline.services import Services
from smsgate.records.api_keys import KeyScope

JSON, HTML = "application/json", "text/html"
MAX_BODY_BYTES = 1024 * 1024
"""10,000 numbers are about 200 KiB."""
_DOCUMENTED = "What it takes: GET /v1/openapi.json."
_NO_JSON = (ValueError, RecursionError)
"""Bytes that are no UTF-8 are no ``DecodeError``, and nor are a hundred thousand brackets."""
_encode = msgspec.json.encode
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation."""

    services: Services
    caller: Caller
    request: Request
    path: Mapping[str, str]
    query: Any
    """The query as the operation's ``query``."""
    body: Any
    """The body as the operation's ``body``."""

    def actor(self, given: str = "") -> str:
        """Who acts, for the record: the key, and whom its program names.

        A caller so cannot pass for somebody else.
        """
        name = f"api:{self.caller.name}"
        return f"{name}/{given.strip()}" if given.strip() else name


Outcome: TypeAlias = "tuple[int, Any] | Response"
"""Status and value, which becomes JSON; or an answer that is made already."""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    """Below ``/v1``, as Flask writes it: ``/numbers/<number>``."""
    scope: KeyScope
    summary: str
    run: Callable[[Call], Outcome]
    answers: Mapping[int, Any]
    """By status the type of what is answered."""
    query: type[msgspec.Struct] | None = None
    body: Any = None
    """The type of the body; None without a body."""
    read_as: Any = None
    """As what the body is read, where its items are read one by one afterwards."""
    also: Mapping[int, str] = field(default_factory=dict)
    """Problems that not every operation has, by status."""
    takes_file: bool = False
    """Whether the body is a file, which ``run`` reads as it comes."""
    answer_type: str = JSON
    """Media type of what is answered."""
    by_program: bool = False
    """Whether a key that is limited to programs may call it: ``run`` then keeps to those. Without,
    such a key is refused."""

    @cached_property
    def decoder(self) -> msgspec.json.Decoder[Any]:
        """Of the body."""
        return msgspec.json.Decoder(self.read_as or self.body)

    @property
    def name(self) -> str:
        """Of the function: unique, and the OpenAPI's ``operationId``."""
        return self.run.__name__

    def answer(
        self, services: Services, caller: Caller, request: Request, path: Mapping[str, str]
    ) -> Response:
        """Answer one request with a valid key. Its errors become problem responses."""
        caller.require(self.scope)
        if not self.by_program:
            caller.require_all_programs()
        query = _read_query(request, self.query) if self.query else None
        body = _read_json(request, self.decoder) if self.body is not None else None
        outcome = self.run(Call(services, caller, request, path, query, body))
        if isinstance(outcome, Response):
            return outcome
        status, value = outcome
        return Response(_encode(value), status, content_type=JSON)


def read_item(item: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
    """One item of a list. Raises ``Unfit`` for what this call does not take."""
    try:
        return _decoded(bytes(item), decoder)
    except msgspec.ValidationError as error:
        raise Unfit(_refusal("item", error)) from None


def _read_json(request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    """The body; items of a list stay as they came. Raises the HTTP error that says why not."""
    if request.mimetype != JSON:
        raise UnsupportedMediaType("Send JSON, with `Content-Type: application/json`.")
    try:
        return _decoded(request.get_data(cache=False), decoder)
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(_refusal("body", error)) from None


def _read_query(request: Request, shape: type[T]) -> T:
    given = request.args.to_dict(flat=False)
    twice = next((name for name, values in given.items() if len(values) > 1), None)
    if twice is not None:
        raise UnprocessableEntity(f"`{twice}` stands in the query more than once.")
    try:
        return msgspec.convert(
            {name: values[0] for name, values in given.items()}, shape, strict=False
        )
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(_refusal("query", error)) from None


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
