"""Keys for /v1, to ask the gate, write, or administer.

The keys in SMSGATE_API_KEYS are not listed; each of them has every right.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated

import msgspec

from smsgate.api_keys import OF_ENVIRONMENT, PREFIX, ApiKeyRow, ApiKeys, KeyScope
from smsgate.domain.errors import KeyExists, NotFound, Unfit, UnknownProgram
from smsgate.domain.signed_times import time_of
from smsgate.interface.list_page import Action, ListPage
from smsgate.interface.operation import Column, Context, RowPage, operation
from smsgate.interface.schemas import NoFields
from smsgate.settings import Settings

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_SCOPES = {
    "check": "check: ask whether numbers may be texted",
    "write": "write: also read and change consent",
    "admin": "admin: full access",
}


class KeyRow(msgspec.Struct, frozen=True):
    """A key, without itself."""

    name: str
    scope: KeyScope
    programs: Annotated[list[str], Column("Limited to", "programs")]
    """What it is limited to; none: it is for every program."""
    created: datetime
    created_by: Annotated[str, Column("By")]
    expires: datetime | None


class KeyChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which key."""

    name: Annotated[
        str, msgspec.Meta(max_length=40, description="a to z, digits, dot, - and _, such as crm.")
    ]


class NewKey(KeyChoice):
    """A key to make."""

    scope: Annotated[
        KeyScope, msgspec.Meta(description="What it may do.", extra={"titles": _SCOPES})
    ]
    programs: Annotated[
        list[str], msgspec.Meta(description="Limit the key to these programs; none: all of them.")
    ] = []


class KeyRotation(KeyChoice):
    """Which key, and how long the old one stays valid."""

    grace: Annotated[
        float,
        msgspec.Meta(ge=0, le=24 * 90, description="Hours for which the current key still works."),
    ] = 24.0


class MadeKey(msgspec.Struct, frozen=True):
    """A key, this once: only its hash is kept."""

    name: str
    key: str


class RevokedKeys(msgspec.Struct, frozen=True):
    """How many keys of the name were ended."""

    name: str
    count: int


@operation(
    "GET /keys",
    command="keys list",
    role="admin",
    empty="No keys yet.",
)
def list_keys(_: Context, __: NoFields, keys: ApiKeys) -> RowPage[KeyRow]:
    """List the valid keys, by name and then the newest first."""
    return RowPage(
        [
            KeyRow(
                name=one.name,
                scope=one.scope,
                programs=[*one.programs],
                created=time_of(one.made_us),
                created_by=one.made_by,
                expires=time_of(one.ends_us) if one.ends_us else None,
            )
            for one in keys.all(_now_us())
        ]
    )


@operation(
    "POST /keys",
    command="keys make <name>",
    role="admin",
    status=201,
    example={"name": "crm", "scope": "write"},
    audit="made an API key",
    asks_again=True,
    shown_once="key",
    problems={409: "A key of that name opens already."},
)
def make_key(context: Context, request: NewKey, settings: Settings, keys: ApiKeys) -> MadeKey:
    """Make a key and show it once; only its hash is stored."""
    if not _NAME.fullmatch(request.name) or request.name == OF_ENVIRONMENT:
        raise Unfit(
            f"{request.name!r} is no fit name for a key: use a-z, 0-9, dot, - and _, such as crm",
            field="name",
        )
    names = [one.name for one in settings.programs]
    for program in request.programs:
        if program not in names:
            raise UnknownProgram(f"no program is called {program!r}; there are: {', '.join(names)}")
    key, row = _new_key(context, request.name, request.scope, request.programs)
    if keys.add(row):
        raise KeyExists(
            f"There is a key {row.name!r} already: revoke it, or rotate it with "
            f"`smsgate keys rotate {row.name}`.",
            field="name",
        )
    return MadeKey(row.name, key)


@operation(
    "POST /keys/<name>/rotate",
    command="keys rotate <name>",
    role="admin",
    example={"name": "crm", "grace": 2.0},
    audit="rotated an API key",
    asks_again=True,
    shown_once="key",
    problems={404: "No key of that name opens anything."},
)
def rotate_key(context: Context, request: KeyRotation, keys: ApiKeys) -> MadeKey:
    """Make a new key of that name; the old one stays valid for the hours of the grace."""
    known = (row for row in keys.all(_now_us()) if row.name == request.name)
    newest = next(known, None)
    if newest is None:
        raise _unknown(request.name)
    key, row = _new_key(context, newest.name, newest.scope, newest.programs)
    keys.add(row, ends_us=row.made_us + int(request.grace * 3_600_000_000))
    return MadeKey(row.name, key)


@operation(
    "DELETE /keys/<name>",
    command="keys revoke <name>",
    role="admin",
    example={"name": "crm"},
    audit="revoked an API key",
    asks_again=True,
    done="Revoked {count} keys named {name}; calls with them are refused within 5 seconds.",
    problems={404: "No key of that name opens anything."},
)
def revoke_key(_: Context, request: KeyChoice, keys: ApiKeys) -> RevokedKeys:
    """Revoke every key of that name; every process refuses it within 5 seconds."""
    ended = keys.end(request.name, _now_us())
    if not ended:
        raise _unknown(request.name)
    return RevokedKeys(request.name, len(ended))


def _new_key(
    context: Context, name: str, scope: KeyScope, programs: Sequence[str]
) -> tuple[str, ApiKeyRow]:
    key = PREFIX + secrets.token_urlsafe(32)
    digest, limits = sha256(key.encode()).digest(), tuple(dict.fromkeys(programs))
    actor = context.actor()
    return key, ApiKeyRow(
        secrets.token_hex(4), name, scope, digest, _now_us(), actor, programs=limits
    )


def _unknown(name: str) -> NotFound:
    return NotFound(f"no key {name!r} opens anything: `smsgate keys list` has those that do")


def _now_us() -> int:
    return time.time_ns() // 1000


def _of_environment(_: RowPage[KeyRow], settings: Settings) -> Sequence[tuple[str, str]]:
    count = len(settings.api_keys)
    return [("", f"{count} in SMSGATE_API_KEYS: full access, not listed here.")] if count else []


OPERATIONS = (list_keys, make_key, rotate_key, revoke_key)
PAGES = (
    ListPage(
        path="/console/setup/keys",
        title="API keys",
        operation=list_keys,
        notices=_of_environment,
        navigation="part_keys_tabs.html",
        create=Action(operation=make_key, label="Create key", done="Created"),
        help="Keys let your own programs call /v1: create one for each program that asks whether "
        "a number may be texted. Only a hash of each key is stored. Rotate makes a new key of the "
        "same name; Revoke ends all keys of the name within 5 seconds.",
        actions=(
            Action(operation=rotate_key, label="Rotate", done="Rotated"),
            Action(operation=revoke_key, label="Revoke", done="Revoked", is_danger=True),
        ),
    ),
)
