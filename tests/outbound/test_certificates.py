"""Certificates: fetched once an hour, and a provider that is away for a while is no catastrophe."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from smsgate.domain.errors import AccountNotReady
from smsgate.domain.messages import HttpCall
from smsgate.outbound import Outbound, certificates
from smsgate.outbound.certificates import AGAIN_S, BURST, REFILL_S, SigningCertificates
from tests.fakes.processes import wait_until
from tests.fakes.scripted_api import ScriptedApi
from tests.fakes.served import free_port

HOUR_S, DAY_S = 3600.0, 24 * 3600.0


@pytest.fixture
def kept():
    with closing(Outbound()) as outbound:
        yield SigningCertificates(outbound)


@pytest.fixture
def later(monkeypatch):
    """Move the clock on; it stands still otherwise."""
    now = [certificates.time.monotonic()]
    monkeypatch.setattr(certificates.time, "monotonic", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


def of(api: ScriptedApi, path: str = "/cert.pem") -> HttpCall:
    return HttpCall("GET", api.url + path)


def test_a_certificate_is_fetched_once_and_again_after_an_hour(kept, later):
    with ScriptedApi({"/cert.pem": [(200, b"first"), (200, b"second")]}) as api:
        assert [kept.of(of(api)) for _ in range(3)] == [b"first"] * 3
        later(HOUR_S - 5)
        assert kept.of(of(api)) == b"first"
        later(10)
        assert kept.of(of(api)) == b"second"
    assert len(api.calls) == 2


@pytest.mark.parametrize("status", [404, 500, 302])
def test_without_a_certificate_the_account_is_not_ready_and_a_while_later_it_is_asked_again(
    kept, later, status
):
    with ScriptedApi({"/cert.pem": [(status, b"<html>"), (200, b"pem")]}) as api:
        for _ in range(3):
            with pytest.raises(AccountNotReady, match=str(status)):
                kept.of(of(api))
        assert len(api.calls) == 1
        later(AGAIN_S)
        assert kept.of(of(api)) == b"pem"


def test_a_provider_that_cannot_be_reached_makes_the_account_not_ready(kept):
    with pytest.raises(AccountNotReady) as raised:
        kept.of(HttpCall("GET", f"http://127.0.0.1:{free_port()}/cert.pem"))
    assert raised.value.status == 503


def test_a_known_certificate_does_for_a_day_where_it_cannot_be_fetched_again(kept, later):
    with ScriptedApi({"/cert.pem": [(200, b"pem"), (503, b"")]}) as api:
        kept.of(of(api))
        later(DAY_S - 60)
        assert kept.of(of(api)) == b"pem"
        later(120)
        with pytest.raises(AccountNotReady):
            kept.of(of(api))


def test_an_empty_certificate_is_none(kept, later):
    with ScriptedApi({"/cert.pem": [(200, b""), (200, b"pem")]}) as api:
        with pytest.raises(AccountNotReady, match="status 200"):
            kept.of(of(api))
        later(AGAIN_S)
        assert kept.of(of(api)) == b"pem"


def test_no_more_are_kept_than_a_few(kept, later):
    paths = [f"/{number}" for number in range(3 * certificates._MOST)]
    with ScriptedApi({path: [(200, b"pem")] for path in paths}) as api:
        for path in paths:
            later(REFILL_S)
            kept.of(of(api, path))
    assert len(kept._known) == certificates._MOST


def test_a_flood_of_addresses_is_asked_for_a_few_and_then_one_after_the_other(kept, later):
    with ScriptedApi({}) as api:
        for number in range(50):
            with pytest.raises(AccountNotReady) as raised:
                kept.of(of(api, f"/{number}"))
        assert raised.value.status == 503
        assert len(api.calls) == BURST
        later(REFILL_S)
        for number in range(50, 60):
            with pytest.raises(AccountNotReady):
                kept.of(of(api, f"/{number}"))
        assert len(api.calls) == BURST + 1


def test_a_known_certificate_is_at_hand_during_a_flood(kept):
    with ScriptedApi({"/cert.pem": [(200, b"pem")]}) as api:
        kept.of(of(api))
        for number in range(3 * certificates._MOST):
            with pytest.raises(AccountNotReady):
                kept.of(of(api, f"/{number}"))
        assert kept.of(of(api)) == b"pem"
    assert len(kept._known) <= certificates._MOST


def test_callers_at_once_share_one_fetch_and_no_thread_waits_for_it(kept):
    answer = threading.Event()
    with (
        ScriptedApi({"/cert.pem": [(200, b"pem")]}, after=answer) as api,
        ThreadPoolExecutor(6) as pool,
    ):
        asked = [pool.submit(kept.of, of(api)) for _ in range(6)]
        assert wait_until(lambda: sum(one.done() for one in asked) == 5, 4)
        answer.set()
        assert sum(isinstance(one.exception(), AccountNotReady) for one in asked) == 5
        assert kept.of(of(api)) == b"pem"
        assert len(api.calls) == 1
