"""``smsgate explain``: what a text would be understood as, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from smsgate.classifier import Classifier, make_classifiers, reply_text
from smsgate.decision_text import facts
from smsgate.domain.errors import UnknownProgram
from smsgate.domain.phone import e164
from smsgate.process.configuration import load_configuration
from smsgate.settings import Program
from smsgate.settings.read import FILE

_UNCONFIGURED = Program(
    name="example", title="Example", account="", senders=(), keywords=("*",), region="US"
)


@click.command(epilog="Example: smsgate explain --from +8613800138000 T")
@click.argument("text")
@click.option("--program", default="", help="The program that was texted; the first by default.")
@click.option("--from", "number", default="", help="Sender of the text, such as +14155550123.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
@click.pass_context
def explain(context: click.Context, text: str, program: str, number: str, as_json: bool) -> None:
    """Say what TEXT asks for, and by which rule.

    With --json, - stands for texts on standard input: a line in is a JSON string, a line out one
    JSON object, in order and at once. A line that cannot be read is answered by
    {"error": "line 3: …"}.

    Exit code 0: everything was explained. 2: a line or an argument could not be read.
    """
    classifier = classifier_of(context.obj["environ"], program)
    number = e164(number, classifier.program.region) if number else ""
    if text == "-" and not as_json:
        raise click.UsageError("Texts on standard input want --json: smsgate explain - --json")
    if text == "-":
        faulty = stream(sys.stdin.buffer, sys.stdout.buffer, classifier, number)
        context.exit(2 if faulty else 0)
    decision, used = classifier.classify(text, number), classifier.program
    if as_json:
        click.echo(msgspec.json.encode(decision))
        return
    click.echo(f"{decision.intent.upper()}   by the rule {decision.rule}, program {used.name}")
    for name, value in [("text", repr(text)), *facts(decision, partial(reply_text, used))]:
        click.echo(f"  {name:13}{value}")


def stream(
    source: Iterable[bytes], target: BinaryIO, classifier: Classifier, number: str = ""
) -> int:
    """Answer each line with one JSON object as it comes; return how many could not be read."""
    faulty = 0
    for at, line in enumerate(source, 1):
        try:
            asked = msgspec.convert(json.loads(line), str)
            # Half of a character that was cut in two, as some gateways do it, is no text.
            text = asked.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            answer = msgspec.json.encode(classifier.classify(text, number))
        except (ValueError, RecursionError) as error:
            problem = f"line {at}: {getattr(error, 'msg', error)}: a line is a JSON string"
            answer = msgspec.json.encode({"error": problem})
            faulty += 1
        target.write(answer + b"\n")
        target.flush()
    return faulty


def classifier_of(environ: Mapping[str, str], name: str) -> Classifier:
    """The classifier of a configured program, or without any configuration one for all languages.

    A folder that was named must be one. Raises ``UnknownProgram``, and ``ConfigurationError`` with
    all faults.
    """
    if not (name or environ.get("SMSGATE_CONFIG") or (Path("config") / FILE).exists()):
        return make_classifiers(None, (_UNCONFIGURED,))[0][_UNCONFIGURED.name]
    found = load_configuration(environ).content.classifiers
    if not found:
        raise UnknownProgram("no program is configured: [programs.NAME] in smsgate.toml makes one")
    if name and name not in found:
        raise UnknownProgram(f"there is no program {name}: there are {', '.join(found)}")
    return found[name] if name else next(iter(found.values()))
