"""Values that people give, in forms and at terminals, as the request of an operation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

import msgspec

from smsgate.domain.errors import Unfit
from smsgate.interface.operation import Operation

T = TypeVar("T")
DOCUMENTED = "What it takes: GET /v1/openapi.json."
_MISSING = re.compile(r"missing required field `(\w+)`")


def read_values(operation: Operation[T, Any], values: Mapping[str, Any]) -> T:
    """The request that texts make, as a form and a command have them. Raises ``Unfit``."""
    try:
        return convert_values(operation, values)
    except msgspec.ValidationError as error:
        problem, name = str(error).partition(" - at `")[0], _field_of(error)
        if _MISSING.search(problem) or "matching regex" in problem:
            problem = "Fill this in"
        raise Unfit(f"{name}: {problem}." if name else f"{problem}.", field=name) from None


def _field_of(error: msgspec.ValidationError) -> str:
    missing = _MISSING.search(str(error))
    if missing:
        return missing[1]
    place = str(error).partition(" - at `$.")[2].rstrip("`")
    return place if place.isidentifier() else ""


def convert_values(
    operation: Operation[T, Any], values: Mapping[str, Any], *, strict: bool = False
) -> T:
    """The request of an operation; unless ``strict``, texts may stand for numbers and truths.

    Raises ``msgspec.ValidationError``.
    """
    given = {name: _with_zone(operation, name, value) for name, value in values.items()}
    return msgspec.convert(given, operation.request, strict=strict)


def plain_type(kind: Any) -> tuple[Any, msgspec.Meta | None]:  # noqa: ANN401 - any type
    """A field's type without ``Annotated`` and ``None``, and what it is annotated with."""
    meta = None
    if hasattr(kind, "__metadata__"):
        meta = next((one for one in kind.__metadata__ if isinstance(one, msgspec.Meta)), None)
        kind = get_args(kind)[0]
    options = [one for one in get_args(kind) if one is not type(None)]
    if type(None) in get_args(kind) and len(options) == 1:
        inner, inner_meta = plain_type(options[0])
        return inner, meta or inner_meta
    return kind, meta


def _with_zone(operation: Operation[T, Any], name: str, value: object) -> object:
    """A day or a time without a zone is one in UTC."""
    known = operation.fields.get(name)
    if known is None or not isinstance(value, str) or plain_type(known.type)[0] is not datetime:
        return value
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return value
    return found if found.tzinfo else found.replace(tzinfo=UTC)
