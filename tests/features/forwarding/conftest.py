"""Programs with applications, and what hands messages over to them."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Iterator

import pytest

from smsgate.features.forwarding import circuit_breaker, service
from smsgate.features.forwarding.service import ForwardSender
from smsgate.store.keys import PARTITIONS, partition_of
from tests.fakes.application import Application
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER
from tests.pipeline.conftest import CONFIG, SENDER
from workers.forwarder import Forwarder

OTHER = "+14155550199"
NEW, OLD = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))
ORIGINAL = "+14155550888"
"""Sender of the program whose application wants Twilio's own requests."""
PLAIN = "+14155550666"
"""Sender of a program without application."""
FORWARDS = """
[programs.alerts.forward]
url           = "%(app)s"
secret        = "%(new)s, %(old)s"
allow_private = true

[programs.orders.forward]
url           = "%(app)s"
as            = "original"
messages      = "all"
allow_private = true
"""


@pytest.fixture
def app() -> Iterator[Application]:
    with Application() as one:
        yield one


@pytest.fixture
def environ(environ, tmp_path, api, app) -> dict[str, str]:
    file = tmp_path / "config" / "smsgate.toml"
    tables = FORWARDS % {"app": app.url, "new": NEW, "old": OLD}
    file.write_text(CONFIG % {"api": api.url} + tables)
    return environ


@pytest.fixture
def impatient(monkeypatch) -> None:
    """What takes seconds and minutes takes hundredths here."""
    monkeypatch.setattr(service, "_FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(service, "_MAX_RETRY_S", 0.2)
    monkeypatch.setattr(circuit_breaker, "MAX_PAUSE_S", 0.1)


@pytest.fixture
def receive(services, signed) -> Callable[..., str]:
    """Take a text in and apply it; gives the outcome that the log has."""

    def received(text: str, number: str = NUMBER, sender: str = SENDER, **more: str) -> str:
        request = signed(text, number, sender=sender, **more)
        outcome = services.ingest.receive("twilio", request).outcome
        services.applier.drain(partition_of(number))
        return outcome

    return received


@pytest.fixture
def make(services) -> Iterator[Callable[..., ForwardSender]]:
    """Makes the forwarding of a program, as a process would."""
    made: list[ForwardSender] = []

    def make(name: str = "alerts", **changed: object) -> ForwardSender:
        program = services.settings.programs.get(name)
        application = dataclasses.replace(program.forward, **changed)
        made.append(
            ForwardSender(
                program, application, services.settings, services.store, services.job_queue
            )
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def run(services) -> Iterator[None]:
    """A forwarder at work, as in the process ``sender``."""
    forwarder = Forwarder(services)
    forwarder.start()
    yield
    forwarder.close()


def waiting(services) -> int:
    return sum(len(services.store.forwards.waiting(partition)) for partition in range(PARTITIONS))


def tries(services) -> int:
    return sum(
        one.tries
        for partition in range(PARTITIONS)
        for one in services.store.forwards.waiting(partition)
    )


def settle(services, *some: ForwardSender) -> None:
    """Take turns until nothing waits."""

    def all_taken() -> bool:
        for one in some:
            one.run_once()
        return waiting(services) == 0

    assert wait_until(all_taken)
