"""``smsgate check``: may I text these numbers?

It imports what a program imports that asks the gate: the rest of smsgate takes a second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
import msgspec

from smsgate.cli.data_dir import completed
from smsgate.consent.decision_text import because
from smsgate.domain.errors import ConfigurationError, UnknownProgram
from smsgate.pipeline.gate import Gate, GateAnswer
from smsgate.pipeline.spool import Spool
from smsgate.settings.read import read_settings
from smsgate.store.connection import open_redis
from smsgate.store.gate_check import GateReader
from smsgate.store.health import Health
from smsgate.store.metadata import refuse_old
from smsgate.store.refusals import Refusals

BLOCKED, COULD_NOT_TELL = 1, 2
_VERDICTS = {None: "could not tell", True: "allowed", False: "blocked"}


@click.command(epilog="Example: smsgate check +14155550123 +14155550124 --program alerts")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@click.option("--program", help="Sending program; required if there are several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(
    context: click.Context, numbers: Sequence[str], program: str | None, as_json: bool
) -> None:
    """Ask the gate whether a program may text these numbers.

    Exit code 0: all may be texted. 1: some may not. 2: could not tell (the store cannot be
    trusted, the program is unknown, or a number is invalid).
    """
    environ = completed(context.obj["environ"])
    settings, faults = read_settings(environ, secret_keys=lambda _: frozenset())
    if faults:
        raise ConfigurationError(faults)
    names = [one.name for one in settings.programs]
    if program is None and len(names) != 1:
        raise UnknownProgram(f"Say for which program: --program {'|'.join(names) or 'NAME'}")
    client, name = open_redis(settings.redis_url), program or names[0]
    refuse_old(client)
    spool = Spool(settings.data_dir / "spool.sqlite3")
    gate = Gate(GateReader(client), Health(client), Refusals(client), spool=spool)
    answers = gate.look_up(numbers, program=name)
    if as_json:
        found = msgspec.json.encode({"program": name, "results": answers})
        click.echo(msgspec.json.format(found, indent=2))
    else:
        click.echo(answers_text({answer.number: answer for answer in answers}))
    verdicts = {answer.allowed for answer in answers}
    context.exit(COULD_NOT_TELL if None in verdicts else BLOCKED if False in verdicts else 0)


def answers_text(answers: Mapping[str, GateAnswer]) -> str:
    """A line for each answer, by number or by program."""
    width, lines = max(map(len, answers)), []
    for name, answer in answers.items():
        since = f"since {answer.since}" if answer.since else ""
        why = f"({because(answer.why)})" if answer.why else ""
        parts = (f"{name:<{width}} ", _VERDICTS[answer.allowed], answer.reason, since, why)
        lines.append(" ".join(part for part in parts if part))
    return "\n".join(lines)
