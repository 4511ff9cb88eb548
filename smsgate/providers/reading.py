"""Reading what providers post: JSON of a known shape, batches, and the text that a format promises.

Absent is not blank: what is not there may be a STOP. A field that is there and empty, or null, is
an empty text. One that is not there is refused with the names of those that are, unless messages
of that kind may come without words (pictures, locations). Names may be anybody's, so only what
looks like one is shown.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import TypeAlias, TypeVar, cast

import msgspec
from msgspec import UNSET, UnsetType, inspect

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import HttpReply, InboundMessage, WebhookRequest
from smsgate.domain.signing import as_bytes, is_form, path_secret, same
from smsgate.settings import Account

Shape = TypeVar("Shape", bound=msgspec.Struct)
Part = TypeVar("Part")
Value = TypeVar("Value")
GivenText: TypeAlias = str | UnsetType | None
"""A member that may hold a text: ``UNSET`` where the request does not have it."""
MASK = "•••"
_MAX_NAMES = 30
_MAX_DEPTH = 4
_MAX_MEMBERS = 2000
"""Members of a JSON body that are looked at for their names."""
_MAX_PARTS = 10_000
"""Texts that have room in 1 MiB. Far more parts that are none have, and take seconds to refuse."""
# Three digits at most, so that no number passes for a name.
_NAME = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,39}[0-9]{0,3}")


class PartUnreadable(Unreadable):
    """One message of a genuine request cannot be read.

    ``others`` are those that can. They are stored, since a STOP among them cannot be asked for
    again; the request is refused all the same.
    """

    others: tuple[InboundMessage, ...] = ()


class TextMissing(PartUnreadable):
    """A genuine message does not have the field in which its format promises the text."""

    def __init__(self, field: str, request: WebhookRequest) -> None:
        """Keep what was looked for and where.

        Args:
            field: the name of the field, as the provider documents it.
            request: that it is not in.
        """
        super().__init__(field)
        self.field = field
        self.request = request

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the fields that came instead (see ``field_names``)."""
        return field_names(self.request)

    def __str__(self) -> str:
        """Say what is missing and what came instead, by names alone."""
        came = f"it has {', '.join(self.names)}" if self.names else "it has no fields"
        return f"The request lacks {self.field}, in which a text must stand; {came}."


def check_path(request: WebhookRequest, account: Account, key: str) -> None:
    """Return if the address ends with one of the account's secrets under ``key``.

    For providers that sign nothing: ``/webhooks/ACCOUNT/SECRET``. Raises ``SignatureRefused``.
    """
    given = path_secret(request.url)
    if not any(same(given, secret) for secret in account.values_of(key)):
        raise SignatureRefused(
            f"The address does not end with a `{key}` of the account, as in "
            "/webhooks/ACCOUNT/SECRET."
        )


def check_present(where: str, fields: Mapping[str, object], names: Iterable[str], who: str) -> None:
    """Return if all of ``names`` have a value. Raises ``Unreadable``, which says what is missing.

    ``where`` begins the sentence ("The form"), ``who`` ends it ("a text from Twilio").
    """
    missing = [name for name in names if not fields.get(name)]
    if missing:
        raise Unreadable(f"{where} lacks {', '.join(missing)}; {who} has them all.")


def promised_text(
    given: GivenText, field: str, request: WebhookRequest, *, optional: bool = False
) -> str:
    """Return the text of a message; an empty one where it is blank or null.

    Args:
        given: the value of the field.
        field: its name, as the provider documents it.
        request: with the message, for the names of its fields.
        optional: whether this message may come without the field: for pictures, locations, and
            where the provider itself says what it took the text for.

    Raises ``TextMissing`` where the field is not there and must be.
    """
    if given is not UNSET:
        return given or ""
    if optional:
        return ""
    raise TextMissing(field, request)


# --- JSON -----------------------------------------------------------------------------------------


