"""Each check sees the wrong that it is for. What is right yields nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.consent.events import Event, event_id
from smsgate.domain.messages import Decision, Entry, Intent, Reply
from smsgate.store.keys import partition_of
from tests.fakes.twilio_api import Answer, Call, Drop
from tests.faults import checks, reply_checks
from tests.faults.ledger import Record, Records
from tests.faults.model import LOST, REFUSED, Attempt, Message, Model

NUMBER = "+14155550000"
INTENTS = {"stop": Intent.OPT_OUT, "start": Intent.OPT_IN, "help": Intent.HELP}
REPLIES = {"stop": "opt_out", "start": "opt_in", "help": "help"}


class World:
    """One number that sent texts at 1, 2, 3 … s, and what was recorded of them at once."""

    def __init__(self):
        self.model = Model([NUMBER])
        self.records = Records()
        self.calls = []

    def text(self, kind, status=200):
        messages = self.model.numbers[0].messages
        place = len(messages) + 1
        message = Message(f"SM{place}", NUMBER, kind, kind, f"+12{place:09}")
        message.attempts = [Attempt(place, place + 0.5, status)]
        messages.append(message)
        return message

    def event(self, message, outcome, *, event_time=None, inbox_ms=None, outage_us=0):
        sent = message.attempts[0].sent
        ms = inbox_ms or int(sent * 1000)
        entry = Entry(
            number=NUMBER,
            program="alerts",
            decision=Decision(INTENTS[message.kind], rule="keyword"),
            message_id=message.id,
            outage_us=outage_us,
        )
        event = Event(
            id=event_id(ms, NUMBER),
            inbox_id=f"{ms}-0",
            kind=INTENTS[message.kind].value,
            outcome=outcome,
            number=NUMBER,
            entry=entry,
            event_time_us=int((event_time or sent + 0.1) * 1e6),
        )
        self.records.add(Record(event, ms / 1000))
        return event

    def reply(self, message, event, outcome="sent", sid=""):
        reply = Reply(
            id=f"{partition_of(NUMBER)}-{event.inbox_id}",
            kind=REPLIES[message.kind],
            account="twilio",
            number=NUMBER,
            sender=message.sender,
            program="alerts",
            text="",
            deadline_us=0,
        )
        done = Event(
            event_id(0, event.id, outcome), "reply", outcome, NUMBER, reply=reply, provider_id=sid
        )
        self.records.add(Record(done, 0))

    def call(self, message, at, answer=None, sid=""):
        form = {"From": message.sender, "To": NUMBER}
        self.calls.append(Call("POST", "/", {}, form, "", answer or Answer(), sid, at))

    def problems(self):
        by_sender = reply_checks.by_sender(self.calls, 0)
        return [
            *checks.check_answers(self.model),
            *checks.check_events(self.model, self.records),
            *checks.check_order(self.model, self.records),
            *reply_checks.check_replies(self.model, self.records, by_sender),
            *reply_checks.check_refusals(self.model, self.records, by_sender),
        ]


@pytest.fixture
def world():
    """STOP at 1 s, applied, and confirmed by the call SM9."""
    found = World()
    stop = found.text("stop")
    event = found.event(stop, "applied")
    found.reply(stop, event, sid="SM9")
    found.call(stop, 1.2, sid="SM9")
    return found


def stop_of(world):
    return world.model.numbers[0].messages[0]


def test_what_is_right_yields_nothing(world):
    start = world.text("start")
    event = world.event(start, "applied")
    world.reply(start, event, "superseded")
    repeat = world.text("start")
    world.event(repeat, "repeat")
    world.text("stop", LOST)

    assert world.problems() == []


def lost(world):
    world.text("stop")


def kept_but_lost(world):
    world.text("help", 503)


def twice(world):
    world.event(stop_of(world), "repeat")


def answered_500(world):
    world.text("plain", 500)


def an_event_time_of_another_message(world):
    world.event(world.text("stop"), "repeat", event_time=0.5)


def a_stale_one_applied(world):
    start = world.text("start")
    start.attempts[0].sent = 0.2
    world.reply(start, world.event(start, "applied", event_time=0.9, inbox_ms=5000), "superseded")


def a_spooled_start_beats_a_stop_of_the_outage(world):
    start = world.text("start", 503)
    world.reply(start, world.event(start, "applied", outage_us=900_000), "superseded")


def a_repeat_answered(world):
    stop = world.text("stop")
    world.event(stop, "repeat")
    world.call(stop, 2.2, sid="SM8")


def no_outcome_of_a_reply(world):
    world.event(world.text("start"), "applied")


def called_twice(world):
    world.call(stop_of(world), 1.3, Drop())


def called_after_five_minutes(world):
    world.calls.clear()
    world.call(stop_of(world), 302, sid="SM9")  # taken at 1.5 s


def called_long_after_an_attempt_that_was_kept(world):
    called_after_five_minutes(world)
    stop = stop_of(world)
    stop.attempts = [Attempt(0.5, 0.7, REFUSED), Attempt(100, 101, 200)]


def called_after_a_later_change(world):
    start = world.text("start")
    world.reply(start, world.event(start, "applied"), "superseded")
    world.calls.clear()
    world.call(stop_of(world), 9, sid="SM9")


def sent_but_recorded_as_superseded(world):
    start = world.text("start")
    world.reply(start, world.event(start, "applied"), "superseded")
    world.call(start, 2.2, sid="SM8")


def recorded_as_sent_but_never_called(world):
    world.calls.clear()


def a_refusal_without_effect(world):
    start = world.text("start")
    world.reply(start, world.event(start, "applied"), "opted_out")
    world.call(start, 2.2, Answer(400, 21610))


def an_opt_out_that_nobody_sent(world):
    entry = Entry(
        number=NUMBER,
        program="alerts",
        decision=Decision(Intent.OPT_OUT, rule="provider_refusal"),
        source="provider",
        message_id="refused-0-1000-0",
    )
    event = Event("0-5000-0", "opt_out", "repeat", NUMBER, entry=entry, event_time_us=5_000_000)
    world.records.add(Record(event, 5))


WRONG = {
    lost: "has 0 events",
    kept_but_lost: "has 0 events",
    twice: "has 2 events",
    answered_500: "was answered 500",
    an_event_time_of_another_message: "its event time",
    a_stale_one_applied: "expected stale",
    a_spooled_start_beats_a_stop_of_the_outage: "expected stale",
    a_repeat_answered: "repeat, was answered",
    no_outcome_of_a_reply: "has 0 outcomes",
    called_twice: "more than one may have been sent",
    called_after_five_minutes: "answered 300 s after",
    called_long_after_an_attempt_that_was_kept: "answered 301 s after",
    called_after_a_later_change: "after a later change",
    sent_but_recorded_as_superseded: "a call may have been sent",
    recorded_as_sent_but_never_called: "the provider created []",
    a_refusal_without_effect: "0 events of the provider's refusal",
    an_opt_out_that_nobody_sent: "suppressed by a refusal that nobody sent",
}


@pytest.mark.parametrize("break_it", WRONG, ids=lambda one: one.__name__)
def test_what_is_wrong_is_seen(world, break_it):
    break_it(world)

    assert any(WRONG[break_it] in problem for problem in world.problems()), world.problems()


def test_the_five_minutes_begin_when_an_attempt_arrives(world):
    world.calls.clear()
    world.call(stop_of(world), 302, sid="SM9")
    stop_of(world).attempts = [Attempt(1, 1.5, LOST), Attempt(100, 101, 200)]
    assert world.problems() == []


def test_a_final_state_is_compared_with_the_model_and_with_the_record(world):
    found = list(checks.check_states(world.model, world.records, {NUMBER: "allowed"}))

    assert len(found) == 2
    assert list(checks.check_states(world.model, world.records, {NUMBER: "blocked"})) == []


@pytest.mark.parametrize(
    ("stops", "is_excused"),
    [((), False), (((2.5, 30.0),), True), (((0.1, 0.4),), False), (((31.5, 40.0),), False)],
)
def test_a_sender_that_stood_still_in_a_call_may_end_it(world, stops, is_excused):
    """Between its last look at the store and the call no program can see that it was stopped."""
    called_after_a_later_change(world)
    world.calls[-1] = replace(world.calls[-1], at=31.0)
    by_sender = reply_checks.by_sender(world.calls, 0)
    found = [*reply_checks.check_replies(world.model, world.records, by_sender, stops)]
    assert any("after a later change" in one for one in found) != is_excused
