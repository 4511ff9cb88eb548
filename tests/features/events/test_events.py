"""The event feed that programs ask for: nothing skipped, nothing twice."""

from __future__ import annotations

import pytest

NUMBERS = [f"+1415555{n:04}" for n in range(24)]


def opt_out(api, numbers=NUMBERS) -> None:
    for one in numbers:
        api.put(f"/suppressions/all/{one}?reason=x")
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
    for after in ("999", "x", "0-12.3-17", "-1", "9" * 20, "%00", "١"):
        found = api.get(f"/events?after={after}", 422)
        assert found["reason"] == "cursor_refused", after
    assert "after=now" in api.get("/events?after=999", 422)["detail"]
    for query in ("limit=0", "limit=1001", "afer=1"):
        assert api.get(f"/events?{query}", 422)["reason"] == "unprocessable_entity", query
