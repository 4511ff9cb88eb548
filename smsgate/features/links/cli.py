"""``smsgate link``: the opt-out link of a number, as it goes into a text."""

from __future__ import annotations

import click

from smsgate.cli import session
from smsgate.features.links.service import LinkService


@click.command(epilog="Example: smsgate link +14155550123 --program alerts")
@click.argument("number")
@click.option("--program", required=True, help="Program whose text the link goes into.")
@session.as_json
def link(number: str, program: str, as_json: bool) -> None:
    """Make the opt-out link for a number.

    Anyone who opens it can opt that number out, and do nothing else. It works for a year, as long
    as the secret that made it stays in SMSGATE_SECRET_KEYS. It leads to SMSGATE_PUBLIC_URL, or to
    the `smsgate dev` that runs here.
    """
    _, dev = session.here()
    made = LinkService(session.services()).make(number, program, dev.url if dev else "")
    if as_json:
        session.show_json({"number": number, "program": program, "link": made})
    else:
        click.echo(made)
