"""People who may sign in to the console, and their roles.

Nobody types a password here: a link lets its holder set one, once.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import msgspec
from sqlalchemy import delete

from smsgate.domain.errors import CallFailed, Unfit
from smsgate.domain.signed_times import time_of
from smsgate.features.operators.service import (
    EMAIL_TAKEN,
    FIRST_LINK_S,
    LINK_S,
    ActionAuthor,
    OperatorError,
    OperatorRow,
    OperatorService,
    find_operators,
    first_link,
    fold_email,
    insert,
    log_action,
    make_link,
    new_row,
    now_us,
    refuse_last_admin,
)
from smsgate.interface.list_page import Action, ListPage, Tab
from smsgate.interface.operation import Column, Context, Listing, Role, operation
from smsgate.notifications import send_email
from smsgate.records.console_tables import credentials, operators

_TITLES = {
    "viewer": "Viewer: sees",
    "agent": "Agent: also decides reviews, opts numbers out and in, and imports lists",
    "admin": "Admin: also configures, erases texts, and manages API keys and people",
}
RoleChoice = Annotated[
    Role, msgspec.Meta(title="Role", description="What they may do.", extra={"titles": _TITLES})
]
Address = Annotated[
    str, msgspec.Meta(title="E-mail", description="For the link, notices, and single sign-on.")
]
_EMAIL = """Hello {name},

{by} {did}. To set your password, open this link within {hours} hours. It works once:

{link}

If you did not expect this e-mail, do not open the link, and tell {by}.
"""


_HERE = ("", "127.0.0.1", "::1")
"""The terminal, and a browser on this machine."""


class PersonQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Everybody."""


class PersonRow(msgspec.Struct, frozen=True):
    """Who may sign in, or might once."""

    name: str
    role: str
    state: str
    two_step: bool
    """Whether sign-in asks for more than the password."""
    email: str
    added: datetime
    added_by: str


class PersonList(msgspec.Struct, frozen=True):
    """By name; those who are deactivated last."""

    items: list[PersonRow]


class PersonChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Who."""

    name: Annotated[
        str, msgspec.Meta(description="As they sign in, such as maria or maria@example.com.")
    ]


class PersonRole(PersonChoice):
    """Who gets which role."""

    role: RoleChoice


class NewPerson(PersonRole):
    """Somebody to add."""

    email: Address = ""


class PersonReset(PersonChoice):
    """Whose password is removed, and what else."""

    second_factor: Annotated[
        bool,
        msgspec.Meta(
            title="Also turn off two-step sign-in, passkeys too",
            description="Remove the second factor as well, passkeys too.",
        ),
    ] = False
    email: Address = ""


class SignInLink(msgspec.Struct, frozen=True):
    """A link that sets a password, this once: only its digest is kept."""

    link: str
    """Empty where it went by e-mail."""
    ends: datetime
    message: str
    """What became of it, and what to do with it."""


@operation(
    command="operators list",
    role="admin",
    example={},
    listing=Listing(
        (
            Column("name", "Name"),
            Column("role", "Role"),
            Column("state", "State"),
            Column("two_step", "Two-step sign-in"),
            Column("email", "E-mail"),
            Column("added", "Added", "time"),
            Column("added_by", "By"),
        ),
        empty="Nobody can sign in yet: make a link with `smsgate operators first`.",
    ),
)
def list_people(context: Context, request: PersonQuery) -> PersonList:  # noqa: ARG001 - it has none
    """List everybody, those who are deactivated last."""
    return PersonList(
        [
            PersonRow(
                name=row.name,
                role=row.role,
                state=_state(row),
                two_step=row.has_second_factor,
                email=row.email,
                added=time_of(row.made_us),
                added_by=row.made_by,
            )
            for row in find_operators(context.services.records.database)
        ]
    )


@operation(command="operators first", role="admin", example={}, shown_once="link", done="{message}")
def make_first_link(context: Context, request: PersonQuery) -> SignInLink:  # noqa: ARG001
    """Make the link for the first admin. Exit code 2 if there are operators already."""
    path = first_link(context.services.records)
    if path is None:
        raise OperatorError(
            "There are operators already: `smsgate operators add NAME --role admin` adds one, "
            "`smsgate operators reset NAME` lets a person in again."
        )
    return _shown(context, path, FIRST_LINK_S, "It makes the first admin, once")


@operation(
    command="operators add <name>",
    role="admin",
    example={"name": "maria", "role": "agent"},
    asks_again=True,
    shown_once="link",
    done="{message}",
)
def add_person(context: Context, request: NewPerson) -> SignInLink:
    """Add a person, and make the link to set their password."""
    people, email = _people(context), fold_email(request.email)
    _base(context)
    row = new_row(request.name, request.role, context.actor(), email)
    note = f"as {row.role}" + (f", with the e-mail address {email}" if email else "")
    with people.database.writing() as connection:
        if not insert(connection, operators, asdict(row)):
            if row.folded not in [other.folded for other in find_operators(people.database)]:
                raise Unfit(EMAIL_TAKEN, field="email")
            raise OperatorError(
                "There is an operator of that name already: use another one. If the same "
                "person is deactivated, reset them instead."
            )
        log_action(connection, "person added", row.name, _author(context), note)
        path = make_link(connection, row.id)
    return _handed_over(context, path, row.name, email, "gave you access to smsgate")


@operation(
    command="operators reset <name>",
    role="admin",
    example={"name": "maria", "second_factor": True},
    asks_again=True,
    shown_once="link",
    done="{message}",
)
def reset_person(context: Context, request: PersonReset) -> SignInLink:
    """Remove a password, and make the link to set a new one.

    It ends their sessions, unbinds them from single sign-on, and lifts a deactivation.
    """
    people = _people(context)
    _base(context)
    row = people.named(request.name)
    email = fold_email(request.email) or row.email
    values: dict[str, str | int] = {"password_hash": "", "ended_us": 0, "subject": ""}
    notes = ["reactivated"] if row.ended_us else []
    if email != row.email:
        notes.append(f"e-mail address {row.email or 'none'} changed to {email}")
        values["email"] = email
    if request.second_factor:
        notes.append("two-step sign-in turned off")
    with people.changing(
        row, "sign-in reset", _author(context), "; ".join(notes), values
    ) as connection:
        if request.second_factor:
            connection.execute(delete(credentials).where(credentials.c.operator_id == row.id))
        path = make_link(connection, row.id)
    did = "reset your password for smsgate"
    return _handed_over(context, path, row.name, request.email, did)


@operation(
    command="operators role <name> <role>",
    role="admin",
    example={"name": "maria", "role": "admin"},
    asks_again=True,
    done="{name} now has the role {role} and must sign in again.",
)
def set_role(context: Context, request: PersonRole) -> None:
    """Give a person another role. They must sign in again."""
    people = _people(context)
    row, values = people.named(request.name), {"role": request.role}
    if request.role != row.role:
        note = f"{row.role} to {request.role}"
        with people.changing(row, "role changed", _author(context), note, values) as connection:
            refuse_last_admin(connection, row)


@operation(
    command="operators end <name>",
    role="admin",
    example={"name": "maria"},
    asks_again=True,
    done="Deactivated {name}: signed out everywhere, and can no longer sign in.",
)
def deactivate_person(context: Context, request: PersonChoice) -> None:
    """Deactivate a person and end their sessions at once."""
    people = _people(context)
    row, values = people.named(request.name), {"ended_us": now_us()}
    if not row.ended_us:
        with people.changing(row, "deactivated", _author(context), values=values) as connection:
            refuse_last_admin(connection, row)


def _people(context: Context) -> OperatorService:
    return OperatorService(context.services.records, context.services.settings.web.mail)


def _author(context: Context) -> ActionAuthor:
    return ActionAuthor(context.actor(), context.address)


def _state(row: OperatorRow) -> str:
    if row.ended_us:
        return "deactivated"
    return "single sign-on" if row.subject else "active" if row.password_hash else "no password yet"


def _handed_over(context: Context, path: str, name: str, address: str, did: str) -> SignInLink:
    """Send a link by e-mail; show it if there is no address or no mail server, or that fails."""
    settings, by = context.services.settings, context.actor()
    made = _shown(context, path, LINK_S, f"Send this link to {name}: it sets their password, once")
    if not address or settings.web.mail is None or not settings.public_url:
        return made
    hours = LINK_S // 3600
    text = _EMAIL.format(name=name, by=by, did=did, hours=hours, link=made.link)
    try:
        send_email(settings.web.mail, address, "Your link to sign in to smsgate", text)
    except CallFailed as error:
        message = f"The link was not sent to {address}: {error}. {made.message}"
        return msgspec.structs.replace(made, message=message)
    with _people(context).database.writing() as connection:
        log_action(connection, "link sent by e-mail", name, _author(context), address)
    return SignInLink("", made.ends, f"Sent a link to {address}. It sets the password, once.")


def _shown(context: Context, path: str, lasts_s: int, message: str) -> SignInLink:
    message = f"{message}, within {lasts_s // 3600} h. It is not shown again."
    return SignInLink(_base(context) + path, time_of(now_us() + lasts_s * 1_000_000), message)


def _base(context: Context) -> str:
    """How links begin: never with the host of a request, which anybody may send.

    Raises ``Unfit`` where they would lead nowhere; to be asked before anything is done.
    """
    settings = context.services.settings
    if not settings.public_url and context.address not in _HERE:
        raise Unfit(
            "Nothing was done: a link for a password leads to SMSGATE_PUBLIC_URL, which is not "
            "set. Set it and restart smsgate, or make the link on the server by "
            "`smsgate operators add` or `reset`."
        )
    return settings.public_url or f"http://127.0.0.1:{settings.port}"


OPERATIONS = (list_people, make_first_link, add_person, reset_person, set_role, deactivate_person)
_EVERYBODY = Tab(
    key="all",
    title="People",
    hidden=frozenset({"added_by"}),
    help="The audit log has every sign-in, and everything that people did.",
    empty="Nobody can sign in yet.",
    actions=(
        Action(operation=set_role, label="Change role", done="Role changed", asks=("role",)),
        Action(operation=reset_person, label="Reset password", done="Reset", asks=("email",)),
        Action(operation=deactivate_person, label="Deactivate", done="Deactivated", is_danger=True),
    ),
)
PAGES = (
    ListPage(
        path="/console/people",
        title="People",
        operation=list_people,
        create=Action(operation=add_person, label="Add", done="Added"),
        tabs=(_EVERYBODY,),
    ),
)
