"""A record of JSON: one object a line, of plain values."""

from __future__ import annotations

import msgspec

_decode = msgspec.json.Decoder(dict[str, object]).decode
_BROKEN = (msgspec.DecodeError, UnicodeEncodeError, RecursionError)


def json_row(raw: str) -> dict[str, object] | None:
    """The object in a line; None where there is none that can be read.

    That is what is no JSON or no object, half a surrogate pair, and thousands of objects inside
    each other.
    """
    try:
        return _decode(raw)
    except _BROKEN:
        return None


def json_cell(value: object) -> str:
    """A value as the cell of a table; of objects and lists nothing but that they are."""
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    return "" if value is None else str(value)


def with_values(raw: str, added: dict[str, str]) -> str:
    """The object with values more; one that cannot be read stays as it is."""
    row = json_row(raw)
    if row is None:
        return raw
    try:
        return msgspec.json.encode(row | added).decode()
    except RecursionError:
        return raw
