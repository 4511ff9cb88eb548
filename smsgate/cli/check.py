"""``smsgate check``: may I text these numbers?

It asks the store as any program does that sends, and reads no configuration, which takes longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import msgspec

from smsgate.cli.data_dir import completed, data_dir
from smsgate.decision_text import because
from smsgate.domain.errors import StoreUnavailable, UnknownProgram
from smsgate.pipeline.gate import Gate, GateAnswer
from smsgate.pipeline.spool import Spool
from smsgate.store.connection import Client, open_redis
from smsgate.store.gate_check import GateReader
from smsgate.store.health import Health
from smsgate.store.metadata import refuse_old
from smsgate.store.programs import StorePrograms

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
    client = _open_store(environ)
    refuse_old(client)
    known = [program] if program else [*StorePrograms(client).published()]
    if len(known) > 1:
        raise UnknownProgram(f"Say for which program: --program {'|'.join(sorted(known))}")
    name = known[0] if known else ""  # the gate says what a store without programs lacks
    spool = Spool(data_dir(environ) / "spool.sqlite3")
    gate = Gate(GateReader(client), Health(client), spool=spool)
    answers = gate.look_up(numbers, program=name)
    if as_json:
        found = msgspec.json.encode({"program": name, "results": answers})
        click.echo(msgspec.json.format(found, indent=2))
    else:
        click.echo(answers_text({answer.number: answer for answer in answers}))
    verdicts = {answer.allowed for answer in answers}
    context.exit(COULD_NOT_TELL if None in verdicts else BLOCKED if False in verdicts else 0)


def _open_store(environ: Mapping[str, str]) -> Client:
    """The store that the environment names. Raises ``StoreUnavailable``."""
    file, url = environ.get("REDIS_URL_FILE"), environ.get("REDIS_URL")
    try:
        url = url or (Path(file).read_text("utf-8").strip() if file else "redis://127.0.0.1:6379/0")
        return open_redis(url)
    except (OSError, ValueError) as error:
        raise StoreUnavailable(f"REDIS_URL cannot be used: {error}") from None


def answers_text(answers: Mapping[str, GateAnswer]) -> str:
    """A line for each answer, by number or by program."""
    width, lines = max(map(len, answers)), []
    for name, answer in answers.items():
        since = f"since {answer.since}" if answer.since else ""
        why = f"({because(answer.why)})" if answer.why else ""
        parts = (f"{name:<{width}} ", _VERDICTS[answer.allowed], answer.reason, since, why)
        lines.append(" ".join(part for part in parts if part))
    return "\n".join(lines)
