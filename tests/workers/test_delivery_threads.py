"""The process ``sender`` posts deliveries, as it is started and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.entry_parts import ForwardContent, OriginalRequest
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.process.services import Services
from smsgate.store.keys import PARTITIONS
from tests.fakes.application import Application
from tests.fakes.own_services import ready_services
from tests.fakes.processes import PATIENCE_S, wait_until
from tests.pipeline.conftest import CONFIG, SID, TOKEN

pytestmark = pytest.mark.full  # whole processes; a lease has to run out

FORWARD = """
[programs.alerts.forward]
url           = "%s"
as            = "original"
allow_private = true
"""
NUMBERS = [f"+141555502{place:02}" for place in range(40)]
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def app() -> Iterator[Application]:
    with Application() as one:
        yield one


@pytest.fixture
def environ(redis_url: str, tmp_path: Path, app: Application) -> dict[str, str]:
    (tmp_path / "smsgate.toml").write_text(
        CONFIG % {"api": "http://127.0.0.1:9"} + FORWARD % app.url, encoding="utf-8"
    )
    return {
        "PATH": os.environ["PATH"],
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
    }


@pytest.fixture
def services(environ: dict[str, str]) -> Iterator[Services]:
    with ready_services(environ) as made:
        made.records.migrate()
        yield made


@pytest.fixture
def start(environ: dict[str, str], groups: ProcessGroups) -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def make(name: str) -> subprocess.Popen[str]:
        started.append(
            groups.start([sys.executable, "-m", "smsgate.cli", "run", name], env=environ)
        )
        return started[-1]

    yield make
    for process in started:
        if process.poll() is None:
            groups.end(process)
        if process.stdout is not None:
            process.stdout.close()


def put(services: Services, texts: int) -> None:
    """Texts of every number, applied: they wait for the application."""
    for place in range(texts):
        services.store.inbox.add([Arrival(_entry(number, place)) for number in NUMBERS])
    for partition in services.store.inbox.busy():
        services.applier.drain(partition)
    services.archiver.move_all()


def _entry(number: str, place: int) -> Entry:
    form = f"From=%2B{number[1:]}&Body=text+{place}".encode()
    return Entry(
        number=number,
        program="alerts",
        decision=Decision(Intent.NONE, rule="nothing_known"),
        account="twilio",
        sender="+14155550999",
        text=f"text {place}",
        forward_content=ForwardContent(
            posted=OriginalRequest("POST", "application/x-www-form-urlencoded", form)
        ),
    )


def waiting(services: Services) -> int:
    return services.records.deliveries.counts().pending


def test_what_a_sender_that_is_killed_was_at_is_forwarded_by_the_next_in_order(
    services: Services, app: Application, start: Start, groups: ProcessGroups
) -> None:
    app.says = "<Response><Message>Thanks</Message></Response>"
    app.most = 60
    put(services, 5)
    first = start("sender")
    app.wait_for(60)
    assert wait_until(lambda: waiting(services) < 5 * len(NUMBERS))
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    groups.wait(first)
    assert waiting(services) >= 5 * len(NUMBERS) - 60

    app.most = None
    start("sender")
    assert wait_until(lambda: waiting(services) == 0)
    for number in NUMBERS:
        texts = [text for who, text in app.taken if who == number]
        once = [text for place, text in enumerate(texts) if text not in texts[:place]]
        assert once == [f"text {place}" for place in range(5)]  # some of them twice
        assert texts == sorted(texts)
    ids = {(came.text, came.headers["i-twilio-idempotency-token"]) for came in app.came}
    assert len(ids) == 5 * len(NUMBERS)
    unsent_replies = services.store.unsent_replies
    said = [one.id for _, one in unsent_replies.pending()[1]]
    said += [
        one.reply.id for partition in range(PARTITIONS) for one in unsent_replies.dead(partition)
    ]  # it died over it
    assert len(said) == len({*said}) == 5 * len(NUMBERS)  # each once, and Twilio is away


def test_a_sender_that_is_told_to_end_finishes_its_calls(
    services: Services, app: Application, start: Start, groups: ProcessGroups
) -> None:
    app.after_s = 0.5
    put(services, 1)
    process = start("sender")
    app.wait_for(len(NUMBERS))
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0
    groups.wait(process)
    assert len(app.taken) == len(NUMBERS)
    assert waiting(services) == 0
