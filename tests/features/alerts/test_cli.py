"""``smsgate alerts test``: the clock sends it, by Apprise in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping

import pytest
from structlog.testing import capture_logs

from smsgate.background_thread import close_all
from smsgate.cli.main import run
from smsgate.metrics.snapshot import Process
from smsgate.store.shared_keys import PROCESSES
from smsgate.store.shared_values import AlertTest
from tests.fakes.own_services import ALERTS, make_part, make_services
from tests.fakes.scripted_api import ScriptedApi
from tests.features.alerts.test_service import keep_a_record
from workers import threads as clock_threads

TO_HOOK = '[alerts]\nto = ["${HOOK}", "json://127.0.0.1:9/x"]\n'


@pytest.fixture
def hook() -> Iterator[ScriptedApi]:
    with ScriptedApi({"/hook": [(200, b"")]}) as api:
        yield api


@pytest.fixture
def clock(tmp_path, redis_url) -> Iterator[Callable[[str], Mapping[str, str]]]:
    """Starts the part of a clock that tells, with a configuration; gives the terminal's variables.

    The variables of its own are those that it alone has.
    """
    with contextlib.ExitStack() as stack:

        def start(toml: str, **own: str) -> Mapping[str, str]:
            services = make_services(tmp_path, redis_url, toml, **own)
            stack.callback(services.close)
            at = Process("c", "clock", socket.gethostname(), os.getpid(), "v1")
            services.store.heartbeats.beat(at, 600)
            threads = make_part(services, clock_threads.alert_threads)
            for thread in threads:
                thread.start()
            stack.callback(close_all, threads)
            return {
                "SMSGATE_CONFIG": str(tmp_path / "config"),
                "SMSGATE_DATA_DIR": str(tmp_path / "var"),
                "REDIS_URL": redis_url,
            }

        yield start


def test_the_clock_sends_by_its_own_addresses_and_says_what_came_of_each(clock, capsys, hook):
    """Not the terminal, whose variables and network are its own."""
    url = hook.url.replace("http://", "json://")
    environ = dict(clock(ALERTS + TO_HOOK, HOOK=f"{url}/hook"))
    there = environ | {"HOOK": "json://127.0.0.1:1/nobody"}
    assert run(["alerts", "test", "--json"], there) == 2
    here = f"{socket.gethostname()}:{os.getpid()}"
    ours, away = json.loads(capsys.readouterr().out)
    assert ours == {"address": "json 1", "sent": True, "problem": "", "clock": here}
    assert (away["address"], away["sent"]) == ("json 2", False)
    assert away["problem"].startswith("A Connection error occurred sending JSON notification")
    assert not away["problem"].endswith(".")
    titles = [json.loads(call.body)["title"].rpartition(": ")[2] for call in hook.calls]
    assert titles.count("test") == 1
    assert run(["alerts", "test"], environ) == 2
    assert "'${HOOK}' names a variable that is not set" in capsys.readouterr().err


def test_a_clock_without_an_address_is_told(clock, capsys):
    assert run(["alerts", "test"], clock(ALERTS)) == 2
    assert "No address is configured" in capsys.readouterr().err


def test_without_a_clock_nobody_would_be_told(clock, capsys, redis_client):
    environ = clock(ALERTS)
    redis_client.delete(PROCESSES)
    assert run(["alerts", "test"], environ) == 2
    assert "No clock is running" in capsys.readouterr().err


def test_a_clock_that_ends_leaves_its_turn_to_another_at_once(tmp_path, redis_url):
    with contextlib.closing(make_services(tmp_path, redis_url, ALERTS)) as services:
        alerts, test = make_part(services, clock_threads.alert_threads)
        services.store.alert_test.write(AlertTest())
        alerts.start()
        test.run_once()
        assert not services.store.alert_lease.hold("another")
        alerts.close()
        assert services.store.alert_lease.hold("another")


def test_a_clock_without_an_address_logs_the_digest_of_the_records(tmp_path, redis_url):
    with contextlib.closing(make_services(tmp_path, redis_url, ALERTS)) as services:
        services.records.migrate()
        digest = keep_a_record(services)
        with capture_logs() as lines:
            make_part(services, clock_threads.alert_threads)[0].run_once()
    assert [(one["event"], one["digest"]) for one in lines] == [("records digest", digest)]
