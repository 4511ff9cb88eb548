from __future__ import annotations

import json
from unittest.mock import Mock

import pytest

from smsgate import Gate
from smsgate.cli.main import run
from smsgate.domain.errors import InvalidNumber, StoreUnavailable, Suppressed
from smsgate.domain.phone import masked
from tests.integrations.conftest import ALLOWED, BLOCKED


def test_a_send_that_is_allowed_costs_no_round_trip_more(either_gate, redis_client) -> None:
    either_gate.require([ALLOWED], program="alerts")  # connects, and learns the bucket count
    started = calls(redis_client)
    either_gate.check([ALLOWED], program="alerts")
    checked = calls(redis_client)
    either_gate.require([ALLOWED], program="alerts")
    assert calls(redis_client) - checked == checked - started


def calls(redis_client) -> int:
    return int(redis_client.info("stats")["total_commands_processed"])


def test_a_refusal_that_cannot_be_counted_is_one_all_the_same(gate, monkeypatch) -> None:
    monkeypatch.setattr(gate._refusals, "add", Mock(side_effect=StoreUnavailable("away")))
    with pytest.raises(Suppressed):
        gate.require([BLOCKED], program="alerts")


@pytest.mark.parametrize("numbers", [["abc"], [ALLOWED, "abc"], [BLOCKED, "abc"], ["abc", BLOCKED]])
def test_require_refuses_what_is_no_number_as_allows_does(either_gate, refusals, numbers) -> None:
    with pytest.raises(InvalidNumber) as asked:
        either_gate.allows("abc", program="alerts")
    with pytest.raises(InvalidNumber) as required:
        either_gate.require(numbers, program="alerts", by="mine")
    assert str(required.value) == str(asked.value)
    told = {(one.number, one.reason, one.by) for one in refusals.newest()}
    assert (masked("abc"), "invalid", "mine") in told


@pytest.mark.parametrize("number", [ALLOWED, BLOCKED, ""])
def test_a_number_where_a_list_belongs_is_never_let_through(either_gate, number) -> None:
    for ask in (either_gate.require, either_gate.check):
        with pytest.raises(TypeError, match="numbers is a list"):
            ask(number, program="alerts")


def test_the_terminal_lists_and_counts_them(services, gate, tmp_path, redis_url, capsys) -> None:
    environ = {"SMSGATE_CONFIG": str(tmp_path / "config"), "REDIS_URL": redis_url}
    environ["SMSGATE_DATA_DIR"] = str(tmp_path / "var")
    assert run(["refusals"], environ) == 0
    assert "blocked no sends" in capsys.readouterr().out
    with pytest.raises(Suppressed):
        Gate.from_url(redis_url).require([ALLOWED, BLOCKED], program="alerts", by="mine")
    assert run(["refusals"], environ) == 0
    said = capsys.readouterr().out
    assert all(one in said for one in (masked(BLOCKED), "alerts", "hold", "mine"))
    assert run(["refusals", "--json"], environ) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["reason"] for one in found["refusals"]] == ["hold"]
    assert [(one["program"], one["count"]) for one in found["counts"]] == [("alerts", 1)]
