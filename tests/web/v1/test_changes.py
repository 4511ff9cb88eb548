"""Suppressions, consents, locks and reviews over the API."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import pytest

from smsgate.domain.messages import Arrival, Decision, Entry, Intent
from smsgate.domain.phone import masked

ONE, TWO, THREE = "+14155550123", "+14155550124", "+14155550125"
CONSENT = {
    "number": ONE,
    "program": "alerts",
    "words": "Yes, text me",
    "medium": "web",
    "given": "2026-05-03T14:00:00Z",
}


def allowed(api, number: str, program: str = "alerts") -> bool | None:
    found = api.post("/check", {"program": program, "numbers": [number]})
    return found["results"][0]["allowed"]


def test_an_opt_out_blocks_from_its_answer_on_and_names_the_key(api) -> None:
    id_ = api.put(f"/suppressions/all/{ONE}?reason=by+phone&actor=jane")["id"]
    assert allowed(api, ONE) is False  # no worker has run
    api.work()
    assert allowed(api, ONE) is False
    (event,) = api.services.history.of_number(ONE)
    assert (event.inbox_id, event.entry.actor) == (id_, "api:environment/jane")
    assert event.entry.decision.note == "by phone"
    api.delete(f"/suppressions/all/{ONE}?reason=mistake")
    api.work()
    assert allowed(api, ONE) is True


def test_the_actor_is_the_keys_name_whatever_the_caller_says(api) -> None:
    crm = api.with_key("write", "crm")
    crm.put(f"/suppressions/orders/{ONE}?reason=x&actor=terminal:root")
    api.work()
    assert api.services.history.of_number(ONE)[0].entry.actor == "api:crm/terminal:root"


REFUSED = (
    (f"all/{ONE}", "unprocessable_entity"),
    (f"all/{ONE}?reason=+", "unprocessable_entity"),
    (f"all/{ONE}?reason=a&reason=b", "unprocessable_entity"),
    (f"all/{ONE}?reason={'a' * 501}", "unprocessable_entity"),
    ("all/12345?reason=a", "invalid_number"),
    ("all/%ED%A0%80?reason=a", "invalid_number"),
    (f"nobody/{ONE}?reason=a", "unknown_program"),
    (f"%00/{ONE}?reason=a", "unknown_program"),
)


def test_a_change_that_is_not_right_changes_nothing(api) -> None:
    for method in ("PUT", "DELETE"):
        for path, reason in REFUSED:
            answer = api.call(method, f"/suppressions/{path}")
            assert (answer.status_code, answer.json["reason"]) == (422, reason), path
    assert api.services.store.inbox.busy() == []


def test_many_items_are_accepted_or_refused_each_by_itself(api) -> None:
    why = {"reason": "letter"}
    found = api.post(
        "/suppressions",
        [
            {"number": ONE, "state": "opted_out", "correlation_id": "a", **why},
            {"number": "12345", "state": "opted_out", "correlation_id": "b", **why},
            {"number": TWO, "state": "opted_out", "scope": "nobody", **why},
            {"number": THREE, "state": "opted_out", "scope": "orders", **why},
        ],
    )
    assert (found["accepted"], found["duplicates"], found["refused"]) == (2, 0, 2)
    told = [(one["status"], one.get("reason", "")) for one in found["results"]]
    assert told == [
        ("accepted", ""),
        ("refused", "invalid_number"),
        ("refused", "unknown_program"),
        ("accepted", ""),
    ]
    assert [one.get("correlation_id") for one in found["results"]] == ["a", "b", None, None]
    assert "12345" in found["results"][1]["detail"]
    assert (allowed(api, ONE), allowed(api, TWO)) == (False, True)
    assert (allowed(api, THREE), allowed(api, THREE, "orders")) == (True, False)


def test_an_opt_in_that_is_repeated_never_lifts_a_later_opt_out(api) -> None:
    back = [{"number": ONE, "state": "opted_in", "reason": "asked", "correlation_id": "7"}]
    out = [{"number": ONE, "state": "opted_out", "reason": "asked", "correlation_id": "7"}]
    for body, status in ((out, "accepted"), (back, "accepted"), (out, "accepted")):
        assert api.post("/suppressions", body)["results"][0]["status"] == status
        api.work()
    again = api.post("/suppressions", back)
    assert (again["duplicates"], again["results"][0]["status"]) == (1, "duplicate")
    api.work()
    assert allowed(api, ONE) is False
    other = back[0] | {"number": TWO}
    assert api.post("/suppressions", [other])["accepted"] == 1  # the id is free for others


def stopped(api, number: str = ONE) -> None:
    """A STOP of the subscriber's own."""
    text = Entry(number, "alerts", Decision(Intent.OPT_OUT, rule="keyword"), "all", text="STOP")
    api.services.store.inbox.add([Arrival(text)])
    api.work()


