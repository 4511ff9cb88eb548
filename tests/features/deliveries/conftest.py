"""Own programs on loopback, and what posts texts and changes of consent to them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from smsgate.background_thread import close_all
from smsgate.features.deliveries import pause, sender
from smsgate.features.deliveries.changes import ChangeSource
from smsgate.features.deliveries.sender import DeliverySender
from smsgate.features.deliveries.texts import TextDeliveries
from smsgate.outbound import Outbound
from smsgate.records.deliveries import Delivery, Destination
from smsgate.settings import Feed
from smsgate.store.keys import partition_of
from tests.fakes.application import Application
from tests.fakes.feeds import NEW, OLD, Clock, Receiver
from tests.fakes.loopback import QuietHandler, serving
from tests.fakes.own_services import make_part
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER
from tests.pipeline.conftest import CONFIG, SENDER
from workers.threads import delivery_threads

OTHER = "+14155550199"
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
    monkeypatch.setattr(sender, "_FIRST_RETRY_S", 0.05)
    monkeypatch.setattr(sender, "_MAX_RETRY_S", 0.2)
    monkeypatch.setattr(sender, "IDLE_S", 0.02)
    monkeypatch.setattr(pause, "MAX_PAUSE_S", 0.1)


@pytest.fixture
def services(services):
    """A gateway with tables for its records."""
    services.records.migrate()
    return services


@pytest.fixture
def receive(services, signed) -> Callable[..., str]:
    """Take a text in, apply and record it; gives the outcome that the log has."""

    def received(text: str, number: str = NUMBER, sender: str = SENDER, **more: str) -> str:
        request = signed(text, number, sender=sender, **more)
        outcome = services.ingest.receive("twilio", request).outcome
        record(services, number)
        return outcome

    return received


def record(services, number: str = NUMBER) -> None:
    """Apply what a number texted, and record it."""
    services.applier.drain(partition_of(number))
    services.archiver.move_all()


@pytest.fixture
def make(services) -> Iterator[Callable[..., DeliverySender]]:
    """Makes what sends texts to the application of a program, as a process would."""
    made: list[DeliverySender] = []

    def make(name: str = "alerts", **changed: object) -> DeliverySender:
        program = services.settings.programs.get(name)
        application = dataclasses.replace(program.forward, **changed)
        source = TextDeliveries(
            program, application, services.settings, services.store, services.job_queue
        )
        is_free = application.allow_private
        outbound = Outbound(public_only=not is_free, by_proxy=is_free)
        storage, metrics = services.records.deliveries, services.store.metrics
        where = Destination(name, "text")
        made.append(DeliverySender(where, source, storage, outbound, metrics))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def run(services) -> Iterator[None]:
    """The threads at work, as in the process ``sender``."""
    threads = make_part(services, delivery_threads)
    for thread in threads:
        thread.start()
    yield
    close_all(threads)


def pending(services) -> list[Delivery]:
    return services.records.deliveries.page(failed=False)[0]


def failed(services) -> list[Delivery]:
    return services.records.deliveries.page(failed=True)[0]


def tries(services) -> int:
    return sum(one.tries for one in pending(services))


def turn(one: DeliverySender) -> float:
    """One turn, until its calls have ended."""
    pause_s = one.run_once()
    while one._under_way:
        one._note_outcomes(wait_s=1.0)
    return pause_s


def settle(services, *some: DeliverySender) -> None:
    """Take turns until nothing is pending."""

    def all_accepted() -> bool:
        for one in some:
            one.run_once()
        return not pending(services)

    assert wait_until(all_accepted)


class _Server(ThreadingHTTPServer):
    request_queue_size = 64


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 - as http.server has it
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(told.answer(dict(self.headers), body))
            for name, value in {"Content-Length": "0", **told.headers}.items():
                self.send_header(name, value)
            self.end_headers()

    with serving(_Server(("127.0.0.1", 0), Handler)) as url:
        told.url = f"{url}/consent?of=acme"
        yield told


@pytest.fixture
def clock() -> Clock:
    return Clock()


class FeedSender(DeliverySender):
    """Takes whole turns: each returns when its calls have ended."""

    def run_once(self) -> float:
        pause_s = super().run_once()
        while self._under_way:
            self._note_outcomes(wait_s=1.0)
        return pause_s


@pytest.fixture
def make_feed(services, receiver, clock) -> Iterator[Callable[..., FeedSender]]:
    """Makes what sends changes to the feed of a program, as a process would."""
    made: list[FeedSender] = []

    def make(
        program: str = "alerts", url: str = "", outbound: type[Outbound] = Outbound
    ) -> FeedSender:
        feed = Feed(
            url=url or receiver.url, secrets=(SecretStr(NEW), SecretStr(OLD)), allow_private=True
        )
        source = ChangeSource(services.settings.programs.get(program), feed, services.records)
        storage, metrics = services.records.deliveries, services.store.metrics
        calls = outbound(connect_s=1, read_s=1)
        made.append(
            FeedSender(Destination(program, "change"), source, storage, calls, metrics, clock)
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def fed(make_feed) -> FeedSender:
    """The feed of alerts, which has begun."""
    one = make_feed()
    one.run_once()
    return one
