"""Numbers of a list: applied before it is said so, once, in order, and never resurrected."""

from __future__ import annotations

import pytest

from smsgate.domain.entry_parts import Consent
from smsgate.domain.messages import ALL, Arrival
from smsgate.features.lists import imports as module
from smsgate.features.lists.imports import (
    Importer,
    entered_before,
)
from smsgate.features.lists.list_file import ListOptions
from smsgate.features.lists.rows import ListUnreadable
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS, partition_of
from smsgate.store.reader import InboxReader
from tests.fakes import manual
from tests.fakes.listed_numbers import import_numbers, importer_of, list_entry, rows_by_number
from tests.fakes.values import NUMBER, OTHER, entry
from tests.features.lists.files import imported, previewed

MANY = [f"+1415555{at:04}" for at in range(1200)]
STOPPED = list_entry("alerts", actor="ana", note="stopped.csv")
CONSENT = Consent(words="Yes, text me", medium="web")
JOINED = list_entry("club", "subscribed", actor="ana", consent=CONSENT)
SINCE_US = 1_746_090_000_000_000


def reasons(services, numbers, program="alerts"):
    return [one.reason for one in services.gate.check(numbers, program=program)]


def come_back(services):
    named = {"basis": "evidence", "evidence": "call 4711", "is_admin": True}
    manual.restore(services, NUMBER, ALL, "ana", "wants back", **named)


def work_off(services):
    for partition in range(PARTITIONS):
        services.applier.drain(partition)


def test_a_list_blocks_when_it_is_said_to_be_applied(services):
    assert importer_of(services).rehearse(rows_by_number(MANY), STOPPED) == dict.fromkeys(
        MANY, "new"
    )
    assert reasons(services, MANY) == [""] * len(MANY)

    assert import_numbers(services, MANY, STOPPED) == ["applied"] * len(MANY)

    assert reasons(services, MANY, "orders") == ["opted_out_all"] * len(MANY)
    assert importer_of(services).rehearse(rows_by_number(MANY), STOPPED) == dict.fromkeys(
        MANY, "repeat"
    )
    assert import_numbers(services, MANY, STOPPED) == ["repeat"] * len(MANY)


def test_the_scope_is_the_programs_or_everything(services):
    club = list_entry("club")
    import_numbers(services, [NUMBER], club)
    assert reasons(services, [NUMBER], "club") == ["opted_out"]
    assert reasons(services, [NUMBER], "alerts") == [""]

    import_numbers(services, [NUMBER], list_entry(ALL, "opted_out"))
    assert reasons(services, [NUMBER], "alerts") == ["opted_out_all"]


def test_one_event_tells_of_hundreds_and_each_number_has_its_history(services):
    import_numbers(services, MANY, STOPPED, [SINCE_US + at for at in range(len(MANY))])
    waiting = services.store.ledger_reader.waiting().count
    assert waiting <= PARTITIONS + len(MANY) // module.CHUNK

    before = services.history.of_number(MANY[7])
    services.archiver.move_all()
    after = services.history.of_number(MANY[7])

    assert before == after
    (event,) = after
    assert (event.kind, event.outcome, event.number) == ("import", "applied", MANY[7])
    assert (event.before, event.after) == ("allowed", "blocked")
    assert event.event_time_us == SINCE_US + 7
    assert event.consent_state.everywhere
    assert (event.entry.actor, event.entry.decision.note) == ("ana", "stopped.csv")
    assert [*services.records.verifier.verify()] == []


def test_consents_go_on_record_and_lift_nothing(services):
    manual.opt_out(services, NUMBER, ALL, "ana", "")
    work_off(services)
    numbers = [NUMBER, OTHER]
    assert importer_of(services).rehearse(rows_by_number(numbers), JOINED) == {
        NUMBER: "refused",
        OTHER: "new",
    }

    assert import_numbers(services, numbers, JOINED, [SINCE_US, 0]) == ["refused", "applied"]

    assert reasons(services, numbers, "club") == ["opted_out_all", ""]
    assert services.history.of_number(OTHER)[-1].entry.consent == CONSENT
    assert services.history.of_number(NUMBER)[-1].outcome == "refused"
    assert import_numbers(services, numbers, JOINED) == ["refused", "repeat"]
    manual.opt_out(services, OTHER, "club", "ana", "")  # waits, and is applied before the list
    assert import_numbers(services, [OTHER], JOINED) == ["refused"]


