"""What stands on the provider's list opts out here, and nothing there lifts anything here."""

from __future__ import annotations

import pytest

from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.features.provider_lists.service import IDLE_S, READ_EVERY_S
from smsgate.metrics.snapshot import ListComparison
from tests.fakes import manual
from tests.features.provider_lists.conftest import OTHER_SENDER, SENDER

A, B, C, D = "+14155550123", "+14155550124", "+14155550125", "+14155550126"
LONG_AGO, LATER = "2025-04-28 12:00:38.631252+00:00", "2026-11-28 12:00:00+00:00"


def event(number: str, intent: Intent, side, message_id: str, sent_us: int = 0) -> Arrival:
    """A text to the program of SENDER."""
    name = side.account.name
    entry = Entry(
        number=number,
        program=f"{name}_alerts",
        decision=Decision(intent, rule="keyword"),
        scope=ALL if intent.stops else "",
        account=name,
        sender=SENDER,
        message_id=message_id,
    )
    return Arrival(entry, sent_us=sent_us or None)


def opt_out(side, number: str) -> None:
    manual.opt_out(side.services, number, ALL, "olga", "a letter")


def comparison(side) -> ListComparison:
    found = side.state.comparison
    assert found is not None
    return found


def test_what_only_the_provider_knows_is_an_opt_out_of_its_program(make) -> None:
    (telnyx,) = make("telnyx")
    telnyx.api.add(A, SENDER, LONG_AGO)
    telnyx.api.add(B, OTHER_SENDER, LONG_AGO, profile="4001")
    telnyx.work()
    assert telnyx.blocked(A, "alerts")
    assert telnyx.blocked(A, "orders")  # of scope all
    assert (telnyx.blocked(B, "alerts"), telnyx.blocked(B, "orders")) == (False, True)
    (event_,) = telnyx.services.history.of_number(A)
    assert (event_.kind, event_.outcome, event_.entry.source) == ("opt_out", "applied", "provider")
    assert event_.entry.decision.rule == "provider_list"
    assert (event_.entry.account, event_.entry.sender) == ("telnyx", SENDER)
    assert event_.event_time_us == 1_745_841_638_631_252  # since when it holds there
    assert telnyx.state.taken == 2
    assert telnyx.services.store.backlog.read().outbox.count == 0  # nobody is texted for it


def test_the_list_is_read_once_an_hour_and_each_entry_is_taken_once(make) -> None:
    (telnyx,) = make("telnyx")
    telnyx.api.add(A, SENDER, LONG_AGO)
    assert telnyx.work() == IDLE_S
    assert len(telnyx.api.calls) == 1
    telnyx.clock.now_s += READ_EVERY_S - 1
    telnyx.work()
    assert len(telnyx.api.calls) == 1
    telnyx.clock.now_s += 1
    telnyx.work()
    assert len(telnyx.api.calls) == 2
    assert telnyx.state.taken == len(telnyx.services.history.of_number(A)) == 1


def test_an_entry_that_is_gone_or_a_list_that_is_empty_lifts_nothing(make) -> None:
    (telnyx,) = make("telnyx")
    telnyx.api.add(A, SENDER, LONG_AGO)
    opt_out(telnyx, B)
    telnyx.work()
    telnyx.api.entries.clear()
    telnyx.clock.now_s += READ_EVERY_S
    telnyx.work()
    assert telnyx.blocked(A)
    assert telnyx.blocked(B)
    assert comparison(telnyx).listed == 0


def test_whoever_came_back_after_it_stays_and_is_counted(make) -> None:
    (telnyx,) = make("telnyx")
    inbox = telnyx.services.store.inbox
    inbox.add([event(A, Intent.OPT_OUT, telnyx, "1")])
    inbox.add([event(A, Intent.OPT_IN, telnyx, "2")])
    telnyx.api.add(A, SENDER, LONG_AGO)
    telnyx.work()
    assert not telnyx.blocked(A)
    assert (comparison(telnyx).there_only, telnyx.state.taken) == (1, 0)


