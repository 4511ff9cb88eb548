"""``smsgate compose``: a text with the opt-out line that it owes, and what it costs."""

from __future__ import annotations

import unicodedata
from dataclasses import asdict

import click

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.consent.composing import Composed
from smsgate.consent.composing import compose as composed
from smsgate.consent.composing.segments import NonGsmCharacter
from smsgate.domain.errors import UnknownProgram


@click.command(epilog='Example: smsgate compose "Sale today!" --program alerts')
@click.argument("text")
@click.option("--program", required=True, help="Program that sends the text.")
@click.option("--language", default="", help="Language of the text, such as es.")
@session.as_json
def compose(text: str, program: str, language: str, as_json: bool) -> None:
    """Show a text as it should be sent, with its opt-out line and its segments."""
    programs = session.configuration().settings.programs
    found = programs.get(program)
    if found is None:
        names = ", ".join(one.name for one in programs)
        raise UnknownProgram(f"no program is called {program!r}; there are: {names}")
    result = composed(text, found, language=language)
    if as_json:
        session.show_json(asdict(result))
    else:
        _show(result)


def _show(result: Composed) -> None:
    out.print(result.text, markup=False)
    unit = "septets" if result.encoding == "GSM-7" else "UTF-16 units"
    segments = "1 segment" if result.segments == 1 else f"{result.segments} segments"
    out.print(f"\n{segments} ({result.encoding}, {result.units} {unit})")
    for one in result.foreign:
        out.print(_character_text(one), markup=False)


def _character_text(one: NonGsmCharacter) -> str:
    """A character by name, since many look alike; and what would do instead."""
    name = unicodedata.name(one.character, "without a name")
    instead = "" if one.instead is None else f"; instead: {one.instead!r}"
    shown = one.character if one.character.isprintable() else " "
    return f"  UCS-2 because of {shown} U+{ord(one.character):04X} {name} ×{one.count}{instead}"
