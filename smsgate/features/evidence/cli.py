"""``smsgate evidence``: one number's story as a page that a lawyer can read."""

from __future__ import annotations

from pathlib import Path

import click

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.domain.phone import e164, masked
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
    help="Folder for the file; default: the current folder.",
)
def evidence(
    number: str,
    company: str,
    requested_by: str,
    since: str,
    until: str,
    output: Path,
) -> None:
    """Write the complete record of a number into an HTML page.

    It has a cover, each event in words, the place of each record in the chain of hashes, and a
    declaration for the custodian to sign. To make a PDF, open it in a browser and print it. Exit
    code 1 if the chain is broken.
    """
    known = e164(number)
    found = collect_evidence(
        session.services(), known, request_of(company, requested_by, since, until)
    )
    session.record_action("exported evidence", masked(known))
    file = output / f"evidence-{known[1:]}.html"
    try:
        output.mkdir(parents=True, exist_ok=True)
        with whole(file) as written:
            written.write(page(found).encode())
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error
    out.print(str(file))
    if not found["events"]:
        out.print(f"Nothing is recorded of {known} in this period; the file says so.")
    session.end(1 if found["problems"] else 0)
