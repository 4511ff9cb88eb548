"""What opted out here is told to the provider: once, as far as it holds, and not its own words."""

from __future__ import annotations

import pytest

from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.features.provider_lists.service import IDLE_S, STANDBY_S
from smsgate.metrics.snapshot import OptOutListState
from smsgate.store.keys import partition_of
from tests.features.provider_lists.conftest import OTHER_SENDER, SENDER, SERVICE

A, B, C = "+14155550123", "+14155550124", "+14155550125"
MANY = [f"+1415555{place:04}" for place in range(2000, 2060)]


def entry(number: str, source: str, account: str = "twilio", **more) -> Entry:
    """An opt-out from everything."""
    given = {
        "number": number,
        "program": f"{account}_alerts",
        "decision": Decision(Intent.OPT_OUT, rule="a test"),
        "scope": ALL,
        "source": source,
        "account": account if source in ("text", "provider") else "",
        "sender": SENDER if source == "text" else "",
    }
    return Entry(**given | more)


def add(side, *entries: Entry) -> None:
    side.services.store.inbox.add([Arrival(one) for one in entries])


def listed(side, numbers) -> None:
    """An imported list of some numbers, one entry for each partition."""
    by_partition: dict[int, list[str]] = {}
    for number in numbers:
        by_partition.setdefault(partition_of(number), []).append(number)
    add(
        side,
        *(
            entry("", "import", action="import", numbers=tuple(some), account="")
            for some in by_partition.values()
        ),
    )


@pytest.mark.parametrize("source", ["operator", "link", "import", "api"])
def test_an_opt_out_is_told_for_each_sender_that_may_not_text_any_more(make, source) -> None:
    (twilio,) = make("twilio")
    if source == "import":
        listed(twilio, [A])
    else:
        add(twilio, entry(A, source, account="twilio"))
    pause_s = twilio.work()
    assert sorted(twilio.api.added) == sorted([(A, SENDER), (A, SERVICE), (A, OTHER_SENDER)])
    sources = {"link": "website"}
    assert {one["source"] for one in twilio.api.items} == {sources.get(source, "others")}
    assert (pause_s, twilio.state.reported, twilio.state.is_behind) == (IDLE_S, 3, False)
    assert len(twilio.api.calls) == 1


def test_of_a_program_that_alone_was_left_only_its_senders_are_told(make) -> None:
    (twilio,) = make("twilio")
    add(twilio, entry(A, "operator", program="twilio_orders", scope="twilio_orders"))
    twilio.work()
    assert twilio.api.added == [(A, OTHER_SENDER)]


def test_it_is_told_once_whatever_ends_in_between_or_is_said_again(make) -> None:
    (twilio,) = make("twilio")
    add(twilio, entry(A, "operator"))
    twilio.work()
    add(twilio, entry(A, "operator"), entry(A, "link"))  # repeats
    twilio.sync.release()
    twilio.sync = twilio.anew()
    twilio.work()
    assert len(twilio.api.added) == 3


def test_what_the_provider_said_itself_is_not_told_to_it(make) -> None:
    """Nor what it answered: that sender's list has it already."""
    (twilio,) = make("twilio")
    add(twilio, entry(A, "provider", message_id="opted_out-1"))
    add(twilio, entry(B, "text", message_id="SM1", answered="provider", service=SERVICE))
    twilio.clock.now_s += 4e8
    twilio.work()
    assert twilio.api.added == [(B, OTHER_SENDER)]


def test_another_provider_is_told_what_a_provider_said(make) -> None:
    twilio, bird = make("twilio", "bird")
    add(twilio, entry(A, "provider", message_id="opted_out-1"))
    twilio.work()
    bird.work()
    assert twilio.api.added == []
    assert sorted(bird.api.added) == sorted([(A, SENDER), (A, SERVICE), (A, OTHER_SENDER)])


def test_an_opt_out_by_text_is_told_once_its_confirmation_cannot_be_refused_for_it(make) -> None:
    (twilio,) = make("twilio")
    add(twilio, entry(A, "text", message_id="SM1"), entry(B, "operator"))
    applied_s = twilio.services.store.health.now_us() / 1_000_000
    twilio.clock.now_s = applied_s + 290
    twilio.work()
    assert {number for number, _ in twilio.api.added} == {B}
    assert twilio.state.is_behind
    twilio.clock.now_s = applied_s + 310
    twilio.work()
    assert {number for number, _ in twilio.api.added} == {A, B}
    assert not twilio.state.is_behind


def test_whoever_came_back_before_it_was_told_is_not_told_of(make) -> None:
    (twilio,) = make("twilio")
    start = Decision(Intent.OPT_IN, rule="keyword")
    add(twilio, entry(A, "operator"))
    add(twilio, entry(A, "text", message_id="SM2", decision=start, scope=""))
    twilio.work()
    # It came back to the program that it texted; the other one may still not text it.
    assert twilio.api.added == [(A, OTHER_SENDER)]