def test_whoever_came_back_to_another_program_is_out_of_this_one(make) -> None:
    (telnyx,) = make("telnyx")
    telnyx.services.store.inbox.add([event(A, Intent.OPT_IN, telnyx, "1")])
    telnyx.api.add(A, OTHER_SENDER, LONG_AGO)
    telnyx.work()
    assert (telnyx.blocked(A, "alerts"), telnyx.blocked(A, "orders")) == (False, True)


def test_what_was_taken_is_not_taken_again_after_a_start(make) -> None:
    """Even where the list gives no time that could be compared."""
    (telnyx,) = make("telnyx")
    telnyx.api.add(A, SENDER, "")
    telnyx.work()
    assert telnyx.blocked(A)
    telnyx.services.store.inbox.add([event(A, Intent.OPT_IN, telnyx, "1")])
    telnyx.clock.now_s += READ_EVERY_S
    telnyx.work()
    assert not telnyx.blocked(A)
    assert (comparison(telnyx).there_only, telnyx.state.taken) == (1, 1)


def test_a_new_opt_out_there_counts_again(make) -> None:
    (telnyx,) = make("telnyx")
    telnyx.api.add(A, SENDER, LONG_AGO)
    telnyx.work()
    telnyx.services.store.inbox.add([event(A, Intent.OPT_IN, telnyx, "1", 1_760_000_000_000_000)])
    telnyx.clock.now_s += READ_EVERY_S
    telnyx.work()
    assert not telnyx.blocked(A)
    telnyx.api.entries.clear()
    telnyx.api.add(A, SENDER, LATER)
    telnyx.clock.now_s += READ_EVERY_S
    telnyx.work()
    assert telnyx.blocked(A)


def test_a_lock_and_a_restore_stay_as_they_are(make) -> None:
    (telnyx,) = make("telnyx")
    manual.lock(telnyx.services, A, "olga", "a court")
    telnyx.api.add(A, SENDER, LONG_AGO)
    telnyx.work()
    assert telnyx.services.gate.check([A], program="telnyx_alerts")[0].reason == "locked"
    assert telnyx.state.taken == 0


def test_entries_of_strangers_and_without_number_are_counted_and_not_taken(make) -> None:
    (telnyx,) = make("telnyx")
    telnyx.api.add(A, "+14155550000", LONG_AGO, profile="another")
    telnyx.api.add("+447766****", SENDER, LONG_AGO)
    telnyx.api.add(B, SENDER, LONG_AGO)
    telnyx.work()
    assert not telnyx.blocked(A)
    assert comparison(telnyx) == ListComparison(
        at_s=telnyx.clock.now_s, listed=3, foreign=1, unreadable=1
    )


def test_a_long_list_goes_on_where_a_process_ended(make) -> None:
    (telnyx,) = make("telnyx")
    telnyx.api.page_size = 2
    for place in range(7):
        telnyx.api.add(f"+1415555{place:04}", SENDER, LONG_AGO)
    assert telnyx.work(turns=1) == 1.0  # sixty calls a minute
    telnyx.sync.run_once()
    telnyx.sync.release()
    telnyx.sync = telnyx.anew()
    telnyx.work()
    pages = [call.partition("=")[2].partition("&")[0] for call in telnyx.api.calls]
    assert pages == ["1", "2", "3", "4"]
    assert telnyx.state.taken == comparison(telnyx).listed == 7


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((401, {}), "Telnyx answered 401: the credentials are wrong"),
        ((429, {"Retry-After": "3"}), "Telnyx answered 429: too many requests"),
        ((503, {}), "Telnyx answered 503: the opt-out list cannot be used now"),
        ((0, {}), "The connection to"),
    ],
)
def test_a_page_that_does_not_come_is_asked_for_again(make, answer, problem) -> None:
    (telnyx,) = make("telnyx")
    telnyx.api.page_size = 1
    telnyx.api.add(A, SENDER, LONG_AGO)
    telnyx.api.add(B, SENDER, LONG_AGO)
    telnyx.api.next_answers = [(200, {}), answer]
    telnyx.work(turns=2)
    assert telnyx.state.problem.startswith(problem)
    assert telnyx.state.comparison is None  # half a list is no list
    telnyx.clock.now_s += 10
    telnyx.work()
    assert telnyx.blocked(A)
    assert telnyx.blocked(B)
    assert (telnyx.state.problem, comparison(telnyx).listed) == ("", 2)