def test_a_part_has_one_effect_even_after_somebody_came_back(services, redis_client):
    once = list_entry("alerts", id="import-1")
    assert import_numbers(services, [NUMBER], once) == ["applied"]
    come_back(services)
    work_off(services)

    assert import_numbers(services, [NUMBER], once) == ["not_applied"]
    services.archiver.move_all()
    id_, known = entered_before(services.records, "import-1")
    assert id_ == "import-1"
    assert len(known) == 1
    redis_client.delete(PARTITION_KEYS[partition_of(NUMBER)].seen("", *known))  # as after 48 hours
    assert import_numbers(services, [NUMBER], once, known=known) == ["not_applied"]
    assert reasons(services, [NUMBER]) == [""]
    assert import_numbers(services, [NUMBER, MANY[0]], once) == ["applied"] * 2


def test_a_try_that_ended_before_it_was_applied_is_applied_by_the_next(services):
    once = list_entry("alerts", id="import-1")
    entries = [*importer_of(services).entries(rows_by_number([NUMBER]), once)]
    services.store.inbox.add([Arrival(one) for one in entries])
    assert import_numbers(services, [NUMBER], once) == ["applied"]
    assert reasons(services, [NUMBER]) == ["opted_out_all"]
    assert len(services.history.of_number(NUMBER)) == 1


def test_entries_around_a_list_keep_their_order_and_a_list_places_no_holds(services, redis_client):
    (listed,) = importer_of(services).entries(rows_by_number([NUMBER]), STOPPED)
    partition = partition_of(NUMBER)
    come_back(services)
    services.store.inbox.add([Arrival(listed)])
    assert reasons(services, [NUMBER]) == [""]
    assert redis_client.hlen(PARTITION_KEYS[partition].holds) == 0
    come_back(services)
    services.store.inbox.add([Arrival(entry(number=NUMBER, message_id="SM1"))])
    services.applier.drain(partition)

    told = [(event.kind, event.outcome) for event in services.history.of_number(NUMBER)]
    assert told == [
        ("restored", "repeat"),
        ("import", "applied"),
        ("restored", "applied"),
        ("opt_out", "applied"),
    ]
    assert reasons(services, [NUMBER]) == ["opted_out_all"]


# --- files ----------------------------------------------------------------------------------


IN_US = ListOptions(program="alerts", region="US")
CLUB_LIST = ListOptions(program="club", words=CONSENT.words, medium="web")


CSV = (
    "name,phone\n"
    f"Ana,{NUMBER}\n"
    "Bo,(415) 555-0199\n"
    "Cy,=cmd\n"
    f"Di,{NUMBER}\n"
    '"E\nva","+1 415 555 0188"\n'
)


def test_an_import_says_what_became_of_its_rows_and_is_on_record(services):
    summary = imported(services, CSV, IN_US)
    assert summary.outcomes == {"applied": 3, "not_a_number": 1, "duplicate": 1}
    assert reasons(services, [NUMBER, "+14155550199", "+14155550188"]) == ["opted_out_all"] * 3
    (recorded,) = services.records.reader.of_message("", summary.import_id)
    event = recorded.event
    assert (event.kind, event.entry.actor) == ("import_file", "ana")
    assert event.note == (
        "stopped.csv: 5 rows: 3 applied, 1 not_a_number, 1 duplicate. Opted 3 numbers out of every "
        'program (scope all): Acme Alerts (alerts), Acme <b>Orders</b> & "Co" (orders), Acme Club '
        "(club), and programs you add later."
    )


def test_a_preview_says_what_the_import_says(services):
    """A number may be in other sets than those of the list."""
    manual.opt_out(services, NUMBER, "club", "ana", "")
    manual.opt_out(services, OTHER, ALL, "ana", "")
    work_off(services)
    for program, outcomes in ((ALL, {"repeat": 1, "applied": 1}), ("club", {"repeat": 2})):
        options, text = ListOptions(program=program), f"{NUMBER}\n{OTHER}\n"
        would = previewed(services, text, options).outcomes
        assert {{"new": "applied"}.get(one, one): count for one, count in would.items()} == outcomes
        assert imported(services, text, options).outcomes == outcomes


