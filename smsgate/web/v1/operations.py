"""What an operation of ``/v1`` is, and how it is called: the key, its limit, then what it gives.

The table of operations is all there is: routes and the OpenAPI document are made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import msgspec
from flask import Request, Response

from smsgate.gateway import Gateway
from smsgate.pipeline.api_keys import Caller
from smsgate.records.keys import KeyScope
from smsgate.web.v1.reading import read_json, read_query

JSON = "application/json"
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation."""

    gateway: Gateway
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
    """The type of the body; None where there is none."""
    read_as: Any = None
    """As what the body is read, where its items are read one by one afterwards."""
    also: Mapping[int, str] = field(default_factory=dict)
    """Problems that not every operation has, by status."""
    html: bool = False
    """Whether the answer may be had as a page, too."""
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
        self, gateway: Gateway, caller: Caller, request: Request, path: Mapping[str, str]
    ) -> Response:
        """Answer one request whose key is right. Raises what is answered as a problem."""
        caller.require(self.scope)
        if not self.by_program:
            caller.require_all_programs()
        query = read_query(request, self.query) if self.query else None
        body = read_json(request, self.decoder) if self.body is not None else None
        outcome = self.run(Call(gateway, caller, request, path, query, body))
        if isinstance(outcome, Response):
            return outcome
        status, value = outcome
        return Response(_encode(value), status, content_type=JSON)
