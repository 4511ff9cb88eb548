"""``smsgate operators``: who may use the console."""

from __future__ import annotations

import click

from smsgate.cli import session
from smsgate.cli.session import moment, out, person
from smsgate.features.operators.service import (
    FIRST_LINK_S,
    LINK_S,
    OperatorService,
)
from smsgate.features.operators.storage import (
    ROLES,
    ActionAuthor,
    OperatorError,
    OperatorRow,
    now_us,
)
from smsgate.pipeline.configuration import load_settings


@click.group()
def operators() -> None:
    """People who may sign in to the console, and their roles.

    Nobody types a password here: a link lets its holder set one, once.
    """


@operators.command("list", epilog="Example: smsgate operators list --json")
@session.as_json
def list_operators(as_json: bool) -> None:
    """List all operators, deactivated ones last."""
    rows = [
        {
            "name": row.name,
            "role": row.role,
            "state": _state(row),
            "second_factor": row.has_second_factor,
            "added": moment(row.made_us),
            "added_by": row.made_by,
        }
        for row in _operators().all()
    ]
    if as_json:
        session.show_json(rows)
    elif not rows:
        out.print("Nobody can sign in yet: make a link with `smsgate operators first`.")
    for row in () if as_json else rows:
        factor = "with" if row["second_factor"] else "without"
        added = f"added {row['added']} by {row['added_by']}"
        name, role, state = row["name"], row["role"], row["state"]
        out.print(f"[bold]{name}[/]  {role}  {state}, {factor} second factor, {added}")


def _state(row: OperatorRow) -> str:
    can_sign_in = row.password_hash or row.subject
    return "ended" if row.ended_us else "may sign in" if can_sign_in else "has to set a password"


@operators.command(epilog="Example: smsgate operators first")
@session.as_json
def first(as_json: bool) -> None:
    """Make the link for the first admin. Exit code 2 if there are operators already."""
    path = _operators().make_first_link()
    if path is None:
        raise OperatorError(
            "There are operators already: `smsgate operators add NAME --role admin` adds one, "
            "`smsgate operators reset NAME` lets somebody in again."
        )
    _show_link(path, "", FIRST_LINK_S, as_json=as_json)


@operators.command(epilog="Example: smsgate operators add maria --role agent")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    required=True,
    help="viewer: read. agent: decide, opt out and in, import. admin: everything.",
)
@click.option("--email", default="", help="For single sign-on, and notices about their account.")
@session.as_json
def add(name: str, role: str, email: str, as_json: bool) -> None:
    """Add an operator, and show the link to set their password."""
    path = _operators().add(name, role, ActionAuthor(person()), email)
    _show_link(path, name, LINK_S, as_json=as_json)


@operators.command(epilog="Example: smsgate operators reset maria --second-factor")
@click.argument("name")
@click.option(
    "--second-factor", is_flag=True, help="Remove the second factor as well, passkeys too."
)
@click.option("--email", default="", help="Their new address; default: the one they have.")
@session.as_json
def reset(name: str, second_factor: bool, email: str, as_json: bool) -> None:
    """Remove an operator's password, and show the link to set a new one.

    It ends their sessions and lifts a deactivation.
    """
    author = ActionAuthor(person())
    path = _operators().reset(name, author, second_factor=second_factor, email=email)
    _show_link(path, name, LINK_S, as_json=as_json)


@operators.command(epilog="Example: smsgate operators role maria admin")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
def role(name: str, role: str) -> None:
    """Give an operator another role. They must sign in again."""
    _operators().set_role(name, role, ActionAuthor(person()))
    click.echo(f"{name} now has the role {role}.")


@operators.command(epilog="Example: smsgate operators end maria")
@click.argument("name")
def end(name: str) -> None:
    """Deactivate an operator and end their sessions at once."""
    _operators().deactivate(name, ActionAuthor(person()))
    click.echo(f"Deactivated {name}.")


def _operators() -> OperatorService:
    return OperatorService(session.records(), load_settings(session.here()[0]).web.mail)


def _show_link(path: str, name: str, lasts_s: int, *, as_json: bool) -> None:
    """Show the link, which is kept nowhere, with the address of the console."""
    environ, running = session.here()
    public = environ.get("SMSGATE_PUBLIC_URL", "").strip().rstrip("/")
    here = f"http://127.0.0.1:{environ.get('PORT') or 8000}"
    link = (running.url if running is not None else public or here) + path
    if as_json:
        ends = moment(now_us() + lasts_s * 1_000_000)
        session.show_json({"name": name, "link": link, "ends": ends})
        return
    click.echo(link)
    whom = f"Send it to {name}: it" if name else "It"
    click.echo(f"{whom} opens once, within {lasts_s // 3600} h. It is not shown again.", err=True)
