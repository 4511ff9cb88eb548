"""Counting in a process: cheap, right across threads, and never with a number in a label."""

from __future__ import annotations

import threading

import pytest

from smsgate.metrics.counters import (
    APPLIED_S,
    FAMILIES,
    MESSAGES,
    OTHER,
    Counters,
    by_family,
    label,
)


def test_counts_of_many_threads_are_all_there() -> None:
    tally = Counters()
    threads = [
        threading.Thread(
            target=lambda: [tally.note((MESSAGES, ("twilio", "help"), 1)) for _ in range(2_000)]
        )
        for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert by_family(tally.gather())["messages"] == {("twilio", "help"): 8_000}
    assert not tally.gather()


def test_times_fall_into_the_bucket_whose_bound_they_do_not_pass() -> None:
    tally = Counters()
    for seconds in (0.0, 0.01, 0.011, 299, 301):
        tally.note((APPLIED_S, ("twilio",), (seconds,)))
    found = by_family(tally.gather())["applied_seconds"]
    assert found == {
        ("twilio", "le=0.01"): 2,
        ("twilio", "le=0.05"): 1,
        ("twilio", "le=300.0"): 1,
        ("twilio", "le=inf"): 1,
        ("twilio", "us"): 600_021_000,
    }


@pytest.mark.parametrize(
    "value",
    ["+14155550123", "14155550123", "a 5551234567 b", "STOP", "please stop", "x" * 41, "a|b", "é"],
)
def test_what_is_no_name_is_no_label(value: str) -> None:
    assert label(value) == OTHER


@pytest.mark.parametrize("value", ["", "twilio", "acme-2026", "opted_out_all", "signature_refused"])
def test_names_stay(value: str) -> None:
    assert label(value) == value


def test_fields_of_another_version_are_passed_over() -> None:
    found = by_family(
        {
            "gone|a": 1,
            "messages|one label": 1,
            "applied_seconds|a|le=0.3": 1,
            "gate_answers|alerts|hold": 7,
        }
    )
    assert found["gate_answers"] == {("alerts", "hold"): 7}
    assert not found["messages"]
    assert not found["applied_seconds"].get(("a", "le=0.25"))


def test_every_family_has_a_name_and_says_what_it_is() -> None:
    assert len({one.name for one in FAMILIES}) == len(FAMILIES)
    assert all(one.says and one.labels for one in FAMILIES)
    assert all(tuple(sorted(one.buckets)) == one.buckets for one in FAMILIES)
    assert all(one.name.endswith("_seconds") == bool(one.buckets) for one in FAMILIES)


def test_requests_that_are_alike_are_each_counted_and_timed() -> None:
    tally = Counters()
    for took_s in (0.001, 0.002, 0.004):
        tally.request(("a", 200, "opt_out none", took_s))
    tally.request(("a", 200, "duplicate", 0.001))
    tally.request(("a", 403, "forged", 0.001))
    tally.request(("a", 403, "forged", 0.001))
    tally.request(("a", 200, "handshake", 0.001))

    found = by_family(tally.gather())

    assert found["webhook_requests"] == {
        ("a", "accepted"): 4,
        ("a", "forged"): 2,
        ("a", "handshake"): 1,
    }
    assert found["messages"] == {
        ("a", "opt_out"): 3,
        ("a", "none"): 3,
        ("a", "duplicate"): 1,
    }
    assert found["stored_seconds"].pop(("a", "us")) == 8_000
    assert sum(found["stored_seconds"].values()) == 4
