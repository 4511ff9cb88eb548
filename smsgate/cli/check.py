"""``smsgate check`` and ``smsgate status``: may I text this number?

They import what a program imports that asks the gate: the rest of smsgate takes a second.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import click
from msgspec.structs import asdict

from smsgate.cli.data_dir import completed
from smsgate.consent.decision_text import because
from smsgate.domain.errors import ConfigurationError, UnknownProgram
from smsgate.pipeline.gate import Gate, GateAnswer
from smsgate.pipeline.spool import Spool
from smsgate.settings import Programs
from smsgate.settings.read import read_settings
from smsgate.store.connection import refuse_old
from smsgate.store.gate_check import GateReader
from smsgate.store.health import Health
from smsgate.store.redis_address import open_redis
from smsgate.store.refusals import Refusals

BLOCKED, COULD_NOT_TELL = 1, 2
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
Obj = Mapping[str, Mapping[str, str]]


@click.command(epilog="Example: smsgate check +14155550123 +14155550124 --program alerts")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@click.option("--program", help="Sending program; required if there are several.")
@as_json
@click.pass_obj
def check(obj: Obj, numbers: Sequence[str], program: str | None, as_json: bool) -> None:
    """Ask the gate whether a program may text these numbers.

    Exit code 0: all may be texted. 1: some may not. 2: could not tell (the store cannot be
    trusted, the program is unknown, or a number is invalid).
    """
    gate, programs = _gate(obj)
    names = [one.name for one in programs]
    if program is None and len(names) != 1:
        raise UnknownProgram(f"Say for which program: --program {'|'.join(names) or 'NAME'}")
    name = program or names[0]
    answers = gate.look_up(numbers, program=name)
    if as_json:
        _show_json({"program": name, "results": [asdict(answer) for answer in answers]})
    else:
        _show({answer.number: answer for answer in answers})
    found = {answer.allowed for answer in answers}
    click.get_current_context().exit(COULD_NOT_TELL if None in found else int(False in found))


@click.command(epilog="Example: smsgate status +14155550123")
@click.argument("number")
@as_json
@click.pass_obj
def status(obj: Obj, number: str, as_json: bool) -> None:
    """Show which programs may text a number, and why not."""
    gate, programs = _gate(obj)
    answers = gate.check_programs(number, programs)
    if as_json:
        _show_json({name: asdict(answer) for name, answer in answers.items()})
    else:
        _show(answers)


def _gate(obj: Obj) -> tuple[Gate, Programs]:
    """The gate on this host's store and spool. Raises ``ConfigurationError``, ``OldStore``."""
    settings, faults = read_settings(completed(obj["environ"]), secret_keys=lambda _: frozenset())
    if faults:
        raise ConfigurationError(faults)
    client = open_redis(settings.redis_url)
    refuse_old(client)
    spool = Spool(settings.data_dir / "spool.sqlite3")
    gate = Gate(GateReader(client), Health(client), Refusals(client), spool=spool)
    return gate, settings.programs


def _show_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _show(answers: Mapping[str, GateAnswer]) -> None:
    width = max(map(len, answers))
    for name, answer in answers.items():
        since = f"since {answer.since}" if answer.since else ""
        parts = (answer.reason, since, f"({because(answer.why)})" if answer.why else "")
        line = " ".join(part for part in (_verdict(answer), *parts) if part)
        click.echo(f"{name:<{width}}  {line}")


def _verdict(answer: GateAnswer) -> str:
    if answer.allowed is None:
        return click.style("could not tell", fg="yellow")
    if answer.allowed:
        return click.style("allowed", fg="green")
    return click.style("blocked", fg="red", bold=True)
