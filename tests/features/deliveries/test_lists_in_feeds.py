"""What a list did is told in a few calls, and of one number in its order all the same."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from itertools import zip_longest

import pytest

from smsgate.domain.entry_parts import Consent
from smsgate.features.deliveries import changes
from smsgate.features.deliveries.changes import calls_for_event
from tests.fakes.feeds import change, numbers_of, told
from tests.fakes.listed_numbers import import_numbers, list_entry
from tests.fakes.values import NUMBER

MANY = [f"+1415556{at:04}" for at in range(600)]
FEW = MANY[:40]
STOPPED = list_entry("alerts", actor="ana", note="stopped.csv")
JOINED = list_entry("club", "subscribed", actor="ana", consent=Consent("Yes", "web"))


@pytest.fixture
def import_(services):
    """Enters a list, until it is recorded."""

    def done(numbers=MANY, listing=STOPPED, sources=()) -> None:
        import_numbers(services, numbers, listing, sources=sources)
        services.archiver.move_all()

    return done


def until_all_is_told(one, clock) -> None:
    while one.run_once() == 0:
        clock.now += 1


def test_the_numbers_of_a_list_are_told_together_and_a_stop_waits_for_few_calls(
    services, fed, import_, receiver, clock
) -> None:
    import_()
    change(services)
    until_all_is_told(fed, clock)
    assert Counter(one for data in receiver.taken for one in numbers_of(data)) == Counter(
        [NUMBER, *MANY]
    )
    assert len(receiver.taken) <= 17  # one for each partition, and the opt-out
    assert {(data["allowed"], data["reason"]) for data in receiver.taken} == {
        (False, "opted_out_all")
    }


def test_the_source_that_a_list_names_is_told_of_each_number(
    services, fed, import_, receiver, clock
) -> None:
    import_(FEW[:3], sources=["Klaviyo", "", "Brevo"])
    until_all_is_told(fed, clock)
    said = {
        number: source
        for data in receiver.taken
        for number, source in zip_longest(data["numbers"], data["external_sources"], fillvalue="")
    }
    assert said == {FEW[0]: "Klaviyo", FEW[1]: "", FEW[2]: "Brevo"}


def test_a_list_for_another_program_is_not_told(services, fed, import_, receiver, clock) -> None:
    import_(listing=JOINED)
    change(services, number=MANY[0])
    until_all_is_told(fed, clock)
    assert told(receiver) == [(MANY[0], False, "opted_out_all")]


@pytest.mark.parametrize("seed", range(3))
def test_every_change_is_told_once_and_in_order_whatever_came_between(
    services, make_feed, import_, receiver, clock, monkeypatch, seed
) -> None:
    monkeypatch.setattr(changes, "PAGE_SIZE", 7)
    monkeypatch.setattr(changes, "MAX_PENDING", 30)
    chance, one = random.Random(seed), make_feed("club")
    one.run_once()
    for turn in range(40):
        happen(services, import_, chance)
        if turn < 10:
            continue  # more than a page waits
        for _ in range(chance.randint(0, 2)):
            one.run_once()
        if chance.random() < 0.2:  # another process goes on
            one.close()
            one = make_feed("club")
        clock.now += 1
    until_all_is_told(one, clock)

    ids = [headers["webhook-id"] for headers, _ in receiver.seen]
    club, records = services.settings.programs.get("club"), services.records
    events = records.reader.after(0, 10_000)
    assert Counter(ids) == Counter(
        call.id for event in events for call in calls_for_event(club, event, records, 0)
    )
    ordered, last = defaultdict(list), {}
    for data in receiver.taken:
        for number in numbers_of(data):
            ordered[number].append(int(data["sequence"].partition("-")[2]))
            last[number] = data["reason"]
    assert all(seqs == sorted(seqs) for seqs in ordered.values())
    stands = services.gate.check(FEW, program="club")
    assert [last.get(one, "no_consent") for one in FEW] == [one.reason for one in stands]


def happen(services, import_, chance: random.Random) -> None:
    """Something to some of a few numbers."""
    some = chance.sample(FEW, chance.randint(1, 30))
    if chance.random() < 0.5:
        import_(some, chance.choice([JOINED, list_entry("club", actor="ana")]))
    else:
        action, scope = chance.choice(["suppress", "restore"]), chance.choice(["all", "club"])
        change(services, action, some[0], scope)
