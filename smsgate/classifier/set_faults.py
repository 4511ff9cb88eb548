"""What is wrong with a keyword set as it was written, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, get_args, get_type_hints

import msgspec

from smsgate.errors import Fault
from smsgate.settings.shape import nearest

_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(.+)`")
_UNKNOWN_VALUE = re.compile(r"Invalid enum value '(.*)' - at `\$\.(\w+)`", re.DOTALL)
_CALLING_CODE = re.compile(r"\+[1-9][0-9]{0,6}")


class Part(Protocol):
    """An entry or a phrase."""

    def problems(self) -> Iterator[str]:
        """What it says that cannot be meant."""
        ...


def check_parts(
    table: Mapping[str, Any], kinds: Mapping[str, type[Part]], place: str, faults: list[Fault]
) -> None:
    """Faults for each part of a file that is wrong, not only for the first."""
    for key, kind in kinds.items():
        parts = table.get(key, ())
        for index, part in enumerate(parts if isinstance(parts, list) else ()):
            faults += (Fault(place, f"{key}[{index + 1}]", wrong) for wrong in _wrong(part, kind))


def _wrong(part: object, kind: type[Part]) -> Iterator[str]:
    try:
        read = msgspec.convert(part, kind)
    except msgspec.ValidationError as error:
        yield plainly(error, kind)
    else:
        yield from read.problems()


def plainly(error: msgspec.ValidationError, kind: type) -> str:
    """What does not fit, with what would."""
    said = str(error)
    if found := _UNKNOWN_FIELD.match(said):
        name = found[1]
        return f"there is no {name!r}: {nearest(name, [*get_type_hints(kind)])}"
    if found := _UNKNOWN_VALUE.match(said):
        value, name = found.groups()
        known = ", ".join(get_args(get_type_hints(kind).get(name)))
        return f"{name} cannot be {value!r}: it is one of {known}"
    return said


def no_codes(countries: Iterable[str]) -> Iterator[str]:
    """What is no calling code among them."""
    for code in countries:
        if not _CALLING_CODE.fullmatch(code):
            yield f"{code!r} in countries is no calling code: write it such as +44"


def nothing_to_leave_out(without: Iterable[str], shipped: set[str] | None) -> Iterator[str]:
    """Words that a set leaves out of the shipped one though they are not in it.

    ``shipped``: its words without case; None where the set does not add to one.
    """
    for word in without:
        if shipped is None:
            yield f"{word!r} is left out of nothing: there is no shipped set that this one extends"
        elif word.casefold() not in shipped:
            yield f"{word!r} is no word of the shipped set: smsgate keywords list shows them"