def again(after_s: float = 0) -> dict[str, str]:
    """A consent that is given so long after this moment."""
    given = datetime.now(UTC) + timedelta(seconds=after_s)
    return {"words": "Yes", "medium": "web", "source": "/join", "given": given.isoformat()}


def test_their_own_stop_is_lifted_by_a_newer_consent_or_by_an_admins_evidence(api) -> None:
    stopped(api)
    path = f"/suppressions/all/{ONE}"
    refused = api.delete(f"{path}?reason=mistake", 409)
    assert refused["reason"] == "restore_refused"
    assert "a START of theirs, a consent" in refused["detail"]
    old = urlencode({"reason": "form", "basis": "consent", **again(-60)})
    assert "older than the opt-out" in api.delete(f"{path}?{old}", 409)["detail"]
    named = urlencode({"reason": "call", "basis": "evidence", "evidence": "call 4711"})
    assert api.with_key("write").delete(f"{path}?{named}", 403)["reason"] == "forbidden"
    assert allowed(api, ONE) is False

    api.delete(f"{path}?{urlencode({'reason': 'form', 'basis': 'consent', **again()})}")
    api.work()
    assert allowed(api, ONE) is True
    stopped(api)
    api.delete(f"{path}?{named}")
    api.work()
    assert allowed(api, ONE) is True
    told = api.get(f"/numbers/{ONE}")["history"]["events"]
    assert [(one["kind"], one.get("basis")) for one in told] == [
        ("opt_out", None),
        ("restored", "consent"),
        ("opt_out", None),
        ("restored", "evidence"),
    ]
    assert api.services.history.of_number(ONE)[-1].entry.restore.evidence == "call 4711"


def test_of_many_restores_each_is_judged_by_itself(api) -> None:
    stopped(api, ONE)
    stopped(api, TWO)
    api.put(f"/suppressions/all/{THREE}?reason=x")
    back = {"state": "opted_in", "reason": "asked"}
    items = [
        {"number": ONE, **back},
        {"number": TWO, "basis": "consent", "consent": again(), **back},
        {"number": THREE, **back},
        {"number": ONE, "basis": "evidence", "evidence": "call 4711", **back},
        {"number": ONE, "basis": "evidence", **back},
        {"number": ONE, "basis": "consent", **back},
        {"number": ONE, "basis": "consent", "consent": again() | {"source": ""}, **back},
        {"number": ONE, "state": "opted_out", "reason": "x", "consent": again()},
        {"number": ONE, "basis": "because", **back},
        {"number": "12345", **back},
    ]
    found = api.with_key("write").post("/suppressions", items)
    assert [one.get("reason") for one in found["results"]] == [
        "restore_refused",
        None,
        None,
        "forbidden",
        "unfit",
        "unfit",
        "unfit",
        "unfit",
        "unfit",
        "invalid_number",
    ]
    api.work()
    assert [allowed(api, one) for one in (ONE, TWO, THREE)] == [False, True, True]
    assert api.post("/suppressions", [items[3]])["accepted"] == 1
    api.work()
    assert allowed(api, ONE) is True


def test_a_single_restore_whose_basis_is_not_whole_changes_nothing(api) -> None:
    api.put(f"/suppressions/all/{ONE}?reason=x")
    for query in (
        {"basis": "consent"},
        {"basis": "consent", "words": "Yes", "medium": "web", "given": again()["given"]},
        {"words": "Yes"},
        {"evidence": "call"},
        {"basis": "evidence"},
        {"basis": "because"},
        {"basis": "consent", **again(), "given": "2999-01-01T00:00:00Z"},
    ):
        api.delete(f"/suppressions/all/{ONE}?{urlencode({'reason': 'x', **query})}", 422)
    assert allowed(api, ONE) is False


