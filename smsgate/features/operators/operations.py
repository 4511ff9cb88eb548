"""People who may sign in to the console, and their roles.

Nobody types a password here: a link lets its holder set one, once.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import msgspec
from sqlalchemy import delete

from smsgate.features.operators import service
from smsgate.features.operators.service import OperatorRow, OperatorService
from smsgate.interface.list_page import Action, ListPage
from smsgate.interface.operation import Column, Context, Role, RowPage, operation
from smsgate.interface.schemas import NoFields
from smsgate.records import Records
from smsgate.records.operator_actions import ActionAuthor, log_action
from smsgate.records.tables import credentials, operators
from smsgate.settings import Settings

_TITLES = {
    "viewer": "Viewer: sees",
    "agent": "Agent: also decides reviews, opts numbers out and in, and imports lists",
    "admin": "Admin: also configures, erases texts, and manages API keys and people",
}
RoleChoice = Annotated[
    Role, msgspec.Meta(title="Role", description="What they may do.", extra={"titles": _TITLES})
]
Address = Annotated[
    str, msgspec.Meta(title="E-mail", description="For notices, and for single sign-on.")
]
_LINK_DONE = (
    "Send this link to {name}: it sets their password, once, within "
    f"{service.LINK_S // 3600} h. It is not shown again."
)


class PersonRow(msgspec.Struct, frozen=True):
    """Who may sign in, or might once."""

    name: str
    role: str
    state: str
    two_step: Annotated[bool, Column("Two-step sign-in")]
    """Whether sign-in asks for more than the password."""
    email: Annotated[str, Column("E-mail")]


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


@operation(
    command="operators list",
    role="admin",
    empty="Nobody can sign in yet: add an admin with `smsgate operators add`.",
)
def list_people(_: Context, __: NoFields, records: Records) -> RowPage[PersonRow]:
    """List everybody by name, those who are deactivated last."""
    return RowPage(
        [
            PersonRow(
                name=row.name,
                role=row.role,
                state=_state(row),
                two_step=row.has_second_factor,
                email=row.email,
            )
            for row in service.find_operators(records.database)
        ]
    )


@operation(
    command="operators add <name>",
    role="admin",
    example={"name": "maria", "role": "agent"},
    asks_again=True,
    shown_once="link",
    done=_LINK_DONE,
)
def add_person(
    context: Context, request: NewPerson, records: Records, settings: Settings
) -> SignInLink:
    """Add a person, and make the link to set their password."""
    email = service.fold_email(request.email)
    row = service.new_row(request.name, request.role, email)
    note = f"as {row.role}" + (f", with the e-mail address {email}" if email else "")
    with records.database.writing() as connection:
        if not service.insert(connection, operators, asdict(row)):
            raise service.OperatorError(service.TAKEN)
        log_action(connection, "person added", row.name, _author(context), note)
        path = service.make_link(connection, row.id)
    return _shown(settings, path)


@operation(
    command="operators reset <name>",
    role="admin",
    example={"name": "maria", "second_factor": True},
    asks_again=True,
    shown_once="link",
    done=_LINK_DONE,
)
def reset_person(
    context: Context, request: PersonReset, records: Records, settings: Settings
) -> SignInLink:
    """Remove a password, and make the link to set a new one.

    It ends their sessions, unbinds them from single sign-on, and lifts a deactivation.
    """
    people = _people(records, settings)
    row = people.named(request.name)
    email = service.fold_email(request.email) or row.email
    values: dict[str, str | int] = {"password_hash": "", "ended_us": 0, "subject": ""}
    values["email"] = email
    notes = ["reactivated"] if row.ended_us else []
    if email != row.email:
        notes.append(f"e-mail address {row.email or 'none'} changed to {email}")
    if request.second_factor:
        notes.append("two-step sign-in turned off")
    with people.changing(
        row, "sign-in reset", _author(context), "; ".join(notes), values
    ) as connection:
        if request.second_factor:
            connection.execute(delete(credentials).where(credentials.c.operator_id == row.id))
            service.issue(connection, service.RECOVERY, row.id, [], 0)
        path = service.make_link(connection, row.id)
    return _shown(settings, path)


@operation(
    command="operators role <name> <role>",
    role="admin",
    example={"name": "maria", "role": "admin"},
    asks_again=True,
    done="{name} now has the role {role} and must sign in again.",
)
def set_role(context: Context, request: PersonRole, records: Records, settings: Settings) -> None:
    """Give a person another role. They must sign in again."""
    people = _people(records, settings)
    row, values = people.named(request.name), {"role": request.role}
    if row.ended_us:
        raise service.OperatorError(f"{row.name} is deactivated: reset them, then change the role.")
    if request.role != row.role:
        note = f"{row.role} to {request.role}"
        with people.changing(row, "role changed", _author(context), note, values) as connection:
            service.refuse_last_admin(connection, row)


@operation(
    command="operators end <name>",
    role="admin",
    example={"name": "maria"},
    asks_again=True,
    done="Deactivated {name}: signed out everywhere, and can no longer sign in.",
)
def deactivate_person(
    context: Context, request: PersonChoice, records: Records, settings: Settings
) -> None:
    """Deactivate a person and end their sessions at once."""
    people = _people(records, settings)
    row, values = people.named(request.name), {"ended_us": service.now_us()}
    if not row.ended_us:
        with people.changing(row, "deactivated", _author(context), values=values) as connection:
            service.refuse_last_admin(connection, row)


def _people(records: Records, settings: Settings) -> OperatorService:
    return OperatorService(records.database, settings.web.mail)


def _author(context: Context) -> ActionAuthor:
    return ActionAuthor(context.actor(), context.address)


def _state(row: OperatorRow) -> str:
    if row.ended_us:
        return "deactivated"
    return "single sign-on" if row.subject else "active" if row.password_hash else "no password yet"


def _shown(settings: Settings, path: str) -> SignInLink:
    """Return a link as it is shown: never with the host of a request, which anybody may send."""
    return SignInLink((settings.public_url or f"http://127.0.0.1:{settings.port}") + path)


OPERATIONS = (list_people, add_person, reset_person, set_role, deactivate_person)
PAGES = (
    ListPage(
        path="/console/people",
        title="People",
        operation=list_people,
        help="The audit log has every sign-in, and everything that people did.",
        create=Action(operation=add_person, label="Add", done="Added"),
        actions=(
            Action(operation=set_role, label="Change role", done="Role changed", asks=("role",)),
            Action(operation=reset_person, label="Reset password", done="Reset", asks=("email",)),
            Action(
                operation=deactivate_person,
                label="Deactivate",
                done="Deactivated",
                is_danger=True,
            ),
        ),
    ),
)
