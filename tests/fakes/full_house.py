"""A running ``smsgate dev`` filled as one that has been in use: lists, reviews, people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.features.operators.passwords import hash_password
from smsgate.process.configuration import Configuration, load_settings
from smsgate.process.services import Services, build_services
from tests.fakes.browser import PASSWORD
from tests.fakes.people import add_operator

ROLES = ("viewer", "agent", "admin")
_ASKED = (
    "I think I get too many of these, can you do something about it?",
    "para",
    "this isn't Anna's number any more",
    "do I have to answer to end this",
)


def gateway_of(running: Path) -> Services:
    """A gateway on the store and records of the ``dev`` whose ``run.json`` is given."""
    told = json.loads(running.read_text(encoding="utf-8"))
    environ = {**told["environment"], "REDIS_URL": told["redis_url"]}
    return build_services(Configuration(load_settings(environ), {}, ()))


def add_people(services: Services) -> None:
    """An operator of each role, named like it, whose password is ``PASSWORD``."""
    for role in ROLES:
        add_operator(services.records, role, role, hash_password(PASSWORD))


def add_reviews(services: Services, count: int) -> None:
    """Texts that wait for a person, each of a number of its own."""
    for start in range(0, count, 500):
        numbers = range(start, min(start + 500, count))
        services.store.inbox.add([_asked(number) for number in numbers])


def add_suppressed(running: Path, folder: Path, count: int) -> None:
    """A list of numbers that opted out elsewhere, imported by the command."""
    told = json.loads(running.read_text(encoding="utf-8"))
    file = folder / "opted_out.txt"
    file.write_text("".join(f"+1212{2_000_000 + one:07d}\n" for one in range(count)))
    command = [sys.executable, "-m", "smsgate.cli", "import", str(file), "--program", "alerts"]
    subprocess.run(
        [*command, "--state", "opted_out"],
        env={**os.environ, **told["environment"], "REDIS_URL": told["redis_url"]},
        check=True,
        capture_output=True,
        timeout=120,
    )


def _asked(index: int) -> Arrival:
    text = _ASKED[index % len(_ASKED)]
    return Arrival(
        Entry(
            number=f"+1415555{index:04d}",
            program="alerts",
            decision=Decision(Intent.REVIEW, rule="doubt", language="en", note="made for a test"),
            account="simulator",
            message_id=f"review-{index}",
            sender="+14155550100",
            text=text,
        )
    )