def test_a_consent_that_is_ahead_of_our_clock_lifts_nothing(api) -> None:
    """Given before a STOP, by a clock that is some minutes ahead, it would look newer."""
    given = again(120)
    stopped(api)
    query = urlencode({"reason": "form", "basis": "consent", **given})
    refused = api.delete(f"/suppressions/all/{ONE}?{query}", 422)
    assert "By our clock it is" in refused["detail"]
    item = {"number": ONE, "state": "opted_in", "reason": "form", "basis": "consent"}
    (found,) = api.post("/suppressions", [item | {"consent": given}])["results"]
    assert (found["reason"], "By our clock it is" in found["detail"]) == ("unfit", True)
    api.work()
    assert allowed(api, ONE) is False
    assert api.post("/consents", CONSENT | {"given": given["given"]}, 202)  # lifts nothing


def test_a_restore_that_came_before_is_a_duplicate_after_their_stop(api) -> None:
    api.put(f"/suppressions/all/{ONE}?reason=x")
    back = [{"number": ONE, "state": "opted_in", "reason": "asked", "correlation_id": "7"}]
    assert api.post("/suppressions", back)["accepted"] == 1
    stopped(api)
    found = api.post("/suppressions", [*back, back[0] | {"correlation_id": "8"}])
    assert [one["status"] for one in found["results"]] == ["duplicate", "refused"]
    assert allowed(api, ONE) is False


GOOD = {"number": ONE, "state": "opted_out", "reason": "x"}


MISSHAPEN_ITEMS = (
    ('{"number": "+14155550124", "state": "gone", "reason": "x", "correlation_id": "7"}', "state"),
    ('{"number": 14155550124, "state": "opted_out", "reason": "x", "correlation_id": 7}', "number"),
    ('{"number": "11111111111111111111111111111111111111111", "state": "opted_out"}', "number"),
    ('{"number": "+14155550124", "state": "opted_out", "reason": "x", "more": 1}', "more"),
    ('{"more": 1, "number": "\xff"}', "more"),
    ('{"number": "\xff"}', "utf-8"),
    ("[[]]", "array"),
)


def test_a_list_of_another_shape_is_refused_as_a_whole(api) -> None:
    for body in (GOOD, [GOOD] * 1001):
        answer = api.call("POST", "/suppressions", body)
        assert (answer.status_code, answer.json["reason"]) == (422, "unprocessable_entity"), body
    for more in (b"", b"[" * 100_000, b'{"number": "\\x"}]'):
        body = b"[" + json.dumps(GOOD).encode() + b", " + more
        answer = api.call("POST", "/suppressions", data=body, content_type="application/json")
        assert (answer.status_code, answer.json["reason"]) == (400, "bad_request"), more[:99]
    assert api.services.store.inbox.busy() == []


@pytest.mark.parametrize(("item", "named"), MISSHAPEN_ITEMS)
def test_an_item_of_another_shape_is_refused_by_itself(api, item: str, named: str) -> None:
    body = f"[{item}, {json.dumps(GOOD)}]".encode("latin-1")
    found = api.call("POST", "/suppressions", data=body, content_type="application/json").json
    assert (found["accepted"], found["refused"]) == (1, 1)
    wrong, right = found["results"]
    assert (wrong["status"], wrong["reason"]) == ("refused", "unfit")
    assert named in wrong["detail"]
    assert wrong["number"] == (TWO if f'"{TWO}", ' in item else wrong["number"])
    assert (right["status"], right["number"]) == ("accepted", ONE)
    assert (allowed(api, ONE), allowed(api, TWO)) == (False, True)


def test_a_refused_item_is_given_back_as_the_callers_know_it(api) -> None:
    item = {"number": TWO, "state": "gone", "reason": "x", "correlation_id": "7"}
    (wrong,) = api.post("/suppressions", [item])["results"]
    assert (wrong["number"], wrong["correlation_id"]) == (TWO, "7")
    (wrong,) = api.post("/suppressions", [item | {"number": 1, "correlation_id": 7}])["results"]
    assert (wrong["number"], "correlation_id" in wrong) == ("", False)