def test_a_list_that_cannot_be_read_stays_a_failure_while_events_go_by(make, monkeypatch) -> None:
    (bird,) = make("bird")
    monkeypatch.setattr(bird.api, "answer", lambda *_: (403, {}))
    for turn in range(10):  # every other one passes over an event that nobody is told of
        bird.services.store.inbox.add([event(A, Intent.OPT_IN, bird, str(turn))])
        bird.work(turns=1)
        bird.clock.now_s += 901
    assert bird.state.problem.startswith("Bird answered 403")
    assert bird.state.failures >= 5
    assert bird.clock.now_s - bird.state.failing_since_us / 1e6 > 8 * 901


def test_what_is_no_list_is_not_taken_for_an_empty_one(make, monkeypatch) -> None:
    (telnyx,) = make("telnyx")
    opt_out(telnyx, A)
    monkeypatch.setattr(telnyx.api, "answer", lambda *_: (200, {"data": "?"}))
    telnyx.work(turns=1)
    assert telnyx.state.problem.startswith("its opt-out list cannot be read: ")
    assert telnyx.state.comparison is None


def test_pages_that_do_not_end_are_not_read_for_ever(make, monkeypatch) -> None:
    (bird,) = make("bird")
    suppression = {"destination": A, "originator": SENDER}
    page = {"data": [suppression], "next_cursor": "again"}
    monkeypatch.setattr(bird.api, "answer", lambda *_: (200, page))
    bird.work(turns=4)
    assert "does not end" in bird.state.problem


def test_both_lists_agree_where_it_can_be_read_and_added_to(make) -> None:
    (bird,) = make("bird")
    bird.api.add(A, SENDER, "2026-09-21T13:33:20Z")
    opt_out(bird, B)
    bird.work(turns=20)
    bird.clock.now_s += READ_EVERY_S
    bird.work(turns=20)
    assert bird.blocked(A)
    # Of what it took for everything the other senders are not told: it came from there.
    assert {number for number, _ in bird.api.added} == {B}
    found = comparison(bird)
    assert (found.listed, found.there_only) == (4, 0)


def test_what_we_told_just_before_a_start_does_not_undo_it(make) -> None:
    (bird,) = make("bird")
    inbox = bird.services.store.inbox
    sent_us = 1_789_999_000_000_000
    inbox.add([event(A, Intent.OPT_OUT, bird, "1", sent_us)])
    inbox.add([event(A, Intent.OPT_IN, bird, "2", sent_us + 1_000_000)])
    bird.api.add(A, SENDER, "2026-09-21T13:56:45Z", "api_key")  # four seconds after the START
    bird.work()
    assert not bird.blocked(A)
    assert comparison(bird).there_only == 1
    bird.api.add(B, SENDER, "2026-09-21T13:56:45Z", "user")  # somebody in Bird's dashboard
    bird.clock.now_s += READ_EVERY_S
    bird.work()
    assert bird.blocked(B)


def test_the_list_of_a_whole_account_is_for_all_of_its_programs(make) -> None:
    (aws,) = make("aws_sns")
    aws.api.add(A, 1_745_841_638.5)
    aws.api.add(B, 1_745_841_638.5, by_subscriber=False)
    opt_out(aws, C)
    opt_out(aws, D)
    aws.work(turns=20)
    aws.clock.now_s += READ_EVERY_S
    aws.work(turns=20)
    for number in (A, B):
        assert aws.blocked(number, "alerts")
        assert aws.blocked(number, "orders")
    assert sorted(aws.api.added) == [(C, ""), (D, "")]
    found = comparison(aws)
    assert (found.listed, found.there_only) == (4, 0)
    assert aws.state.taken == 2
