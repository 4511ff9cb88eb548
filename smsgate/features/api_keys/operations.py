"""Keys for /v1, to ask the gate, write, or administer.

The keys in SMSGATE_API_KEYS are not listed; each of them has every right.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from smsgate import api_keys
from smsgate.domain.errors import UnknownProgram
from smsgate.domain.signed_times import time_of
from smsgate.interface.list_page import Action, ListPage
from smsgate.interface.operation import Column, Context, Listing, operation
from smsgate.interface.schemas import NoFields
from smsgate.records import Records
from smsgate.records.api_keys import KeyScope
from smsgate.settings import Settings

KeyName = Annotated[
    str, msgspec.Meta(max_length=40, description="a to z, digits, dot, - and _, such as crm.")
]
_SCOPES = {
    "check": "check: ask whether numbers may be texted",
    "write": "write: also read and change consent",
    "admin": "admin: full access",
}


class KeyRow(msgspec.Struct, frozen=True):
    """A key, without itself."""

    name: str
    scope: KeyScope
    programs: list[str]
    """What it is limited to; none: it is for every program."""
    created: datetime
    created_by: str
    expires: datetime | None


class KeyList(msgspec.Struct, frozen=True):
    """By name, then the newest first."""

    items: list[KeyRow]


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    """A key to make."""

    name: KeyName
    scope: Annotated[
        KeyScope, msgspec.Meta(description="What it may do.", extra={"titles": _SCOPES})
    ]
    programs: Annotated[
        list[str], msgspec.Meta(description="Limit the key to these programs; none: all of them.")
    ] = []


class KeyRotation(msgspec.Struct, forbid_unknown_fields=True):
    """Which key, and how long the old one stays valid."""

    name: KeyName
    grace: Annotated[
        float,
        msgspec.Meta(ge=0, le=24 * 90, description="Hours for which the current key still works."),
    ] = 24.0


class KeyChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which key."""

    name: KeyName


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
    example={},
    listing=Listing(
        (
            Column("name", "Name"),
            Column("scope", "Scope"),
            Column("programs", "Limited to", "programs"),
            Column("created", "Created", "time"),
            Column("created_by", "By"),
            Column("expires", "Expires", "time"),
        ),
        empty="No keys yet.",
    ),
)
def list_keys(_: Context, request: NoFields, records: Records) -> KeyList:  # noqa: ARG001
    """List the valid keys."""
    return KeyList(
        [
            KeyRow(
                name=one.name,
                scope=one.scope,
                programs=[*one.programs],
                created=time_of(one.made_us),
                created_by=one.made_by,
                expires=time_of(one.ends_us) if one.ends_us else None,
            )
            for one in records.keys.all(_now_us())
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
def make_key(context: Context, request: NewKey, settings: Settings, records: Records) -> MadeKey:
    """Make a key and show it once; only its hash is stored."""
    names = [one.name for one in settings.programs]
    for program in request.programs:
        if program not in names:
            raise UnknownProgram(f"no program is called {program!r}; there are: {', '.join(names)}")
    limits = [*dict.fromkeys(request.programs)]
    actor = context.actor()
    key = api_keys.make(records.keys, request.name, request.scope, actor, _now_us(), limits)
    return MadeKey(request.name, key)


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
def rotate_key(context: Context, request: KeyRotation, records: Records) -> MadeKey:
    """Make a new key of that name; the old one stays valid for the hours of the grace."""
    grace_s = request.grace * 3600
    key = api_keys.rotate(records.keys, request.name, grace_s, context.actor(), _now_us())
    return MadeKey(request.name, key)


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
def revoke_key(_: Context, request: KeyChoice, records: Records) -> RevokedKeys:
    """Revoke every key of that name; every process refuses it within 5 seconds."""
    count = api_keys.revoke(records.keys, request.name, _now_us())
    return RevokedKeys(request.name, count)


def _now_us() -> int:
    return time.time_ns() // 1000


def _of_environment(_: KeyList, settings: Settings) -> Sequence[tuple[str, str]]:
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
