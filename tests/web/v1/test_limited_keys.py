"""Keys that are limited to programs: each call keeps to those, and one that cannot is refused."""

from __future__ import annotations

import time

import pytest

from smsgate.api_keys import ApiKeys, Keyring
from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.store.refusals import Refusal
from tests.fakes.listed_numbers import import_numbers, list_entry
from tests.fakes.own_services import add_key

ONE, TWO = "+14155550123", "+14155550124"
CONSENT = {
    "number": ONE,
    "words": "Yes, text me",
    "medium": "web",
    "given": "2026-05-03T14:00:00Z",
}


@pytest.fixture
def mine(api):
    """A key that may do everything for the program ``orders``, and nothing for others."""
    return api.with_key("admin", "orders-only", "orders")


def refused(answer) -> str:
    assert (answer.status_code, answer.json["reason"]) == (403, "forbidden"), answer.text
    return str(answer.json["detail"])


def test_only_its_own_programs_are_asked_about(mine) -> None:
    mine.post("/check", {"program": "orders", "numbers": [ONE]})
    for program in ("alerts", "all", "nobody", ""):
        body = {"program": program, "numbers": [ONE], "sending": True}
        assert "limited to orders" in refused(mine.call("POST", "/check", body))
    assert mine.services.store.refusals.newest() == []


