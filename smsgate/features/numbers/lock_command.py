"""``smsgate lock`` and ``unlock``: numbers that may never be texted again."""

from __future__ import annotations

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.session import person
from smsgate.domain.phone import e164

_reason = click.option("--reason", required=True, help="Goes on record, with your name.")


@click.command(epilog="Example: smsgate lock +14155550123 --reason 'letter of her lawyer, 3 May'")
@click.argument("number")
@_reason
def lock(number: str, reason: str) -> None:
    """Never text a number again, whatever it texts us: a litigant, a minor, an order of a court."""
    _change(number, reason, locked=True)


@click.command(epilog="Example: smsgate unlock +14155550123 --reason 'locked by mistake'")
@click.argument("number")
@_reason
def unlock(number: str, reason: str) -> None:
    """Hear START of a locked number again; until then it stays opted out."""
    _change(number, reason, locked=False)


def _change(number: str, reason: str, *, locked: bool) -> None:
    known = e164(number)
    if not reason.strip():
        raise click.UsageError("Give a reason for the record: --reason TEXT.")
    session.gateway().lock(known, person(), reason.strip(), locked=locked)
    said = (
        f"{known} is locked: no program may text it."
        if locked
        else f"{known} is unlocked. It stays opted out until it texts START."
    )
    Console(highlight=False).print(said, soft_wrap=True)
