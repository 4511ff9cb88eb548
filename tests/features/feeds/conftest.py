"""A program's feed in front of a gateway, and another program that takes its calls."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from smsgate.features.feeds.service import FeedSender
from smsgate.outbound import Outbound
from smsgate.settings import Feed, Secret
from tests.fakes.feeds import NEW, OLD, Clock, Receiver
from tests.fakes.loopback import QuietHandler, serving
from tests.records.conftest import (
    bare_records,
    database_url,
    postgresql_server,
    postgresql_url,
    records,
)

__all__ = ["bare_records", "database_url", "postgresql_server", "postgresql_url", "records"]


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

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        told.url = f"{url}/consent?of=acme"
        yield told


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorded(services):
    """A gateway with tables for its records."""
    services.records.migrate()
    return services


@pytest.fixture
def make(recorded, receiver, clock):
    """Makes the feed of a program, as a process would."""

    def made(
        program: str = "alerts", url: str = "", outbound: type[Outbound] = Outbound
    ) -> FeedSender:
        feed = Feed(url=url or receiver.url, secrets=(Secret(NEW), Secret(OLD)), allow_private=True)
        found = recorded.settings.programs.get(program)
        return FeedSender(found, feed, recorded.records, outbound(connect_s=1, read_s=1), clock)

    return made


@pytest.fixture
def fed(make) -> FeedSender:
    """The feed of alerts, which has begun."""
    one = make()
    one.run_once()
    return one