def test_a_file_says_by_name_what_it_changes_before_and_after(services):
    header = "contact_id,sender_id,status\n"
    text = f"{header}{NUMBER},MG1,opt-out\n{OTHER},MG1,opt-in\n+14155550188,MG1,opt-in\n"
    assert previewed(services, text, CLUB_LIST).changes == [
        "Would opt 1 number out of Acme Club (club) only (scope club).",
        "Would record the consent of 2 numbers to Acme Club (club). No opt-out would be lifted.",
    ]
    after = imported(services, text, CLUB_LIST)
    assert after.changes == [
        "Opted 1 number out of Acme Club (club) only (scope club).",
        "Recorded the consent of 2 numbers to Acme Club (club). No opt-out was lifted.",
    ]
    again = imported(services, text, CLUB_LIST)
    assert [change.count(" 0 numbers ") for change in again.changes] == [1, 1]


def test_the_same_file_twice_has_one_effect_and_one_record(services):
    first = imported(services, CSV, IN_US)
    events = services.records.reader.count_events()
    come_back(services)
    work_off(services)
    again = imported(services, CSV, IN_US)
    assert again.outcomes == {"not_applied": 1, "repeat": 2, "not_a_number": 1, "duplicate": 1}
    assert reasons(services, [NUMBER]) == [""]
    services.archiver.move_all()
    assert services.records.reader.count_events() == events + 1
    assert imported(services, CSV + "x,1\n", IN_US).import_id != first.import_id


class Killed(Exception):
    """The process ended here."""


def test_after_a_kill_the_same_command_does_the_rest(services, monkeypatch):
    monkeypatch.setattr(module, "WINDOW", 100)
    text = "".join(f"{number}\n" for number in MANY)
    calls = []

    def dies(*given):
        calls.append(enter(*given))
        if len(calls) == 4:
            raise Killed
        return calls[-1]

    enter = Importer.enter
    with monkeypatch.context() as patched:
        patched.setattr(Importer, "enter", dies)
        with pytest.raises(Killed):
            imported(services, text)
    done = sum(map(len, calls))
    assert 0 < done < len(MANY)

    summary = imported(services, text)
    assert summary.outcomes["repeat"] == done
    assert summary.outcomes["applied"] == len(MANY) - done
    assert all(len(services.history.of_number(number)) == 1 for number in MANY[::100])


def test_what_a_worker_applies_first_is_counted_alike(services, monkeypatch):
    import_numbers(services, MANY[:7], STOPPED)
    newest = InboxReader.newest

    def late(reader, partition):
        services.applier.drain(partition)
        return newest(reader, partition)

    monkeypatch.setattr(InboxReader, "newest", late)
    text = "".join(f"{number}\n" for number in MANY)
    assert imported(services, text).outcomes == {"repeat": 7, "applied": len(MANY) - 7}


def test_an_opt_out_and_a_consent_of_one_number_in_one_file_end_opted_out(services, monkeypatch):
    header = "contact_id,sender_id,status\n"
    text = f"{header}{NUMBER},MG1,opt-out\n{NUMBER},MG1,opt-in\n"
    other_order = "".join([header, *text.splitlines(keepends=True)[:0:-1]])
    for one in (text, other_order):
        would, done = (how(services, one, CLUB_LIST) for how in (previewed, imported))
        assert would.outcomes["duplicate"] == done.outcomes["duplicate"] == 1
        assert len(would.changes) == len(done.changes) == 1
        assert reasons(services, [NUMBER], "club") == ["opted_out"]
    monkeypatch.setattr(module, "WINDOW", 1)  # far behind it, too
    found = previewed(services, text.replace(NUMBER, OTHER), CLUB_LIST)
    assert found.outcomes == {"new": 1, "duplicate": 1}


def test_nothing_of_a_file_that_is_no_list_is_applied(services):
    for text, why in (
        (f'phone,name\n{NUMBER},x\n{NUMBER},"open\n', "Line 3"),
        ("phone\n", "no numb"),
    ):
        with pytest.raises(ListUnreadable, match=why):
            imported(services, text)
    assert reasons(services, [NUMBER]) == [""]
    assert services.records.reader.count_events() == 0