def test_a_list_of_many_is_told_in_few_calls_and_goes_on_after_a_failure(make) -> None:
    (twilio,) = make("twilio")
    listed(twilio, MANY)
    twilio.api.next_answers = [(200, {}), (429, {"Retry-After": "20"})]
    assert twilio.work(turns=2) == STANDBY_S
    assert len(twilio.api.added) == 24  # eight numbers, three senders each
    assert twilio.state.problem == "Twilio answered 429: too many requests"
    twilio.clock.now_s += 19
    assert 0 < twilio.sync.run_once() <= 1
    assert len(twilio.api.calls) == 2  # it waits as long as it was asked to
    twilio.clock.now_s += 2
    twilio.work(turns=30)
    assert len(twilio.api.added) == len(set(twilio.api.added)) == 3 * len(MANY)
    assert (twilio.state.reported, twilio.state.problem) == (3 * len(MANY), "")
    assert len(twilio.api.calls) == 1 + 1 + 7


def test_a_call_whose_answer_was_lost_is_repeated_under_the_same_id(make) -> None:
    (twilio,) = make("twilio")
    add(twilio, entry(A, "operator"))
    twilio.api.next_answers = [(0, {})]
    twilio.work(turns=2)
    assert twilio.state.failures == 1
    twilio.clock.now_s += 60
    twilio.work()
    assert len(twilio.api.items) == 6
    assert len({one["correlation_id"] for one in twilio.api.items}) == 3
    assert twilio.state.reported == 3


def test_of_one_call_each_number_has_its_own_result(make) -> None:
    (twilio,) = make("twilio")
    for number in (A, B, C):
        add(twilio, entry(number, "operator"))
    twilio.api.errors = {A: "INVALID_CONTACT_ID", B: "INTERNAL_SERVER_ERROR"}
    twilio.work(turns=2)
    assert twilio.state.problem.endswith("an error of its own")
    assert twilio.state.is_behind
    twilio.clock.now_s += 60
    twilio.work()
    assert {number for number, _ in twilio.api.added} == {B, C}
    assert {sender for number, sender in twilio.api.added if number == B} == {
        SENDER,
        SERVICE,
        OTHER_SENDER,
    }
    refusal = "Twilio answered 30646: it does not take the number"
    assert set(twilio.state.refusals) == {refusal}
    assert not twilio.state.is_behind
    told, calls = twilio.state.reported, len(twilio.api.calls)
    twilio.work()
    assert (twilio.state.reported, len(twilio.api.calls)) == (told, calls)  # it is not tried again


def test_a_call_that_is_refused_as_a_whole_is_made_number_by_number(make) -> None:
    (twilio,) = make("twilio")
    add(twilio, entry(A, "operator"), entry(B, "operator"))
    twilio.api.next_answers = [(400, {})]
    twilio.work()
    assert len(twilio.api.calls) == 7
    assert len(set(twilio.api.added)) == twilio.state.reported == 6


def test_only_one_process_at_a_time_tells(make) -> None:
    (twilio,) = make("twilio")
    add(twilio, entry(A, "operator"))
    twilio.work(turns=0)
    other = twilio.anew()
    other.run_once()
    assert twilio.sync.run_once() == STANDBY_S
    other.release()
    twilio.work()
    assert len(twilio.api.added) == 3


def test_a_process_that_lost_its_lease_writes_nothing(make, monkeypatch) -> None:
    (twilio,) = make("twilio")
    add(twilio, entry(A, "operator"))
    twilio.work(turns=0)
    answers = iter([True, False])
    lease = twilio.services.store.opt_out_list_lease
    monkeypatch.setattr(lease, "hold", lambda *_: next(answers))
    assert twilio.sync.run_once() == STANDBY_S
    assert (twilio.api.calls, twilio.state) == ([], None)


def test_records_that_end_before_its_place_are_told_from_their_beginning(make) -> None:
    (twilio,) = make("twilio")
    add(twilio, entry(A, "operator"))
    twilio.services.store.opt_out_lists.write(OptOutListState(position=99), "twilio")
    twilio.work()
    assert len(twilio.api.added) == 3
    assert twilio.state.position < 99


def test_a_list_of_the_whole_account_gets_whom_no_program_may_text(make) -> None:
    (aws,) = make("aws_sns")
    add(aws, entry(A, "operator", program="aws_sns_orders", scope="aws_sns_orders"))
    add(aws, entry(B, "operator", program="aws_sns_alerts"))
    aws.work()
    assert aws.api.added == [(B, "")]


def test_wrong_credentials_lose_nothing_and_are_shown(make) -> None:
    (twilio,) = make("twilio")
    add(twilio, entry(A, "operator"))
    twilio.api.next_answers = [(401, {}), (401, {})]
    twilio.work(turns=2)
    assert twilio.state.problem == "Twilio answered 401: the credentials are wrong"
    since_us = twilio.state.failing_since_us
    assert since_us == int(twilio.clock.now_s * 1e6)
    twilio.clock.now_s += 30
    twilio.work(turns=1)
    assert (twilio.state.failing_since_us, twilio.state.failures) == (since_us, 2)
    twilio.clock.now_s += 30
    twilio.work()
    assert (len(twilio.api.added), twilio.state.failing_since_us) == (3, 0)
