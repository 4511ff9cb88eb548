"""``smsgate wording``: the wording of a program's replies, as the console has it."""

from __future__ import annotations

from typing import BinaryIO

import click

from smsgate.cli import session
from smsgate.cli.explain import content_of
from smsgate.features.reply_wording.service import find_wording, save_wording


@click.command(epilog="Example: smsgate wording alerts replies.toml --note shorter")
@click.argument("program")
@click.argument("file", required=False, type=click.File("rb"))
@click.option("--revert", is_flag=True, help="Give the replies back to smsgate.toml.")
@click.option("--note", default="", help="Why, for those who read the history later.")
@session.as_json
def wording(program: str, file: BinaryIO | None, revert: bool, note: str, as_json: bool) -> None:
    """Print the wording of PROGRAM's replies, or save that of FILE (or -).

    The wording is TOML with a table for each language: [en], opt_out = "…". What is saved replaces
    all replies of smsgate.toml, and every process uses it within five seconds. Exit code 2: it has
    a fault; nothing is saved.
    """
    services = session.services_for_lists()
    found = find_wording(services, program)
    if file is None and not revert:
        if as_json:
            own = {language: dict(texts) for language, texts in found.program.replies.items()}
            session.show_json({"owner": found.owner, "version": found.version, "replies": own})
            return
        click.echo(f"owner: {found.owner}, version {found.version}", err=True)
        click.echo(found.content, nl=False)
        return
    if file is not None and revert:
        raise click.UsageError("give a file, or --revert")
    content = content_of(file) if file else ""
    if file is not None and not content.strip():
        raise click.UsageError(f"{file.name} is empty: --revert gives the replies back to the file")
    note = note or ("reverted" if revert else "")
    version = save_wording(services, program, content, found.version, session.person(), note)
    click.echo(f"Saved as version {version} of the replies of {program}.")
