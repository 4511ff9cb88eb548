"""``smsgate keywords``: what is in force, and what a change would do before it goes live."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import click
import msgspec

from smsgate.classifier import Classifier
from smsgate.classifier.sets.operator_sets import OperatorSets
from smsgate.cli import session
from smsgate.cli.explain import classifier_of, content_of
from smsgate.domain.errors import ConfigurationError
from smsgate.domain.line_diff import compare_texts
from smsgate.domain.messages import Intent
from smsgate.features.keyword_editor.comparison import (
    ActiveKeyword,
    active_keywords,
    compare_decisions,
    compare_keywords,
    label_of,
)
from smsgate.features.keyword_editor.errors import NoSuchKeywordSet
from smsgate.features.keyword_editor.replay import ReadPosition, TextSource
from smsgate.features.keyword_editor.service import KeywordEditor

DIFFERENT = 1
_MAX_VERSIONS = 1_000
_LABELS = [intent.value for intent in Intent]
_FORMS = 'a line is a text, a JSON string, or {"text": "…", "number": "+14155550123"}'
_program = click.option("--program", default="", help="The program; the first by default.")
_note = click.option("--note", default="", help="Why, for those who read the history later.")
_against = click.option(
    "--against", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the other configuration, such as one that is not applied yet.",
)  # fmt: skip


@click.group()
def keywords() -> None:
    """Show, test and compare the words that programs understand."""


@keywords.command("list", epilog="Example: smsgate keywords list --language es")
@_program
@click.option("--language", default="", help="Only this language.")
@session.as_json
def list_(program: str, language: str, as_json: bool) -> None:
    """List the keywords that are in force for a program."""
    classifier = _classifier(program)
    rows = sorted(
        {row for row in active_keywords(classifier).values() if language in ("", row.language)},
        key=lambda row: (row.language, row.intent, row.word),
    )
    if as_json:
        session.show_json([row._asdict() for row in rows])
        return
    for row in rows:
        click.echo(f"{row.language:8} {row.intent:12} {row.match:7} {row.risk:7} {row.word}")
    click.echo(f"{len(rows)} keywords, version {classifier.version}")


@keywords.command(epilog="Example: smsgate keywords test labelled.tsv")
@click.argument("table", metavar="LABELLED", type=click.File("rb"))
@_program
@session.as_json
def test(table: BinaryIO, program: str, as_json: bool) -> None:
    """Run labelled texts: a table with the columns label and text, separated by tabs.

    Labels are opt_out, opt_out_all, opt_in, help, none and review; backslash n is a line break.
    Exit code 0: all as labelled. 1: some are not. 2: the table cannot be read.
    """
    classifier = _classifier(program)
    count, wrong = 0, []
    for label, text in _labelled_texts(table):
        count += 1
        decision = classifier.classify(text)
        if label_of(decision) != label:
            wrong.append({"label": label, "got": label_of(decision), "text": text,
                          "rule": decision.rule, "keyword": decision.keyword})  # fmt: skip
    if as_json:
        session.show_json({"texts": count, "wrong": wrong})
    else:
        for one in wrong:
            click.echo("{label} but {got} by {rule} {keyword}: {text!r}".format(**one))
        click.echo(f"{count - len(wrong)} of {count} as labelled")
    session.end(DIFFERENT if wrong else 0)


@keywords.command(epilog="Example: smsgate keywords diff --against next/config")
@_against
@_program
@session.as_json
def diff(against: Path, program: str, as_json: bool) -> None:
    """List the keywords that another configuration adds, drops or changes.

    Exit code 0: none. 1: some.
    """
    found = compare_keywords(_classifier(program), _classifier(program, against))
    if as_json:
        session.show_json(
            [
                {
                    "typed": one.typed,
                    "before": one.before._asdict() if one.before else None,
                    "after": one.after._asdict() if one.after else None,
                }
                for one in found
            ]
        )
    else:
        for one in found:
            click.echo(f"{one.typed}: {_shown(one.before)} -> {_shown(one.after)}")
        click.echo(f"{len(found)} keywords differ")
    session.end(DIFFERENT if found else 0)


@keywords.command(epilog="Example: smsgate keywords replay --samples --against next/config")
@click.argument("file", metavar="[TEXTS]", type=click.File("rb"), required=False)
@click.option(
    "--ledger", is_flag=True, help="Replay the texts that had an effect, from the records."
)
@click.option(
    "--samples", is_flag=True, help="Replay the newest ordinary texts, from the sample log."
)
@_against
@_program
@session.as_json
def replay(
    file: BinaryIO | None,
    ledger: bool,
    samples: bool,
    against: Path,
    program: str,
    as_json: bool,
) -> None:
    """Show which of some texts another configuration would decide differently.

    TEXTS is a file or -: a text a line, a JSON string a line, or JSON objects with "text". With
    --ledger and --samples the texts are those of the running smsgate, of the ledger the newest
    40,000. Exit code 0: none. 1: some. 2: the input cannot be read.
    """
    if file is None and not (ledger or samples):
        raise click.UsageError("name a file of texts, or --ledger or --samples")
    before, after = _classifier(program), _classifier(program, against)
    given = [*_texts(file)] if file else []
    if ledger or samples:
        given += _received_texts(before.program.name, ledger=ledger, samples=samples)
    found = list(compare_decisions(given, before, after))
    if as_json:
        different = [
            {"text": one.text, "before": label_of(one.before), "after": label_of(one.after),
             "rule": one.after.rule, "keyword": one.after.keyword}
            for one in found
        ]  # fmt: skip
        session.show_json({"texts": len(given), "different": different})
    else:
        for one in found:
            click.echo(f"{label_of(one.before)} -> {label_of(one.after)}: {one.text!r}")
        click.echo(f"{len(found)} of {len(given)} texts would be decided differently")
    session.end(DIFFERENT if found else 0)


@keywords.command(epilog="Example: smsgate keywords history es")
@click.argument("name")
@session.as_json
def history(name: str, as_json: bool) -> None:
    """Show the versions of a set that the console owns or owned, the newest first.

    Each version shows what it changed. The history of sets in files is wherever you keep the files.
    """
    versions = session.records().keyword_versions.of(name, _MAX_VERSIONS)
    if not versions:
        raise NoSuchKeywordSet(f"the console never had a keyword set {name!r}")
    shown: list[dict[str, Any]] = [
        {
            "version": one.version,
            "saved": datetime.fromtimestamp(one.saved_us // 1_000_000, UTC).isoformat(),
            "author": one.author,
            "note": one.note,
            "content": one.content,
        }
        for one in versions
    ]
    if as_json:
        session.show_json(shown)
        return
    for one, older in zip(shown, [*(one["content"] for one in shown[1:]), ""], strict=True):
        reverted = "" if one["content"] else "  reverted"
        click.echo(f"version {one['version']}  {one['saved']}  {one['author']}{reverted}")
        if one["note"]:
            click.echo(f"  {one['note']}")
        for line in compare_texts(older, one["content"]):
            click.echo(f"    {line.sign} {line.text}".rstrip())


@keywords.command("set", epilog="Example: smsgate keywords set es es.toml --note 'people text it'")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@_note
@click.option("--sure", is_flag=True, help="Save it even if many more people would be opted out.")
def set_(name: str, file: BinaryIO, note: str, sure: bool) -> None:
    """Save FILE (or -) as the console's version of the keyword set NAME, which replaces its file.

    Every process uses it within five seconds. Exit code 2: it has a fault; nothing is saved.
    """
    content = content_of(file)
    if not content.strip():
        raise click.UsageError(f"{file.name} is empty: `smsgate keywords revert {name}` reverts it")
    _save(name, content, note, sure=sure)


@keywords.command(epilog="Example: smsgate keywords revert es")
@click.argument("name")
@_note
def revert(name: str, note: str) -> None:
    """Give the keyword set NAME back to its file, or to the shipped set."""
    _save(name, "", note or "reverted", sure=True)


def _save(name: str, content: str, note: str, *, sure: bool) -> None:
    editor = _editor()
    base = editor.find(name).version
    saved = editor.save(name, content, base, session.person(), note, sure=sure)
    click.echo(f"Saved as version {saved.version} of {name}.")


def _editor() -> KeywordEditor:
    """An editor, also where what is saved cannot be used here, as after a return to an older one.

    Raises ``ConfigurationError`` where the files have a fault.
    """
    try:
        return KeywordEditor(session.services())
    except ConfigurationError:
        services = session.services_for_lists()
        sets = OperatorSets.read(services.settings.config_dir / "keywords")
        services.content.value = replace(services.content.value, sets=sets)
        return KeywordEditor(services)


def _classifier(program: str, folder: Path | None = None) -> Classifier:
    environ: Mapping[str, str] = click.get_current_context().obj["environ"]
    if folder is not None:
        environ = {**environ, "SMSGATE_CONFIG": str(folder)}
    return classifier_of(environ, program)


def _shown(keyword: ActiveKeyword | None) -> str:
    return f"{keyword.intent} ({keyword.match}, {keyword.language})" if keyword else "nothing"


# --- texts to try --------------------------------------------------------------------------------


class GivenText(NamedTuple):
    """A text, and who sent it where that is known."""

    text: str
    number: str = ""


def _received_texts(program: str, *, ledger: bool, samples: bool) -> Iterator[GivenText]:
    """Yield the texts to a program that store and records still have."""
    services = session.services()
    received = TextSource(services.store, services.records, ledger=ledger, sample_log=samples)
    for entries, _ in received.pages(ReadPosition()):
        yield from (GivenText(one.text, one.number) for one in entries if one.program == program)


def _labelled_texts(file: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line of a table; refuse what lacks one, and other labels."""
    lines = io.StringIO(content_of(file), newline=None)
    table = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    found = False
    try:
        for row in table:
            found, label, text = True, row.get("label"), row.get("text")
            if label is None or text is None:
                raise click.UsageError(
                    f"line {table.line_num}: a label, a tab and a text are needed"
                )
            if label not in _LABELS:
                known = ", ".join(_LABELS)
                raise click.UsageError(
                    f"line {table.line_num}: there is no label {label!r}; there are: {known}"
                )
            yield label, text.replace("\\n", "\n")
    except csv.Error as error:
        raise click.UsageError(f"line {table.line_num + 1}: {error}") from None
    if not found:
        raise click.UsageError(
            f"{file.name} has no texts: a first line with label, a tab and text, then a line each"
        )