def test_a_set_is_listed_page_by_page(api) -> None:
    numbers = [f"+1415555{n:04}" for n in range(30)]
    body = [{"number": n, "state": "opted_out", "reason": "x"} for n in numbers]
    api.post("/suppressions", body)
    api.put(f"/suppressions/orders/{THREE}?reason=x")
    api.work()
    found, after = [], ""
    while after is not None:
        page = api.get(f"/suppressions/all?limit=7&after={quote(after)}")
        assert len(page["numbers"]) <= 7
        found += page["numbers"]
        after = page["next"]
    assert [one["number"] for one in found] == numbers
    assert {one["why"] for one in found} == {"operator"}
    assert all(one["since"] for one in found)
    assert [one["number"] for one in api.get("/suppressions/orders")["numbers"]] == [THREE]
    assert api.get("/suppressions/nobody", 422)["reason"] == "unknown_program"
    assert api.get("/suppressions/all?after=x", 422)["reason"] == "invalid_number"


def test_one_consent_or_many_go_on_record_and_lift_no_opt_out(api) -> None:
    api.put(f"/suppressions/all/{TWO}?reason=x")
    api.post("/consents", CONSENT | {"source": "https://acme.example/form"}, 202)
    wrong = [CONSENT | {"program": "nobody"}, CONSENT | {"medium": "telepathy"}]
    found = api.post("/consents", [CONSENT | {"number": TWO}, *wrong])
    told = [one.get("reason") for one in found["results"]]
    assert told == [None, "unknown_program", "unfit"]
    api.work()
    known = api.get(f"/numbers/{ONE}")
    assert (known["consents"], known["history"]["events"][0]["source"]) == (["alerts"], "api")
    assert api.services.history.of_number(ONE)[0].entry.consent.words == "Yes, text me"
    assert allowed(api, TWO) is False


def test_a_consent_that_is_not_right_is_refused(api) -> None:
    for changed in (
        {"given": "1900-01-01T00:00:00Z"},
        {"given": "2999-01-01T00:00:00Z"},
        {"given": "2026-05-03T14:00:00"},
        {"given": "yesterday"},
        {"medium": "telepathy"},
        {"words": ""},
        {"program": "nobody"},
        {"number": "12345"},
    ):
        assert api.call("POST", "/consents", CONSENT | changed).status_code == 422, changed
    assert api.services.store.inbox.busy() == []


def test_a_lock_holds_until_it_is_lifted_and_then_the_opt_out_stays(api) -> None:
    api.put(f"/locks/{ONE}?reason=court")
    api.work()
    assert api.get(f"/numbers/{ONE}")["locked"] is True
    assert api.get(f"/numbers/{ONE}")["programs"]["alerts"]["reason"] == "locked"
    api.delete(f"/locks/{ONE}?reason=over")
    api.work()
    known = api.get(f"/numbers/{ONE}")
    assert (known["locked"], known["programs"]["alerts"]["reason"]) == (False, "opted_out_all")


def test_history_is_read_page_by_page(api) -> None:
    for turn in range(3):
        api.put(f"/suppressions/all/{ONE}?reason=out{turn}")
        api.delete(f"/suppressions/all/{ONE}?reason=in{turn}")
    api.work()
    found, after = [], ""
    while after is not None:
        history = api.get(f"/numbers/{ONE}?limit=4&after={after}")["history"]
        found += [event["kind"] for event in history["events"]]
        after = history["next"]
    assert found == ["opt_out", "restored"] * 3
    assert api.get(f"/numbers/{ONE}?limit=0")["history"] == {"events": [], "next": None}
    assert api.get(f"/numbers/{ONE}?after=x", 422)["reason"] == "cursor_refused"


def test_what_the_gate_stopped_is_listed_and_counted(api) -> None:
    api.put(f"/suppressions/all/{ONE}?reason=x")
    api.post("/check", {"program": "alerts", "numbers": [ONE, TWO], "sending": True})
    found = api.get("/refusals?limit=5&days=1")
    assert [(one["number"], one["by"]) for one in found["refusals"]] == [(masked(ONE), "api")]
    assert [one["count"] for one in found["counts"]] == [1]