_cached_decoder = functools.cache(msgspec.json.Decoder)
_type_info = functools.cache(inspect.type_info)


def _decoder(shape: type[Value]) -> msgspec.json.Decoder[Value]:
    return _cached_decoder(cast("Hashable", shape))


def read_json(body: bytes, shape: type[Value], sender: str) -> Value:
    """Return the JSON in ``body`` as the type ``shape``.

    A member that is null where its type has no null is as none at all, and half an emoji does no
    harm: the rest of such a text may be STOP. Raises ``Unreadable``, which names the field and no
    value; ``sender`` begins the sentence.
    """
    decoder = _decoder(shape)
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


def read_answer(response: HttpReply, shape: type[Shape]) -> Shape:
    """Return the JSON of a response to a call of ours; an empty ``shape`` for anything else."""
    try:
        return _decoder(shape).decode(response.body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return shape()


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


def read_each(
    parts: Iterable[Part], read: Callable[[Part], InboundMessage | None]
) -> list[InboundMessage]:
    """Return the messages of a batch; ``read`` gives None for a part that is no text to us.

    Raises what ``read`` first raised, ``Unreadable`` or ``TextMissing``, after it has read every
    part. With it go the messages that can be read; where there are some, ``Unreadable`` becomes
    ``PartUnreadable``.
    """
    messages: list[InboundMessage] = []
    refused: Unreadable | None = None
    for part in parts:
        try:
            message = read(part)
        except Unreadable as error:
            refused = refused or error
        else:
            messages += [message] if message is not None else []
    if refused is None:
        return messages
    if messages and not isinstance(refused, PartUnreadable):
        refused = PartUnreadable(str(refused))
    if isinstance(refused, PartUnreadable):
        refused.others = tuple(messages)
    raise refused


def readable(parts: Iterable[Part], read: Callable[[Part], Value]) -> Iterator[Value]:
    """Yield what can be read of a batch, for delivery reports: ``parse`` refuses the rest."""
    for part in parts:
        with suppress(Unreadable):
            yield read(part)


# --- the names of a request's fields --------------------------------------------------------------


def field_names(request: WebhookRequest) -> tuple[str, ...]:
    """Return the names of a request's fields, sorted, and never a value.

    Of the query, and of the form or the JSON in the body; there dots lead into objects. Thirty
    at most; what does not look like a name is masked.
    """
    members = _json_paths(request.body)
    if members is None:
        posted = is_form(request.headers.get("content-type", ""))
        members = _form_names(request.body) if posted else iter(())
    found = {*_form_names(as_bytes(request.query)), *islice(members, _MAX_MEMBERS)}
    return tuple(sorted(found)[:_MAX_NAMES])


def shown_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return each name once: as it is where it looks like one, else masked."""
    return tuple(dict.fromkeys(_shown(name) for name in names))


def _shown(name: str) -> str:
    return name if _NAME.fullmatch(name) else MASK


def _form_names(raw: bytes) -> Iterator[str]:
    """Of ``name=value`` alone: a body without ``=`` is no form but may be the text itself."""
    for piece in raw.split(b"&"):
        name, equals, _ = piece.partition(b"=")
        if equals:
            yield _shown(name.decode("latin-1"))


def _json_paths(body: bytes) -> Iterator[str] | None:
    """The names in a JSON object or list; None where the body is neither."""
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return _paths(found, "", _MAX_DEPTH) if isinstance(found, dict | list) else None


def _paths(value: object, outer: str, depth: int) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _paths(one, outer, depth)
    elif isinstance(value, dict):
        for name, inner in value.items():
            path = f"{outer}{_shown(name)}"
            parts = inner if isinstance(inner, list) else [inner]
            objects = [one for one in parts if one and isinstance(one, dict)]
            if not objects or depth == 1:
                yield path
            for one in objects if depth > 1 else ():
                yield from _paths(one, f"{path}.", depth - 1)
