from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import ThreadingHTTPServer

import pytest
from werkzeug.serving import make_server

from smsgate import AsyncSmsGate
from smsgate.client import SmsGate, read_answers
from smsgate.domain.errors import (
    Forbidden,
    GateUnreachable,
    InvalidNumber,
    StoreNotReady,
    Suppressed,
    TooManyCalls,
    Unauthorized,
    UnknownProgram,
)
from smsgate.domain.phone import masked
from smsgate.web import create_app
from tests.fakes.blocking import Blocking
from tests.fakes.loopback import QuietHandler, serving

ALLOWED, BLOCKED = "+14155550123", "+14155550124"


@pytest.fixture
def url(services) -> Iterator[str]:
    with serving(make_server("127.0.0.1", 0, create_app(services), threaded=True)) as url:
        yield url


def test_it_says_what_the_gate_says(connect, url) -> None:
    gate = connect(url, "a-key-that-is-long-enough-for-tests")
    assert gate.allows(ALLOWED, program="alerts")
    assert not gate.allows(BLOCKED, program="alerts")
    answers = gate.check([BLOCKED, "nonsense", ALLOWED], program="alerts")
    assert [(one.allowed, one.reason) for one in answers] == [
        (False, "hold"),
        (None, "invalid"),
        (True, ""),
    ]
    assert gate.check([], program="alerts") == []
    with pytest.raises(InvalidNumber):
        gate.allows("nonsense", program="alerts")


def test_only_a_send_that_was_stopped_counts(connect, url, refusals) -> None:
    gate = connect(url, "a-key-that-is-long-enough-for-tests")
    gate.check([BLOCKED], program="alerts")
    assert refusals.newest() == []
    with pytest.raises(Suppressed) as caught:
        gate.require([ALLOWED, BLOCKED], program="alerts")
    assert caught.value.refused == {BLOCKED: "hold"}
    gate.require([ALLOWED], program="alerts")
    told = {(one.number, one.reason, one.by) for one in refusals.newest()}
    assert told == {(masked(BLOCKED), "hold", "api")}


@pytest.mark.parametrize("numbers", [["abc"], [ALLOWED, "abc"], [BLOCKED, "abc"], ["abc", BLOCKED]])
def test_require_refuses_what_is_no_number_as_allows_does(connect, url, refusals, numbers) -> None:
    gate = connect(url, "a-key-that-is-long-enough-for-tests")
    with pytest.raises(InvalidNumber) as asked:
        gate.allows("abc", program="alerts")
    with pytest.raises(InvalidNumber) as required:
        gate.require(numbers, program="alerts")
    assert str(required.value) == str(asked.value)
    told = {(one.number, one.reason, one.by) for one in refusals.newest()}
    assert (masked("abc"), "invalid", "api") in told


@pytest.mark.parametrize("number", [ALLOWED, BLOCKED, ""])
def test_a_number_where_a_list_belongs_is_never_let_through(connect, url, number) -> None:
    gate = connect(url, "a-key-that-is-long-enough-for-tests")
    for ask in (gate.require, gate.check):
        with pytest.raises(TypeError, match="numbers is a list"):
            ask(number, program="alerts")


def test_more_than_one_call_holds_is_asked_in_several(connect, url) -> None:
    numbers = [f"+1415{n:07}" for n in range(10_001)] + [BLOCKED]
    answers = connect(url, "a-key-that-is-long-enough-for-tests", timeout_s=(2, 30)).check(
        numbers, program="alerts"
    )
    assert [one.number for one in answers] == numbers
    assert [one.allowed for one in answers[-2:]] == [True, False]


def test_what_the_gate_refuses_has_the_same_name_here(connect, url, redis_client) -> None:
    with pytest.raises(Unauthorized):
        connect(url, "wrong").allows(ALLOWED, program="alerts")
    with pytest.raises(UnknownProgram):
        connect(url, "a-key-that-is-long-enough-for-tests").allows(ALLOWED, program="nothing")
    redis_client.flushall()
    with pytest.raises(StoreNotReady):
        connect(url, "a-key-that-is-long-enough-for-tests").allows(ALLOWED, program="alerts")


