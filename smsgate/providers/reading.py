"""Reading what providers post: JSON of a known shape, and batches."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from typing import TypeVar, cast

import msgspec
from msgspec import inspect

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import HttpReply

Part = TypeVar("Part")
Value = TypeVar("Value")
Shape = TypeVar("Shape", bound=msgspec.Struct)
_MAX_PARTS = 10_000
"""Texts that have room in 1 MiB. Far more parts that are none have, and take seconds to refuse."""


# --- JSON -----------------------------------------------------------------------------------------


_cached_decoder = functools.cache(msgspec.json.Decoder)
_type_info = functools.cache(inspect.type_info)


def read_json(body: bytes, shape: type[Value], sender: str) -> Value:
    """Return the JSON in ``body`` as the type ``shape``.

    A member that is null where its type has no null is as none at all, and half an emoji does no
    harm: the rest of such a text may be STOP. Raises ``Unreadable``, which names the field and no
    value; ``sender`` begins the sentence.
    """
    decoder: msgspec.json.Decoder[Value] = _cached_decoder(cast("Hashable", shape))
    try:
        # Without this there can be no half of a surrogate pair in it.
        if b"\\ud" not in body and b"\\uD" not in body:
            try:
                return decoder.decode(body)
            except msgspec.ValidationError:
                if b"null" not in body:
                    raise
        found = _without_nulls(json.loads(body.decode()), _type_info(cast("Hashable", shape)))
        return decoder.decode(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unreadable(f"{sender} posts JSON of another shape: {error}.") from None


def _without_nulls(value: object, wanted: inspect.Type) -> object:
    """Leave out members that are null where the type that is wanted has no null."""
    for kind in wanted.types if isinstance(wanted, inspect.UnionType) else (wanted,):
        if isinstance(kind, inspect.StructType) and isinstance(value, dict):
            types = {field.encode_name: field.type for field in kind.fields}
            return {
                name: _without_nulls(member, types[name]) if name in types else member
                for name, member in value.items()
                if member is not None or name not in types or _takes_null(types[name])
            }
        if isinstance(kind, inspect.ListType) and isinstance(value, list):
            return [_without_nulls(member, kind.item_type) for member in value]
    return value


def _takes_null(wanted: inspect.Type) -> bool:
    kinds = wanted.types if isinstance(wanted, inspect.UnionType) else (wanted,)
    return any(isinstance(kind, inspect.NoneType | inspect.RawType) for kind in kinds)


def read_answer(response: HttpReply, shape: type[Shape]) -> Shape:
    """Return the JSON of a response to a call of ours; an empty ``shape`` for anything else."""
    try:
        return msgspec.json.decode(response.body, type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return shape()


# --- batches --------------------------------------------------------------------------------------


def json_parts(body: bytes, sender: str) -> list[bytes]:
    """Return the members of the JSON list in ``body``, each as JSON; else ``body`` alone.

    So that one member of another shape leaves the others readable. Raises ``Unreadable``.
    """
    if body.lstrip(b" \t\r\n")[:1] != b"[":
        return [body]
    return parts_of(read_json(body, list[msgspec.Raw], sender), sender)


def parts_of(members: list[msgspec.Raw], sender: str) -> list[bytes]:
    """Return the members of a JSON list. Raises ``Unreadable`` where no batch has so many."""
    if len(members) > _MAX_PARTS:
        raise Unreadable(f"{sender} posts at most {_MAX_PARTS} parts in one request.")
    return [bytes(member) for member in members]


def readable(parts: Iterable[Part], read: Callable[[Part], Value]) -> Iterator[Value]:
    """Yield what can be read of a batch, for delivery reports: ``parse`` refuses the rest."""
    for part in parts:
        with suppress(Unreadable):
            yield read(part)


def text_of(raw: bytes) -> str:
    """Read as UTF-8, else as Latin-1, in which every byte is a letter.

    For gateways that may send either: a text that is refused for its letters would be lost.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
