"""``smsgate evidence``: one number's story as files that a lawyer can read."""

from __future__ import annotations

from pathlib import Path

import click

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.domain.errors import PdfUnavailable, Unfit
from smsgate.domain.phone import e164, masked
from smsgate.features.evidence.pdf import pdf
from smsgate.features.evidence.service import as_json as formatted
from smsgate.features.evidence.service import collect_evidence, page, request_of
from smsgate.files import whole


@click.command(epilog="Example: smsgate evidence +14155550123 --company 'Acme Inc' -o evidence/")
@click.argument("number")
@click.option("--company", default="", help="Company on the cover; default: a line to fill in.")
@click.option("--requested-by", default="", help="Who asked for it, such as a court and a case.")
@click.option("--since", default="", metavar="DATE", help="First day, such as 2026-01-31 (UTC).")
@click.option("--until", default="", metavar="DATE", help="Last day, which is included.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder for the files; default: the current folder.",
)
@session.as_json
def evidence(
    number: str,
    company: str,
    requested_by: str,
    since: str,
    until: str,
    output: Path,
    as_json: bool,
) -> None:
    """Write the complete record of a number into files: HTML, PDF and JSON.

    It has a cover, each event in words, the place of each record in the chain of hashes, and a
    declaration for the custodian to sign. The PDF needs `smsgate[pdf]`; without it the other two
    are written. Exit code 1 if the chain is broken.
    """
    known = e164(number)
    found = collect_evidence(
        session.services(), known, request_of(company, requested_by, since, until)
    )
    session.record_action("exported evidence", masked(known))
    if as_json:
        session.show_json(found)
        session.end(1 if found["problems"] else 0)
    html = page(found)
    files = {"html": html.encode(), "json": formatted(found)}
    problem = ""
    try:
        files["pdf"] = pdf(html, len(found["events"]))
    except (PdfUnavailable, Unfit) as error:
        problem = str(error)
    for name, content in files.items():
        file = output / f"evidence-{known[1:]}.{name}"
        _write(file, content)
        out.print(str(file))
    if not found["events"]:
        out.print(f"Nothing is recorded of {known} in this period; the files say so.")
    if problem:
        click.echo(f"No PDF was made. {problem}", err=True)
    session.end(1 if found["problems"] else 0)


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as out:
            out.write(content)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error
