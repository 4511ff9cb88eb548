"""A call with an ``Idempotency-Key`` changes something once, however often it is made."""

from __future__ import annotations

import threading

from smsgate.domain.errors import StoreUnavailable
from smsgate.store.shared_values import AnsweredCalls
from tests.fakes.values import NUMBER

KEY = {"Idempotency-Key": "8e03978e-40d5-43e8-bc93-6894a57f9324"}
PATH = f"/suppressions/all/{NUMBER}?reason=by+phone"


def entries(services) -> int:
    return sum(services.store.client.xlen(f"smsgate:{{{one}}}:inbox") for one in range(16))


def test_a_repeated_call_changes_nothing_and_gets_the_same_answer(api, services) -> None:
    first = api.call("PUT", PATH, headers=KEY)
    again = api.call("PUT", PATH, headers=KEY)
    assert first.status_code == again.status_code == 202
    assert first.json == again.json
    assert entries(services) == 1
    api.call("PUT", PATH)
    assert entries(services) == 2


def test_the_key_of_another_call_is_refused(api, services) -> None:
    api.call("PUT", PATH, headers=KEY)
    other = api.call("PUT", f"{PATH}+again", headers=KEY)
    assert (other.status_code, other.json["reason"]) == (422, "unfit")
    assert "make a new one" in other.json["detail"]
    assert entries(services) == 1


def test_bodies_tell_calls_apart(api) -> None:
    consent = {"number": NUMBER, "program": "alerts", "words": "Yes", "medium": "web"}
    consent["given"] = "2026-05-03T14:00:00Z"
    first = api.call("POST", "/consents", consent, headers=KEY)
    assert first.status_code == 202
    assert api.call("POST", "/consents", consent, headers=KEY).json == first.json
    other = api.call("POST", "/consents", consent | {"number": "+14155550124"}, headers=KEY)
    assert other.status_code == 422


def test_a_call_that_was_refused_can_be_made_again(api, services, monkeypatch) -> None:
    def broken(_: object) -> None:
        raise StoreUnavailable("Redis is away")

    with monkeypatch.context() as patched:
        patched.setattr(services.store.inbox, "add", broken)
        assert api.call("PUT", PATH, headers=KEY).status_code == 503
    assert api.call("PUT", PATH, headers=KEY).status_code == 202
    assert entries(services) == 1


def test_of_two_at_once_one_is_told_to_wait(api, services, monkeypatch) -> None:
    add, entered, go_on = services.store.inbox.add, threading.Event(), threading.Event()

    def slow(entry: object) -> object:
        entered.set()
        assert go_on.wait(30)
        return add(entry)

    monkeypatch.setattr(services.store.inbox, "add", slow)
    answers = []
    first = threading.Thread(target=lambda: answers.append(api.call("PUT", PATH, headers=KEY)))
    first.start()
    assert entered.wait(30)
    busy = api.call("PUT", PATH, headers=KEY)
    go_on.set()
    first.join()
    assert (busy.status_code, busy.json["reason"]) == (409, "call_in_progress")
    assert answers[0].status_code == 202
    assert entries(services) == 1


def test_a_key_is_of_its_caller(api, services) -> None:
    calls = AnsweredCalls(services.store.client)
    api.call("PUT", PATH, headers=KEY)
    assert calls.begin("somebody-else", KEY["Idempotency-Key"], "x") is None


def test_an_answer_that_cannot_be_kept_is_given(api, services, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr(AnsweredCalls, "write", broken)
    assert api.call("PUT", PATH, headers=KEY).status_code == 202
    assert entries(services) == 1


def test_a_key_that_is_too_long_is_refused(api) -> None:
    assert api.call("PUT", PATH, headers={"Idempotency-Key": "x" * 201}).status_code == 422


def test_what_is_shown_once_and_lists_are_not_remembered(api, services) -> None:
    """Two lists of equal length are two lists, and a key is kept as a hash alone."""
    services.records.migrate()
    made = api.call("POST", "/keys", {"name": "crm", "scope": "check"}, headers=KEY)
    assert made.status_code == 201
    for name in services.store.client.keys("smsgate:answered:*"):
        assert made.json["key"].encode() not in services.store.client.get(name)
    jobs = {
        api.call(
            "POST", "/imports?program=alerts", headers=KEY, data=f"number\n+1415555012{at}\n"
        ).json["id"]
        for at in range(2)
    }
    assert len(jobs) == 2


def test_what_a_key_did_is_in_the_audit_log(api, services) -> None:
    services.records.migrate()
    api.call("POST", "/keys", {"name": "crm", "scope": "check"})
    api.call("DELETE", "/keys/crm")
    found = api.get("/audit?group=keys")["items"]
    assert [(one["action"], one["note"]) for one in found] == [
        ("Revoked an API key", "crm"), ("Made an API key", "crm"),
    ]  # fmt: skip
    assert {one["person"] for one in found} == {"api:environment"}
