"""``smsgate check`` and ``smsgate status``: may I text this number?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
from msgspec.structs import asdict

from smsgate.cli import session
from smsgate.cli.session import out
from smsgate.consent.decision_text import because
from smsgate.domain.errors import UnknownProgram
from smsgate.pipeline.gate import GateAnswer
from smsgate.settings import Programs

BLOCKED, COULD_NOT_TELL = 1, 2


@click.command(epilog="Example: smsgate check +14155550123 +14155550124 --program alerts")
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER…")
@click.option("--program", help="Sending program; required if there are several.")
@session.as_json
def check(numbers: Sequence[str], program: str | None, as_json: bool) -> None:
    """Ask the gate whether a program may text these numbers.

    Exit code 0: all may be texted. 1: some may not. 2: could not tell (the store cannot be
    trusted, the program is unknown, or a number is invalid).
    """
    services = session.services()
    name = program or _only(services.settings.programs)
    answers = services.gate.look_up(numbers, program=name)
    if as_json:
        session.show_json({"program": name, "results": [asdict(answer) for answer in answers]})
    else:
        _show({answer.number: answer for answer in answers})
    session.end(_code(answers))


@click.command(epilog="Example: smsgate status +14155550123")
@click.argument("number")
@session.as_json
def status(number: str, as_json: bool) -> None:
    """Show which programs may text a number, and why not."""
    services = session.services()
    answers = services.gate.check_programs(number, services.settings.programs)
    if as_json:
        session.show_json({name: asdict(answer) for name, answer in answers.items()})
    else:
        _show(answers)


def _only(programs: Programs) -> str:
    names = [program.name for program in programs]
    if len(names) == 1:
        return names[0]
    raise UnknownProgram(f"Say for which program: --program {'|'.join(names) or 'NAME'}")


def _code(answers: Sequence[GateAnswer]) -> int:
    if any(answer.allowed is None for answer in answers):
        return COULD_NOT_TELL
    return 0 if all(answer.allowed for answer in answers) else BLOCKED


def _show(answers: Mapping[str, GateAnswer]) -> None:
    width = max(map(len, answers))
    for name, answer in answers.items():
        since = f"since {answer.since}" if answer.since else ""
        parts = (answer.reason, since, f"({because(answer.why)})" if answer.why else "")
        line = " ".join(part for part in (_verdict(answer), *parts) if part)
        out.print(f"{name:<{width}}  ", end="", markup=False)
        out.print(line)


def _verdict(answer: GateAnswer) -> str:
    if answer.allowed is None:
        return "[yellow]could not tell[/]"
    return "[green]allowed[/]" if answer.allowed else "[bold red]blocked[/]"
