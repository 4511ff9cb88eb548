"""What lists did is told behind what people said, and of one number in its order all the same."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest

from smsgate.domain.entry_parts import Consent
from smsgate.features.deliveries import changes
from smsgate.features.deliveries.changes import calls_for_event
from smsgate.features.lists.imports import ImportRequest
from smsgate.records.deliveries import Destination
from smsgate.records.event_reader import START, EventReader
from tests.fakes.feeds import change, told
from tests.fakes.listed_numbers import import_numbers
from tests.fakes.values import NUMBER

MANY = [f"+1415556{at:04}" for at in range(600)]
FEW = MANY[:40]
STOPPED = ImportRequest("alerts", "opted_out", actor="ana", note="stopped.csv")
JOINED = ImportRequest("club", "subscribed", actor="ana", consent=Consent("Yes", "web"))


@pytest.fixture
def import_(services):
    """Enters a list, until it is services."""

    def done(numbers=MANY, listing=STOPPED, sources=()) -> None:
        import_numbers(services, numbers, listing, sources=sources)
        services.archiver.move_all()

    return done


def until_all_is_told(one, clock) -> None:
    while one.run_once() == 0:
        clock.now += 1


def test_an_opt_out_overtakes_a_list(services, fed, import_, receiver, clock) -> None:
    import_()
    for _ in range(3):
        fed.run_once()
    before = len(receiver.taken)
    assert 0 < before < 100
    change(services)
    fed.run_once()
    assert (NUMBER, False, "opted_out_all") in told(receiver)
    assert len(receiver.taken) <= before + 20  # the very next ones
    until_all_is_told(fed, clock)
    assert Counter(one["number"] for one in receiver.taken) == Counter([NUMBER, *MANY])
    position = services.records.deliveries.position(Destination("alerts", "change"))
    assert position.lists == position.changes


def test_what_a_list_did_to_a_number_is_told_before_what_it_said(
    services, fed, import_, receiver, clock
) -> None:
    import_()
    number = MANY[-1]
    change(services, "restore", number)
    change(services, "suppress", number)
    while sum(one["number"] == number for one in receiver.taken) < 3:
        assert fed.run_once() == 0
        assert len(receiver.taken) < 100
    until_all_is_told(fed, clock)
    mine = [one for one in receiver.taken if one["number"] == number]
    assert [(one["allowed"], one["kind"]) for one in mine] == [
        (False, "import"),
        (True, "restored"),
        (False, "opt_out"),
    ]
    assert len(receiver.taken) == len(MANY) + 2


def test_the_source_that_a_list_names_is_told_of_each_number(
    services, fed, import_, receiver, clock
) -> None:
    import_(FEW[:3], sources=["Klaviyo", "", "Brevo"])
    change(services, "restore", FEW[0])
    until_all_is_told(fed, clock)
    said = [(one["number"], one["source"], one["external_source"]) for one in receiver.taken]
    assert sorted(said) == sorted(
        [
            (FEW[0], "import", "Klaviyo"),
            (FEW[0], "operator", ""),
            (FEW[1], "import", ""),
            (FEW[2], "import", "Brevo"),
        ]
    )


def test_a_list_for_another_program_is_not_told_before_a_numbers_own_change(
    services, fed, import_, receiver, clock
) -> None:
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
    events = EventReader(records.database).after(START, 10_000).events
    assert Counter(ids) == Counter(
        call.id for event in events for call in calls_for_event(club, event, records, 0)
    )
    ordered = defaultdict(list)
    for data in receiver.taken:
        ordered[data["number"]].append(int(data["sequence"].partition("-")[2]))
    assert all(seqs == sorted(seqs) for seqs in ordered.values())
    last = {data["number"]: data["reason"] for data in receiver.taken}
    stands = services.gate.check(FEW, program="club")
    assert [last.get(one, "no_consent") for one in FEW] == [one.reason for one in stands]


def happen(services, import_, chance: random.Random) -> None:
    """Something to some of a few numbers."""
    some = chance.sample(FEW, chance.randint(1, 30))
    if chance.random() < 0.5:
        import_(some, chance.choice([JOINED, ImportRequest("club", "opted_out", actor="ana")]))
    else:
        action, scope = chance.choice(["suppress", "restore"]), chance.choice(["all", "club"])
        change(services, action, some[0], scope)