@pytest.mark.parametrize("scope", ["alerts", "all", "nobody"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_only_its_own_suppressions_are_changed(mine, api, scope, method) -> None:
    refused(mine.call(method, f"/suppressions/{scope}/{ONE}?reason=x"))
    mine.put(f"/suppressions/orders/{ONE}?reason=x")
    api.work()
    mine.delete(f"/suppressions/orders/{ONE}?reason=mistake")


@pytest.mark.parametrize("settings_more", ['formerly = ["shop"]\n'])
def test_of_a_former_name_nothing_is_told_but_what_it_is_now(mine) -> None:
    put = mine.call("PUT", f"/suppressions/shop/{ONE}?reason=x")
    for answer in (put, mine.call("GET", "/suppressions/shop")):
        assert (answer.status_code, answer.json["reason"]) == (422, "unknown_program")
        assert "is called 'orders' now" in answer.json["detail"]
        assert "alerts" not in answer.json["detail"]


def test_a_consent_is_recorded_for_its_own_program_alone(mine, api) -> None:
    refused(mine.call("POST", "/consents", CONSENT | {"program": "alerts"}))
    mine.post("/consents", CONSENT | {"program": "orders"}, 202)
    api.work()
    assert api.get(f"/numbers/{ONE}")["consents"] == ["orders"]


def test_only_its_own_sets_are_listed(mine, api) -> None:
    api.put(f"/suppressions/orders/{ONE}?reason=x")
    api.put(f"/suppressions/alerts/{TWO}?reason=x")
    api.work()
    assert [one["number"] for one in mine.get("/suppressions/orders")["numbers"]] == [ONE]
    for scope in ("all", "alerts", "nobody"):
        refused(mine.call("GET", f"/suppressions/{scope}"))


def entry(program: str, intent: Intent, scope: str = "", **more: object) -> Entry:
    decision = Decision(intent, rule="keyword", keyword="STOP")
    values = {"number": ONE, "program": program, "decision": decision, "scope": scope}
    return Entry(**values | {"account": "twilio", "source": "text"} | more)


def test_the_source_of_another_programs_list_is_not_its_business(mine, api) -> None:
    request = list_entry("alerts", actor="ana", note="old.csv")
    import_numbers(api.services, [ONE, TWO], request, sources=["Klaviyo", ""])
    api.work()
    (event,) = [one for one in mine.get("/events")["events"] if ONE in one["listed"][0]["numbers"]]
    assert "external_sources" not in event["listed"][0]
    assert "Klaviyo" not in mine.call("GET", f"/numbers/{ONE}").text
    assert "Klaviyo" in api.call("GET", f"/numbers/{ONE}").text
    assert "Klaviyo" in api.call("GET", "/events").text


def happen(api, *entries: Entry) -> None:
    api.services.store.inbox.add([Arrival(one) for one in entries])
    api.work()


def told(events) -> list[tuple[str, str]]:
    return [(one["kind"], one.get("program", "")) for one in events]


def test_of_a_number_it_sees_what_concerns_its_programs(mine, api) -> None:
    happen(
        api,
        entry("alerts", Intent.HELP, message_id="1", actor="somebody"),
        entry("orders", Intent.HELP, message_id="2"),
        entry("", Intent.NONE, message_id="3", text="unrouted"),
        entry("alerts", Intent.OPT_OUT_ALL, "all", message_id="4", actor="somebody"),
        entry("alerts", Intent.OPT_IN, "all", message_id="5"),
    )
    api.put(f"/locks/{ONE}?reason=x")
    api.work()
    for found in (mine.get(f"/numbers/{ONE}")["history"], mine.get("/events")):
        assert told(found["events"]) == [("help", "orders"), ("opt_out_all", ""), ("lock", "all")]
        assert [one["summary"] for one in found["events"]] == [
            "Asked for help for orders; recorded",
            "Opted out of everything; applied",
            "Locked for all programs; applied",
        ]
        assert "somebody" not in str(found)
    known = mine.get(f"/numbers/{ONE}")
    assert ([*known["programs"]], known["locked"]) == (["orders"], True)
    everything = api.get(f"/numbers/{ONE}")
    assert [*everything["programs"]] == ["alerts", "orders"]
    assert len(everything["history"]["events"]) == 6


def test_the_pages_of_a_history_have_only_what_it_sees(mine, api) -> None:
    happen(api, *[entry("alerts", Intent.HELP, message_id=f"a{at}") for at in range(3)])
    happen(api, *[entry("orders", Intent.HELP, message_id=f"o{at}") for at in range(3)])
    first = mine.get(f"/numbers/{ONE}?limit=2")["history"]
    assert told(first["events"]) == [("help", "orders")] * 2
    rest = mine.get(f"/numbers/{ONE}?limit=2&after={first['next']}")["history"]
    assert (told(rest["events"]), rest["next"]) == ([("help", "orders")], None)


def test_consents_of_other_programs_are_not_shown(mine, api) -> None:
    for program in ("alerts", "orders"):
        api.post("/consents", CONSENT | {"program": program}, 202)
    api.work()
    assert mine.get(f"/numbers/{ONE}")["consents"] == ["orders"]


def test_only_its_own_reviews_are_listed_and_decided(mine, api) -> None:
    happen(
        api,
        entry("alerts", Intent.REVIEW, message_id="1"),
        entry("orders", Intent.REVIEW, message_id="2"),
    )
    assert [one["program"] for one in mine.get("/reviews")["reviews"]] == ["orders"]
    refused(mine.call("POST", f"/reviews/alerts/{ONE}", {"decision": "none"}))
    (waiting,) = mine.get("/reviews")["reviews"]
    mine.post(f"/reviews/orders/{ONE}", {"decision": "none", "seen": waiting["key"]}, 202)


def test_only_its_own_replies_are_listed(mine, api) -> None:
    asked = {"sender": "+12025550100", "text": "HELP"}
    happen(
        api,
        entry("alerts", Intent.HELP, message_id="1", **asked),
        entry("orders", Intent.HELP, message_id="2", **asked),
    )
    assert len(api.get("/replies")["items"]) == 2
    found = mine.get("/replies")
    assert ([one["program"] for one in found["items"]], found["total"]) == (["orders"], 1)


def test_only_its_own_stopped_sends_are_shown(mine, api) -> None:
    stopped = [
        Refusal(ONE, "orders" if at == 0 else "alerts", "opted_out", "api") for at in range(20)
    ]
    api.services.store.refusals.add(stopped)
    found = mine.get("/refusals?limit=5")
    assert [one["program"] for one in found["refusals"]] == ["orders"]
    assert [one["program"] for one in found["counts"]] == ["orders"]


def test_a_key_that_is_not_limited_sees_everything(api) -> None:
    wide = api.with_key("admin", "wide")
    happen(api, entry("alerts", Intent.HELP, message_id="1", actor="somebody"))
    (event,) = wide.get("/events")["events"]
    assert (event["program"], event["actor"]) == ("alerts", "somebody")


def test_a_rotated_key_keeps_its_programs(api) -> None:
    keys = ApiKeys(api.services.records.database)
    add_key(api.services.records, "crm", "write", "alerts", "orders")
    newer = api.post("/keys/crm/rotate", {"grace": 0})["key"]
    caller = Keyring(keys, ()).authenticate(f"Bearer {newer}")
    assert caller.programs == {"alerts", "orders"}
    assert [row.programs for row in keys.all(time.time_ns() // 1000)] == [("alerts", "orders")]


def test_a_renamed_program_is_the_same_one(api) -> None:
    keys = ApiKeys(api.services.records.database)
    key = add_key(api.services.records, "crm", "write", "news")
    caller = Keyring(keys, (), {"news": "orders", "older": "orders"}).authenticate(f"Bearer {key}")
    assert [caller.may(one) for one in ("news", "orders", "older", "alerts", "all")] == [
        *[True] * 3,
        *[False] * 2,
    ]
