"""``smsgate keywords``: what is in force, and what a change would do before it goes live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from smsgate.classifier import Classifier
from smsgate.cli import session
from smsgate.cli.explain import classifier_of
from smsgate.domain.errors import NoSuchKeywordSet
from smsgate.features.keyword_editor.comparison import Active, active, changed, outcome, replayed
from smsgate.features.keyword_editor.diffs import difference
from smsgate.features.keyword_editor.received_texts import Place, Texts
from smsgate.features.keyword_editor.text_files import Given, labelled, texts
from smsgate.records import KeywordVersion

DIFFERENT = 1
_VERSIONS = 1_000
_program = click.option("--program", default="", help="The program; the first by default.")
_against = click.option(
    "--against", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the other configuration, such as one that is not live yet.",
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
        {row for row in active(classifier).values() if language in ("", row.language)},
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
    """Run labelled texts: a table with the columns label and text, parted by tabs.

    Labels are opt_out, opt_out_all, opt_in, help, none and review; backslash n is a line break.
    Exit code 0: all as labelled. 1: some are not. 2: the table cannot be read.
    """
    classifier = _classifier(program)
    count, wrong = 0, []
    for label, text in labelled(table):
        count += 1
        decision = classifier.classify(text)
        if outcome(decision) != label:
            wrong.append({"label": label, "got": outcome(decision), "text": text,
                          "rule": decision.rule, "keyword": decision.keyword})  # fmt: skip
    if as_json:
        session.show_json({"texts": count, "wrong": wrong})
    else:
        for miss in wrong:
            click.echo("{label} but {got} by {rule} {keyword}: {text!r}".format(**miss))
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
    found = changed(_classifier(program), _classifier(program, against))
    if as_json:
        session.show_json([_sides(one.typed, one.before, one.after) for one in found])
    else:
        for one in found:
            click.echo(f"{one.typed}: {_shown(one.before)} -> {_shown(one.after)}")
        click.echo(f"{len(found)} keywords differ")
    session.end(DIFFERENT if found else 0)


@keywords.command(epilog="Example: smsgate keywords replay --trail --against next/config")
@click.argument("file", metavar="[TEXTS]", type=click.File("rb"), required=False)
@click.option("--ledger", is_flag=True, help="The texts that changed something, from the records.")
@click.option("--trail", is_flag=True, help="The newest ordinary texts, from the trail.")
@_against
@_program
@session.as_json
def replay(
    file: BinaryIO | None, ledger: bool, trail: bool, against: Path, program: str, as_json: bool
) -> None:
    """Show which of some texts another configuration would decide differently.

    TEXTS is a file or -: a text a line, a JSON string a line, or JSON objects with "text". With
    --ledger and --trail the texts are those of the running smsgate, of the ledger the newest
    40,000. Exit code 0: none. 1: some. 2: what was given cannot be read.
    """
    if file is None and not (ledger or trail):
        raise click.UsageError("name a file of texts, or --ledger or --trail for what was received")
    before, after = _classifier(program), _classifier(program, against)
    given = [*texts(file)] if file else []
    given += _kept(before.program.name, ledger=ledger, trail=trail)
    found = list(replayed(given, before, after))
    if as_json:
        different = [
            {"text": one.text, "before": outcome(one.before), "after": outcome(one.after),
             "rule": one.after.rule, "keyword": one.after.keyword}
            for one in found
        ]  # fmt: skip
        session.show_json({"texts": len(given), "different": different})
    else:
        for one in found:
            click.echo(f"{outcome(one.before)} -> {outcome(one.after)}: {one.text!r}")
        click.echo(f"{len(found)} of {len(given)} texts would be decided differently")
    session.end(DIFFERENT if found else 0)


@keywords.command(epilog="Example: smsgate keywords history es")
@click.argument("name")
@session.as_json
def history(name: str, as_json: bool) -> None:
    """Show the versions of a set that the console owns or owned, the newest first.

    With each version, what it changed. Sets that are files have their history where you keep them.
    """
    versions = session.records().keyword_versions.of(name, _VERSIONS)
    if not versions:
        raise NoSuchKeywordSet(f"the console never had a keyword set {name!r}")
    if as_json:
        session.show_json([_shown_version(one) for one in versions])
        return
    for one, before in zip(versions, [*(older.content for older in versions[1:]), ""], strict=True):
        _tell(one, before)


def _tell(version: KeywordVersion, before: str) -> None:
    gone = "" if version.content else "  given up"
    click.echo(f"version {version.version}  {_when(version)}  {version.author}{gone}")
    if version.note:
        click.echo(f"  {version.note}")
    for line in difference(before, version.content):
        click.echo(f"    {line.sign} {line.text}".rstrip())


def _shown_version(version: KeywordVersion) -> dict[str, object]:
    return {
        "version": version.version,
        "saved": _when(version),
        "author": version.author,
        "note": version.note,
        "content": version.content,
    }


def _when(version: KeywordVersion) -> str:
    return datetime.fromtimestamp(version.saved_us / 1_000_000, UTC).isoformat(timespec="seconds")


def _kept(program: str, *, ledger: bool, trail: bool) -> Iterator[Given]:
    """The texts to a program that store and records still have, with their numbers."""
    if not (ledger or trail):
        return
    services = session.services()
    texts = Texts(services.store, services.records, ledger=ledger, trail=trail)
    for entries, _ in texts.pages(Place()):
        yield from (Given(one.text, one.number) for one in entries if one.program == program)


def _classifier(program: str, folder: Path | None = None) -> Classifier:
    environ: Mapping[str, str] = click.get_current_context().obj["environ"]
    if folder is not None:
        environ = {**environ, "SMSGATE_CONFIG": str(folder)}
    return classifier_of(environ, program)


def _shown(keyword: Active | None) -> str:
    return f"{keyword.intent} ({keyword.match}, {keyword.language})" if keyword else "nothing"


def _sides(typed: str, before: Active | None, after: Active | None) -> dict[str, object]:
    return {
        "typed": typed,
        "before": before._asdict() if before else None,
        "after": after._asdict() if after else None,
    }
