"""Reading what providers post: JSON, forms, and what every text must have."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar, cast

import msgspec
from msgspec import inspect

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.domain.phone import is_toll_free
from smsgate.domain.signing import Pair, path_secret, same
from smsgate.settings import Account

Shape = TypeVar("Shape")
_NETWORK_ANSWERED = frozenset({"STOP", "START", "UNSTOP"})
_ARRIVING = frozenset({"", "received", "receiving"})
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
"""The form of a UUID (RFC 9562, 4)."""
_ADDRESS = re.compile(r"[a-z]{2,20}:|\+?[0-9]{3}", re.ASCII)
"""How the address of somebody who texts begins: with its channel (``whatsapp:``), or a number."""


def check_path(request: WebhookRequest, account: Account, key: str) -> None:
    """Return if the address ends with one of the account's secrets under ``key``.

    For those who sign nothing: ``/webhooks/ACCOUNT/SECRET``. Raises ``SignatureRefused``.
    """
    given = path_secret(request.url)
    if not any(same(given, secret) for secret in account.values_of(key)):
        raise SignatureRefused(
            f"The address does not end with a `{key}` of the account, as in "
            "/webhooks/ACCOUNT/SECRET."
        )


def path_alone(request: WebhookRequest, account: Account, now_us: int) -> None:
    """Return if the address ends with a ``secret`` of the account: nothing else vouches for a text.

    Raises ``SignatureRefused``. For gateways that sign nothing. Import it ``as verify``.
    """
    del now_us
    check_path(request, account, "secret")


def id_doubt(
    id_: str,
    published: re.Pattern[str],
    signed: bytes,
    pairs: Iterable[Pair],
    names: Sequence[bytes],
) -> str:
    """Say why a message may be another one than the provider signed; nothing where it surely is.

    In ``signed``, the URL and the form as they are signed, nothing stands between a name and its
    value or between two fields. So whoever has one request can move these boundaries and keep its
    signature: the id then ends later (``SM…NumMedia0``), or begins at another place that spells
    its name, and the message looks new; or the sender is one that somebody texted. Whatever is
    cut, the id and the sender that the provider gave stay in ``signed``: so there may be no more
    of them than there are fields. ``published`` is the form of the provider's ids, all of one
    length; ``names`` are the fields with ids, that of the message first, whose name ends all
    others.
    """
    first = names[0].decode()
    if not published.fullmatch(id_):
        return f"{first} is not of the form that the provider gives it"
    spelled, given = signed.decode("latin-1"), dict.fromkeys(pairs)
    ids = [value for name, value in given if name in names]
    if _count(first, published, spelled) != _begin(ids, published):
        return f"{first} also stands in another place than the names of fields"
    senders = [value for name, value in given if name == b"From"]
    if _count("From", _ADDRESS, spelled) != _begin(senders, _ADDRESS):
        return "From also stands in another place than the names of fields"
    return ""


def _count(name: str, value: re.Pattern[str], text: str) -> int:
    """How often a text has the name of a field and behind it what may be its value."""
    return sum(1 for _ in re.finditer(f"{name}=?(?:{value.pattern})", text))


def _begin(values: Iterable[bytes], pattern: re.Pattern[str]) -> int:
    return sum(1 for value in values if pattern.match(value.decode("latin-1")))


def check_present(where: str, fields: Mapping[str, object], names: Iterable[str], who: str) -> None:
    """Return if all of ``names`` have a value. Raises ``Unreadable``, which says what is missing.

    ``where`` begins the sentence ("The form"), ``who`` ends it ("a text from Twilio").
    """
    missing = [name for name in names if not fields.get(name)]
    if missing:
        raise Unreadable(f"{where} lacks {', '.join(missing)}; {who} has them all.")


def answered_by_network(message: InboundMessage) -> bool:
    """Whether the US toll-free network answers this very text, whatever anybody sets.

    Blanks around the word do not matter to it (help.twilio.com, article 360058144374).
    """
    word = message.text.strip().upper()
    return word in _NETWORK_ANSWERED and is_toll_free(message.sender)


def network_alone(message: InboundMessage) -> str:
    """Say who answers this very message without us: ``network`` for toll-free, else nobody.

    For providers that answer no keyword of their own. Import it ``as answered``.
    """
    return "network" if answered_by_network(message) else ""


def is_status_form(fields: Mapping[str, str]) -> bool:
    """Whether a form of Twilio's shape is about a text of ours.

    In doubt it is one to us, which must not be lost.
    """
    if fields.get("SmsStatus", "") not in _ARRIVING:
        return True
    return fields.get("MessageStatus", "") not in _ARRIVING and "Body" not in fields


FATES = {one: one for one in ("delivered", "undelivered", "failed")}
"""What a status form of Twilio's shape calls the end of a text of ours: the same as we do."""


def known_of(code: str, codes: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """Return what an error says of the number, and that in our words; two empty ones else."""
    return codes.get(code, ("", ""))


def fate_in(told: str, fates: Mapping[str, str], kind: str) -> str:
    """Return the fate that a provider tells by its own word; what says ``kind`` did not arrive."""
    return fates.get(told, "undelivered" if kind else "")


def media_urls(fields: Mapping[str, str]) -> Iterator[str]:
    """Yield ``MediaUrl0``, ``MediaUrl1`` … of a form of Twilio's shape, up to the first gap."""
    position = 0
    while (url := fields.get(f"MediaUrl{position}")) is not None:
        yield url
        position += 1


def read_json(body: bytes, decoder: msgspec.json.Decoder[Shape], sender: str) -> Shape:
    """Return the JSON in ``body`` as the decoder's type.

    A member that is null where its type has no null is as none at all, and half an emoji does no
    harm: the rest of such a text may be STOP. Raises ``Unreadable``, which names the field and no
    value; ``sender`` begins the sentence.
    """
    try:
        if _is_whole(body):
            try:
                return decoder.decode(body)
            except msgspec.ValidationError:
                if b"null" not in body:
                    raise
        found = _without_nulls(
            json.loads(body.decode()), _type_info(cast("Hashable", decoder.type))
        )
        return decoder.decode(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise Unreadable(f"{sender} posts JSON of another shape: {error}.") from None


def json_parts(body: bytes, sender: str) -> list[bytes]:
    """Return the members of the JSON list in ``body``, each as JSON; else ``body`` alone.

    So that one member of another shape leaves the others readable. Raises ``Unreadable``.
    """
    if body.lstrip(b" \t\r\n")[:1] != b"[":
        return [body]
    return parts_of(read_json(body, _PARTS, sender), sender)


def parts_of(members: list[msgspec.Raw], sender: str) -> list[bytes]:
    """Return the members of a JSON list. Raises ``Unreadable`` where no batch has so many."""
    if len(members) > _MAX_PARTS:
        raise Unreadable(f"{sender} posts at most {_MAX_PARTS} parts in one request.")
    return [bytes(member) for member in members]


def _is_whole(body: bytes) -> bool:
    """Whether there can be no half of a surrogate pair in it."""
    return b"\\ud" not in body and b"\\uD" not in body


_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_MAX_PARTS = 10_000
"""Texts that have room in 1 MiB. Far more parts that are none have, and take seconds to refuse."""
_type_info = functools.cache(inspect.type_info)


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