def _texts(file: BinaryIO) -> Iterator[GivenText]:
    """Yield the texts of a file in any of the three forms.

    Events without a text, which ``smsgate records export`` has too, are skipped.
    """
    found = False
    for place, value in _values(content_of(file)):
        entry = {"text": value} if isinstance(value, str) else value
        entry = entry.get("entry", entry) if isinstance(entry, dict) else None
        if not isinstance(entry, dict):
            raise click.UsageError(f"{place}: is no text: {_FORMS}")
        text, number = entry.get("text", ""), entry.get("number", "")
        if not (isinstance(text, str) and isinstance(number, str)):
            raise click.UsageError(f"{place}: text and number must be texts: {_FORMS}")
        if "text" in entry:
            found = True
            yield GivenText(text, number)
    if not found:
        raise click.UsageError(f"{file.name} has no texts: {_FORMS}")


def _values(content: str) -> Iterator[tuple[str, object]]:
    """Yield each value with its place: of a JSON array, else of each line."""
    try:
        whole = msgspec.json.decode(content)
    except msgspec.DecodeError:
        whole = None
    if isinstance(whole, list):
        yield from ((f"entry {at}", one) for at, one in enumerate(whole, 1))
        return
    for at, line in enumerate(io.StringIO(content, newline=None), 1):
        text = line.removesuffix("\n")
        value: object = text or {}
        if text[:1] in ('"', "{"):
            try:
                value = msgspec.json.decode(text)
            except msgspec.DecodeError as error:
                if text.startswith("{"):
                    raise click.UsageError(f"line {at}: {error}: {_FORMS}") from None
                # else a text that begins with a quotation
        yield f"line {at}", value
