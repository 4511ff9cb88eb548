"""Values that people give, in forms and at terminals, as the request of an operation.

The fields of forms are made from those of requests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from smsgate.domain.errors import Unfit
from smsgate.domain.messages import ALL
from smsgate.domain.signed_times import time_of
from smsgate.domain.time_zones import day_end_us, day_start_us, find_zone, zone_names
from smsgate.interface.operation import Operation
from smsgate.settings import Program

DAYS = ("since", "until")
"""Fields of requests with times; on a page they are days, both included."""
ZONE = "zone"
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
    """The request of an operation.

    Unless ``strict``, texts may stand for numbers and truths, and times without a zone are in UTC.

    Raises ``msgspec.ValidationError``.
    """
    if not strict:
        values = {name: _with_zone(operation, name, value) for name, value in values.items()}
    return msgspec.convert(values, operation.request, strict=strict)


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


@dataclass(frozen=True, slots=True)
class Input:
    """A field of a form."""

    name: str
    label: str
    kind: Literal["text", "day", "select", "check", "checks"]
    options: Sequence[tuple[str, str]] = ()
    help: str = ""
    error: str = ""
    is_required: bool = False


def input_of(field: msgspec.structs.FieldInfo, programs: Iterable[Program]) -> Input:
    """The field of a form for a field of a request."""
    kind, meta = plain_type(field.type)
    label = (meta.title if meta else "") or field.name.replace("_", " ").capitalize()
    made = Input(field.name, label, "text")
    help_ = (meta.description if meta else "") or ""
    titles = [(one.name, one.title) for one in programs]
    if get_origin(kind) is list:
        return replace(made, kind="checks", options=titles, help=help_)
    if field.name == "scope" and kind is str:
        options = (("", "Any"), (ALL, "All programs"), *titles)
        return replace(made, kind="select", options=options)
    if field.name == "program":
        return replace(made, kind="select", options=(("", "All programs"), *titles))
    if get_origin(kind) is Literal:
        words = (meta.extra or {}).get("titles", {}) if meta else {}
        named = [(one, words.get(one) or _words(one)) for one in get_args(kind)]
        return replace(made, kind="select", options=named)
    if kind is bool:
        return replace(made, kind="check")
    if kind is datetime:
        return replace(made, kind="day", label="From" if field.name == DAYS[0] else "To")
    return replace(made, help=help_, is_required=field.required)


def _words(value: str) -> str:
    return value.replace("_", " ").capitalize() or "Any"


def filter_values(typed: Mapping[str, str], own_zone: tzinfo) -> dict[str, str]:
    """Filters as a request takes them: days are moments in the zone of the form.

    Raises ``Unfit`` for the field that is wrong.
    """
    zone = typed_zone(typed.get(ZONE, ""), own_zone, DAYS[0])
    given = {name: text for name, text in typed.items() if text and name != ZONE}
    found = {name: _moment(name, text, zone) for name, text in given.items()}
    if found.get(DAYS[0], "") >= found.get(DAYS[1], "9"):
        raise Unfit("The first day is after the last. Swap them.", field=DAYS[0])
    return found


def typed_zone(name: str, own: tzinfo, field: str = ZONE) -> tzinfo:
    """The zone that a form names, else one's own. Raises ``Unfit`` for the field."""
    if name and name not in zone_names():
        problem = f"There is no time zone {name[:40]!r}: choose yours under your name."
        raise Unfit(problem, field=field)
    return find_zone(name) if name else own


def _moment(name: str, text: str, zone: tzinfo) -> str:
    if name not in DAYS:
        return text
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Unfit(f"{text[:40]!r} is not a date. Use 2026-11-24.", field=name) from None
    return time_of((day_start_us if name == DAYS[0] else day_end_us)(day, zone)).isoformat()
