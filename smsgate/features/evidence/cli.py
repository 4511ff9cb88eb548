"""``smsgate evidence``: one number's story as a file that a lawyer can read."""

from __future__ import annotations

from pathlib import Path

import click

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.domain.phone import e164
from smsgate.features.evidence.service import as_json as formatted
from smsgate.features.evidence.service import collect_evidence, page
from smsgate.files import whole


@click.command(epilog="Example: smsgate evidence +14155550123 -o evidence/")
@click.argument("number")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder for both files; default: the current folder.",
)
@session.as_json
def evidence(number: str, output: Path, as_json: bool) -> None:
    """Write the complete record of a number into two files, HTML and JSON.

    It has the timeline, texts, rules, and the place of each record in the chain of hashes. Exit
    code 1 if the chain is broken.
    """
    known = e164(number)
    found = collect_evidence(session.services(), known)
    if as_json:
        session.show_json(found)
    else:
        for name, content in (("html", page(found).encode()), ("json", formatted(found))):
            file = output / f"evidence-{known[1:]}.{name}"
            _write(file, content)
            out.print(str(file))
    if found["problems"]:
        session.end(1)


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as out:
            out.write(content)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error
