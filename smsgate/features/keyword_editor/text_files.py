"""Texts that a file has: labelled ones in a table, and others in one of three forms."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

import click
import msgspec

from smsgate.domain.messages import Intent

_LABELS = [intent.value for intent in Intent]
_FORMS = 'a line is a text, a JSON string, or {"text": "…", "number": "+14155550123"}'


class Given(NamedTuple):
    """A text, and who sent it where that is said."""

    text: str
    number: str = ""


def content_of(file: BinaryIO) -> str:
    """What a file says, without a mark of UTF-8 before it. Refuses what is no text."""
    try:
        return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file.name} cannot be read as UTF-8 text: {error}") from None


def labelled(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Label and text of each line of a table; refuses what lacks one, and other labels."""
    lines = io.StringIO(content_of(file), newline=None)
    table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    found = False
    try:
        for row in table:
            found = True
            yield _row(row.get("label"), row.get("text"), table.line_num)
    except csv.Error as error:
        raise click.UsageError(f"line {table.line_num + 1}: {error}") from None
    if not found:
        raise click.UsageError(
            f"{file.name} has no texts: a first line with label, a tab and text, then a line each"
        )


def _row(label: str | None, text: str | None, line: int) -> tuple[str, str]:
    if label is None or text is None:
        raise click.UsageError(f"line {line}: a label, a tab and a text are needed")
    if label not in _LABELS:
        raise click.UsageError(
            f"line {line}: there is no label {label!r}; there are: {', '.join(_LABELS)}"
        )
    return label, text.replace("\\n", "\n")


def texts(file: BinaryIO) -> Iterator[Given]:
    """The texts of a file, whichever of the three forms it has.

    Events without a text, which ``smsgate history --json`` has too, are passed over.
    """
    content = content_of(file)
    found = False
    for place, one in _parts(content):
        for given in _given(one, place):
            found = True
            yield given
    if not found:
        raise click.UsageError(f"{file.name} has no texts: {_FORMS}")


def _parts(content: str) -> Iterator[tuple[str, object]]:
    """Each part with its place: of an array of JSON, else a line."""
    try:
        whole = msgspec.json.decode(content)
    except msgspec.DecodeError:
        whole = None
    if isinstance(whole, list):
        yield from ((f"entry {at}", one) for at, one in enumerate(whole, 1))
        return
    for at, line in enumerate(io.StringIO(content, newline=None), 1):
        text = line.removesuffix("\n")
        yield f"line {at}", _line(text, at) if text else {}


def _line(line: str, at: int) -> object:
    if line[:1] not in ('"', "{"):
        return line
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError as error:
        if line.startswith("{"):
            raise click.UsageError(f"line {at}: {error}: {_FORMS}") from None
        return line  # a text that begins with a quotation


def _given(one: object, place: str) -> Iterator[Given]:
    if isinstance(one, str):
        yield Given(one)
        return
    entry = one.get("entry", one) if isinstance(one, dict) else None
    if not isinstance(entry, dict):
        raise click.UsageError(f"{place}: is no text: {_FORMS}")
    text, number = entry.get("text", ""), entry.get("number", "")
    if not (isinstance(text, str) and isinstance(number, str)):
        raise click.UsageError(f"{place}: text and number must be texts: {_FORMS}")
    if "text" in entry:
        yield Given(text, number)
