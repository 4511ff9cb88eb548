"""``smsgate operators``: the people who may sign in to the console."""

from __future__ import annotations

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import moment, person
from smsgate.domain.errors import OperatorExists
from smsgate.features.operators.service import FIRST_LINK_S, LINK_S, ROLES, By, Operators, now_us
from smsgate.records.operators import OperatorRow


@click.group()
def operators() -> None:
    """People who may sign in to the console: who they are, and what they may do.

    Nobody types a password here: a link lets its holder set one, once.
    """


@operators.command("list", epilog="Example: smsgate operators list --json")
@session.as_json
def list_operators(as_json: bool) -> None:
    """List everybody, those who ended last."""
    rows = _operators().all()
    if as_json:
        session.show_json([_told(row) for row in rows])
        return
    console = Console(highlight=False)
    for row in rows:
        factor = "with second factor" if row.totp_secret else "without second factor"
        said = f"{row.role}  {_state(row)}, {factor}, added {moment(row.made_us)} by {row.made_by}"
        console.print(f"[bold]{row.name}[/]  {said}", soft_wrap=True)
    if not rows:
        console.print("Nobody may sign in yet: `smsgate operators first` makes a link for that.")


@operators.command(epilog="Example: smsgate operators first")
@session.as_json
def first(as_json: bool) -> None:
    """Make the link by which the first admin is made. Exit code 2 where there are operators."""
    path = _operators().first_link()
    if path is None:
        raise OperatorExists(
            "There are operators already: `smsgate operators add NAME --role admin` adds one, "
            "`smsgate operators reset NAME` lets somebody in again."
        )
    _show(path, "", FIRST_LINK_S, as_json=as_json)


@operators.command(epilog="Example: smsgate operators add maria --role agent")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    required=True,
    help="viewer: sees. agent: decides, opts out and in, imports. admin: everything.",
)
@session.as_json
def add(name: str, role: str, as_json: bool) -> None:
    """Add somebody, and show the link by which they set their password."""
    _show(_operators().add(name, role, _by()), name, LINK_S, as_json=as_json)


@operators.command(epilog="Example: smsgate operators reset maria --second-factor")
@click.argument("name")
@click.option("--second-factor", is_flag=True, help="Take the second factor away as well.")
@session.as_json
def reset(name: str, second_factor: bool, as_json: bool) -> None:
    """Take somebody's password away, and show the link by which they set a new one.

    They are signed out everywhere and no longer locked; somebody who ended may come back so.
    """
    path = _operators().reset(name, _by(), second_factor=second_factor)
    _show(path, name, LINK_S, as_json=as_json)


@operators.command(epilog="Example: smsgate operators role maria admin")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
def role(name: str, role: str) -> None:
    """Give somebody another role. They sign in anew."""
    _operators().give_role(name, role, _by())
    click.echo(f"{name} is {role} now.")


@operators.command(epilog="Example: smsgate operators end maria")
@click.argument("name")
def end(name: str) -> None:
    """Let somebody in no more; they are signed out everywhere at once."""
    _operators().end(name, _by())
    click.echo(f"{name} cannot sign in any more.")


def _operators() -> Operators:
    return Operators(session.records())


def _by() -> By:
    return By(person())


def _show(path: str, name: str, lasts_s: int, *, as_json: bool) -> None:
    """The link, for the eyes that it is made for: it is kept nowhere."""
    link = _origin() + path
    if as_json:
        ends_us = now_us() + lasts_s * 1_000_000
        session.show_json({"name": name, "link": link, "ends": moment(ends_us)})
        return
    click.echo(link)
    whom = f"Give it to {name}: it" if name else "It"
    click.echo(f"{whom} opens once, within {lasts_s // 3600} h. It is not shown again.", err=True)


def _origin() -> str:
    """Where the console is: what runs here, else the public URL, else this machine."""
    environ, running = session.here()
    if running is not None:
        return running.url
    public = environ.get("SMSGATE_PUBLIC_URL", "").strip().rstrip("/")
    return public or f"http://127.0.0.1:{environ.get('PORT') or 8000}"


def _state(row: OperatorRow) -> str:
    if row.ended_us:
        return "ended"
    if not row.password_hash:
        return "has to set a password"
    return "locked" if row.locked_until_us > now_us() else "may sign in"


def _told(row: OperatorRow) -> dict[str, object]:
    return {
        "name": row.name,
        "role": row.role,
        "state": _state(row),
        "second_factor": bool(row.totp_secret),
        "added": moment(row.made_us),
        "added_by": row.made_by,
    }
