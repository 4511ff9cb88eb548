"""``smsgate evidence``: one number's story as a file that a lawyer can read."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.whole_file import whole
from smsgate.errors import SmsGateError
from smsgate.gateway.evidence import evidence as collected
from smsgate.gateway.evidence import page
from smsgate.phone import e164


@click.command(epilog="Example: smsgate evidence +14155550123 -o evidence/")
@click.argument("number")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder for both files; here where it is not given.",
)
@session.as_json
def evidence(number: str, output: Path, as_json: bool) -> None:
    """Write all that is recorded of a number into two files, HTML and JSON.

    Timeline, texts, rules, and where each record stands in the chain of hashes. Exit code 1 where
    the chain is broken.
    """
    known = e164(number)
    gateway = session.gateway()
    gateway.recording.move_all()
    found = collected(gateway.records, known, _state(known), gateway.store.health.now_us())
    if as_json:
        session.show_json(found)
    else:
        for name, text in (("html", page(found)), ("json", _json(found))):
            file = output / f"evidence-{known[1:]}.{name}"
            _write(file, text)
            Console(highlight=False).print(str(file), soft_wrap=True)
    if found["problems"]:
        session.end(1)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with whole(file) as out:
            out.write(text.encode())
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from error


def _json(found: object) -> str:
    return msgspec.json.format(msgspec.json.encode(found)).decode()


def _state(number: str) -> dict[str, str]:
    """What the gate says now; that it cannot tell is part of the evidence too."""
    try:
        answers = session.gateway().status(number)
    except SmsGateError as error:
        return {"": f"could not tell: {error}"}
    return {
        name: "may be texted" if answer.allowed else f"must not be texted: {answer.reason}"
        for name, answer in answers.items()
    }
