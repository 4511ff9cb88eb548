"""The event feed that programs ask for: nothing skipped, nothing twice, waiting bounded."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from smsgate.features.events import long_polls
from tests.fakes.served import served

LONG_S = 25.0
"""Less than anybody waits for events here, and more than an answer takes on any machine."""
NUMBERS = [f"+1415555{n:04}" for n in range(24)]


def opt_out(api, numbers=NUMBERS) -> None:
    body = [{"number": one, "state": "opted_out", "reason": "x"} for one in numbers]
    api.post("/suppressions", body)
    api.work()


def followed(api, after: str = "", limit: int = 200) -> tuple[list[str], str]:
    """Ids of all events behind a place, and the place behind them."""
    found, more = [], True
    while more:
        page = api.get(f"/events?after={after}&limit={limit}")
        assert len(page["events"]) <= limit
        found += [one["id"] for one in page["events"]]
        after, more = page["next"], page["more"]
    return found, after


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_whoever_goes_on_from_the_place_before_gets_each_event_once(api, limit) -> None:
    opt_out(api)
    first, place = followed(api, limit=limit)
    assert len(first) == len(set(first)) == len(NUMBERS)
    assert followed(api, place, limit) == ([], place)
    opt_out(api, [*NUMBERS[::2], "+14155559999"])
    second, _ = followed(api, place, limit)
    assert len(second) == len(set(second)) == len(NUMBERS[::2]) + 1
    assert not {*first} & {*second}


def test_events_of_a_number_are_in_their_order_and_have_no_texts(api) -> None:
    for turn in range(3):
        opt_out(api, NUMBERS[:2])
        api.delete(f"/suppressions/all/{NUMBERS[0]}?reason=in{turn}")
        api.work()
    events = api.get("/events")["events"]
    kinds = [one["kind"] for one in events if one["number"] == NUMBERS[0]]
    assert kinds == ["opt_out", "restored"] * 3
    assert events[0]["summary"] == "Opted out for all programs; applied"
    assert all("reason" not in one and "text" not in one for one in events)
    assert all(one["source"] == "operator" and one["sequence"] for one in events)


def test_an_event_that_is_not_recorded_yet_is_not_told(api) -> None:
    api.put(f"/suppressions/all/{NUMBERS[0]}?reason=x")
    for partition in api.services.store.inbox.busy():
        api.services.applier.drain(partition)
    assert api.get("/events")["events"] == []
    api.work()
    assert len(api.get("/events")["events"]) == 1


def test_now_is_behind_everything(api) -> None:
    opt_out(api)
    page = api.get("/events?after=now")
    assert (page["events"], page["more"]) == ([], False)
    opt_out(api, ["+14155559999"])
    assert len(api.get(f"/events?after={page['next']}")["events"]) == 1


def test_a_place_of_other_records_is_refused_and_says_what_to_do(api) -> None:
    opt_out(api, NUMBERS[:1])
    for after in ("3-999", "x", "0-", "-1", "0-1.", "0-" + "9" * 30, "%00", "0-١"):
        found = api.get(f"/events?after={after}", 422)
        assert found["reason"] == "cursor_refused", after
    assert "after=now" in api.get("/events?after=3-999", 422)["detail"]
    for query in ("limit=0", "limit=1001", "wait=31", "wait=-1", "wait=nan", "wait=x", "afer=1"):
        assert api.get(f"/events?{query}", 422)["reason"] == "unprocessable_entity", query


def test_whoever_waits_gets_the_event_as_soon_as_it_is_recorded(api) -> None:
    place = api.get("/events?after=now")["next"]
    page: dict[str, object] = {}
    caller = threading.Thread(target=lambda: page.update(api.get(f"/events?after={place}&wait=30")))
    caller.start()
    opt_out(api, NUMBERS[:1])
    caller.join(LONG_S)
    assert len(page["events"]) == 1


def test_waiting_ends_with_nothing_when_its_time_is_over(api) -> None:
    started = time.monotonic()
    assert api.get("/events?wait=0.3")["events"] == []
    assert 0.25 < time.monotonic() - started < LONG_S


def test_only_some_may_wait_so_that_webhooks_keep_their_threads() -> None:
    waiting = [long_polls.looks(30) for _ in range(long_polls.MAX_WAITING)]
    for one in waiting:
        assert [next(one), next(one)] == [None, None]
    assert [*long_polls.looks(30)] == [None], "it looks once"
    waiting[0].close()
    another = long_polls.looks(30)
    assert [next(another), next(another)] == [None, None]
    assert long_polls.MAX_WAITING * 4 <= 16
    for one in [*waiting, another]:
        one.close()


@pytest.mark.full
def test_a_server_with_callers_that_wait_ends_in_order(services, tmp_path) -> None:
    environ = {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path),
        "REDIS_URL": services.settings.redis_url,
        "SMSGATE_API_KEYS": "a-key-that-is-long-enough-for-tests",
    }
    with served("smsgate.web:create_app", environ) as port:
        caller = socket.create_connection(("127.0.0.1", port), timeout=15)
        caller.sendall(
            b"GET /v1/events?wait=30 HTTP/1.1\r\nHost: x\r\n"
            b"Authorization: Bearer a-key-that-is-long-enough-for-tests\r\n\r\n"
        )
        caller.settimeout(0.5)
        with pytest.raises(TimeoutError):
            caller.recv(1)
        caller.settimeout(15)
    assert caller.recv(12) == b"HTTP/1.1 200"
    caller.close()
