"""Suppressions, consents, locks and reviews over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

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
    api.work()
    assert allowed(api, ONE) is False
    assert api.post("/consents", CONSENT | {"given": given["given"]}, 202)  # lifts nothing


def test_a_restore_that_is_repeated_after_their_stop_lifts_nothing(api) -> None:
    path, key = f"/suppressions/all/{ONE}?reason=asked", {"Idempotency-Key": "7"}
    api.put(path)
    first = api.call("DELETE", path, headers=key)
    stopped(api)
    again = api.call("DELETE", path, headers=key)
    assert (first.status_code, again.json) == (202, first.json)
    assert api.call("DELETE", path, headers={"Idempotency-Key": "8"}).status_code == 409
    api.work()
    assert allowed(api, ONE) is False


def test_a_set_is_listed_page_by_page(api) -> None:
    numbers = [f"+1415555{n:04}" for n in range(30)]
    for one in numbers:
        api.put(f"/suppressions/all/{one}?reason=x")
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


def test_a_consent_goes_on_record_and_lifts_no_opt_out(api) -> None:
    api.put(f"/suppressions/all/{TWO}?reason=x")
    api.post("/consents", CONSENT | {"source": "https://acme.example/form"}, 202)
    api.post("/consents", CONSENT | {"number": TWO}, 202)
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
