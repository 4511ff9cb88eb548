"""``smsgate review``: what waits for a person is listed and decided at the terminal."""

from __future__ import annotations

import pytest

from smsgate.domain.messages import Decision, Entry, Intent
from smsgate.features.reviews.reader import ReviewCase, ReviewReader
from smsgate.store.keys import partition_of
from tests.fakes.values import NUMBER

UNCLEAR = "para [red]"
"""Not clear, and with what a console might take for its own markup."""


@pytest.fixture
def there(terminal, environ, services):
    services.records.migrate()
    return terminal(**environ)


@pytest.fixture
def waiting(services, signed):
    assert services.ingest.receive("twilio", signed("para")).outcome == "review"
    services.applier.drain(partition_of(NUMBER))
    return services


def reason(services) -> str:
    services.applier.drain(partition_of(NUMBER))
    return services.gate.check([NUMBER], program="alerts")[0].reason


def test_what_waits_is_listed_with_who_what_and_why(there, waiting):
    assert there.run("review", "list") == 0
    assert NUMBER in there.output
    assert "para" in there.output
    (row,) = there.json("review", "list")["reviews"]
    assert (row["number"], row["program"], row["text"]) == (NUMBER, "alerts", "para")
    assert row["why"] == "exact keyword: PARA"
    assert row["key"] in there.output


def test_what_a_subscriber_wrote_is_no_markup_and_does_nothing_to_the_terminal(there, monkeypatch):
    entry = Entry(NUMBER, "alerts", Decision(Intent.REVIEW, rule="[/]"), text=f"{UNCLEAR}\x1b[2J")
    waiting = ReviewCase("alerts", NUMBER, "1-0", "1-0", 1, entry)
    monkeypatch.setattr(ReviewReader, "all", lambda _: [waiting])
    assert there.run("review", "list") == 0
    assert f"{UNCLEAR}\\x1b[2J" in there.output


DECIDE = ("review", "decide", NUMBER, "--program", "alerts", "--decision")


def decide(there, decided: str) -> int:
    """Decide what is listed first."""
    key = there.json("review", "list")["reviews"][0]["key"]
    return there.run(*DECIDE, decided, "--seen", key)


@pytest.mark.parametrize(("decided", "then"), [("none", ""), ("opt_out", "opted_out_all")])
def test_a_decision_can_be_taken_back_once(there, waiting, decided, then):
    assert decide(there, decided) == 0
    assert reason(waiting) == then
    assert there.run(*DECIDE, "undo") == 0
    assert there.output == f"{NUMBER}, alerts: undo.\n"
    assert reason(waiting) == "review"
    (row,) = there.json("review", "list")["reviews"]
    assert row["text"] == "para"
    assert there.run(*DECIDE, "undo") == 2
    assert "was already undone" in there.errors