def test_the_key_is_not_shown_and_gives_way_to_no_netrc(
    connect, url, tmp_path, monkeypatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login joe password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    gate = connect(url, "a-key-that-is-long-enough-for-tests")
    assert gate.allows(ALLOWED, program="alerts")
    assert "a-key-that-is-long-enough-for-tests" not in repr(gate)


@pytest.fixture(params=["client", "async client"])
def connect(request):
    """What makes a client: the same tests hold for ``SmsGate`` and ``AsyncSmsGate``."""
    if request.param == "client":
        yield SmsGate
        return
    made: list[Blocking] = []

    def connect_blocking(*args, **options) -> Blocking:
        made.append(Blocking(lambda: AsyncSmsGate(*args, **options)))
        return made[-1]

    yield connect_blocking
    for one in made:
        one.end()


class _Odd(QuietHandler):
    """Answers 200 with whatever the test wants."""

    def do_POST(self) -> None:  # noqa: N802 - as http.server has it
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.calls += 1
        status, headers, body = self.server.answer
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def odd() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Odd)
    server.calls = 0
    with serving(server):
        yield server


def result(**changed: object) -> bytes:
    one = {"number": ALLOWED, "allowed": True, "reason": "", "since": None} | changed
    return json.dumps({"results": [one]}).encode()


ODD = [
    (200, {}, b"<html>a login page</html>"),
    (200, {}, b"{}"),
    (200, {}, b"[]"),
    (200, {}, b'{"results": []}'),
    (200, {}, b'{"results": null}'),
    (200, {}, result(number="+14155550199")),
    (200, {}, result(allowed="false")),
    (200, {}, result(allowed=1)),
    (200, {}, b'{"results": [{"number": "+14155550123"}]}'),
    (204, {}, b""),
    (302, {"Location": "/elsewhere"}, b""),
    (500, {}, b"oops"),
    (503, {}, b'{"reason": "something new", "detail": "no"}'),
    (0, {}, b""),
]


def test_whatever_is_no_clear_answer_is_none(connect, odd) -> None:
    gate = connect(f"http://127.0.0.1:{odd.server_port}", "a-key-that-is-long-enough-for-tests")
    for answer in ODD:
        odd.answer, odd.calls = answer, 0
        with pytest.raises(GateUnreachable):
            gate.require([ALLOWED], program="alerts")
        assert odd.calls == 1, answer
    odd.answer = (200, {}, result())
    gate.require([ALLOWED], program="alerts")


def test_a_key_that_may_not_or_calls_too_often_is_told_so(connect, odd) -> None:
    gate = connect(f"http://127.0.0.1:{odd.server_port}", "a-key-that-is-long-enough-for-tests")
    odd.answer = (403, {}, b'{"reason": "forbidden", "detail": "no"}')
    with pytest.raises(Forbidden, match="no"):
        gate.require([ALLOWED], program="alerts")
    odd.answer = (429, {"Retry-After": "3"}, b'{"reason": "too_many_calls", "detail": "wait"}')
    with pytest.raises(TooManyCalls) as refused:
        gate.require([ALLOWED], program="alerts")
    assert refused.value.wait_s == 3


@pytest.mark.parametrize(
    ("retry_after", "least_s", "most_s"),
    [
        ("in ten minutes", 500, 600),
        ("Thu, 01 Jan 2015 00:00:00 -0000", 0, 0),
        ("soon", 1, 1),
        ("-3", 1, 1),
        ("", 1, 1),
    ],
)
def test_a_proxy_may_say_by_a_date_when_to_ask_again(retry_after, least_s, most_s) -> None:
    if retry_after == "in ten minutes":
        retry_after = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    with pytest.raises(TooManyCalls) as refused:
        read_answers([ALLOWED], 429, b'{"reason": "too_many_calls"}', retry_after)
    assert least_s <= refused.value.wait_s <= most_s


def test_a_gate_that_hangs_or_is_away_is_not_waited_for(connect) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(GateUnreachable, match="ReadTimeout"):
            connect(url, "a-key-that-is-long-enough-for-tests", timeout_s=(0.2, 0.2)).allows(
                ALLOWED, program="alerts"
            )
    with pytest.raises(GateUnreachable, match="Connect"):
        connect(url, "a-key-that-is-long-enough-for-tests", timeout_s=(0.2, 0.2)).allows(
            ALLOWED, program="alerts"
        )


def test_many_tasks_may_share_one(url) -> None:
    async def ask() -> list[bool]:
        async with AsyncSmsGate(url, "a-key-that-is-long-enough-for-tests") as gate:
            asked = [gate.allows((ALLOWED, BLOCKED)[n % 2], program="alerts") for n in range(40)]
            return await asyncio.gather(*asked)

    assert asyncio.run(ask()) == [True, False] * 20
