"""An import undone as a whole: only what nothing newer has changed since, once, whatever dies."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from smsgate import event_text
from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import NotFound, RecordsUnavailable
from smsgate.domain.messages import ALL, Arrival, Intent
from smsgate.features.lists import import_undo as module
from smsgate.features.lists.import_undo import undo_list
from smsgate.features.lists.imports import Importer, imports
from smsgate.features.lists.list_file import ListOptions
from smsgate.features.records_admin.rebuild import RebuildService
from smsgate.store.keys import PARTITION_KEYS, partition_of
from tests.fakes import manual
from tests.fakes.listed_numbers import import_numbers, importer_of
from tests.fakes.told import told, work
from tests.fakes.values import NUMBER, OTHER
from tests.features.lists.files import imported
from tests.features.lists.test_importing import (
    CLUB_LIST,
    CONSENT,
    MANY,
    STOPPED,
    reasons,
)

PARTITION = partition_of(NUMBER)
JOINED = ListOptions(program="club", state="subscribed", words=CONSENT.words, medium="web")


def text_of(*numbers):
    return "".join(f"{number}\n" for number in numbers)


def undo(services, list_id, **more):
    acting = {"actor": "bob", "reason": "the wrong file"}
    return undo_list(importer_of(services), list_id, lambda *_: None, **acting, **more).outcomes


def last(services, number=NUMBER):
    return services.history.of_number(number)[-1]


def test_every_number_goes_back_to_how_it_stood(services):
    manual.record_consent(services, MANY[0], "club", CONSENT, "operator", "ana")
    told(services, Intent.OPT_OUT, number=MANY[1], scope="club", program="club")
    told(services, Intent.OPT_OUT, number=MANY[2])
    work(services)
    list_id = imported(services, text_of(*MANY)).import_id
    assert set(reasons(services, MANY)) == {"opted_out_all"}

    would = undo_list(importer_of(services), list_id, lambda *_: None)
    assert would.outcomes == {"would_undo": len(MANY) - 1, "unchanged": 1}
    assert set(reasons(services, MANY)) == {"opted_out_all"}
    assert undo(services, list_id) == {"undone": len(MANY) - 1, "unchanged": 1}
    assert set(reasons(services, [*MANY[:2], *MANY[3:]])) == {""}
    assert reasons(services, [MANY[2]]) == ["opted_out_all"]
    assert reasons(services, MANY[:2], "club") == ["", "opted_out"]
    event = last(services, MANY[0])
    assert (event.kind, event.outcome, event.scope) == ("import_undone", "applied", ALL)
    assert (event.before, event.after) == ("blocked", "allowed")
    assert (event.entry.actor, event.entry.decision.note) == ("bob", "the wrong file")
    services.archiver.move_all()
    assert [*services.records.verifier.verify()] == []


def test_consents_of_a_list_are_taken_back(services):
    manual.record_consent(services, OTHER, "club", CONSENT, "operator", "ana")
    work(services)
    list_id = imported(services, text_of(NUMBER, OTHER), JOINED).import_id
    assert reasons(services, [NUMBER, OTHER], "club") == ["", ""]
    assert undo(services, list_id) == {"undone": 1, "unchanged": 1}
    assert reasons(services, [NUMBER, OTHER], "club") == ["no_consent", ""]


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (ListOptions(program="alerts"), "all programs"),
        (CLUB_LIST, "club"),
        (replace(JOINED, program="alerts"), "alerts"),
    ],
)
def test_the_record_of_a_list_and_of_its_undo_say_for_which_programs_it_held(
    services, options, where
):
    undo(services, imported(services, text_of(NUMBER), options).import_id)
    services.archiver.move_all()
    undone, done = services.records.reader.newest(2, "import_file")
    assert event_text.headline(done.event) == f"Imported a list for {where}"
    assert event_text.headline(undone.event) == f"Undid an import for {where}"


def stop(services):
    told(services, Intent.OPT_OUT, "STOP")


def start(services):
    told(services, Intent.OPT_IN, "START")


def by_hand(services):
    manual.opt_out(services, NUMBER, ALL, "ana", "by phone")


def restored(services):
    named = {"basis": "evidence", "evidence": "call 4711", "is_admin": True}
    manual.restore(services, NUMBER, ALL, "ana", "not hers", **named)


def locked(services):
    manual.lock(services, NUMBER, "ana", "a letter")


def locked_for_a_while(services):
    manual.lock(services, NUMBER, "ana", "a letter")
    manual.lock(services, NUMBER, "ana", "of somebody else", locked=False)


def listed_again(services):
    import_numbers(services, [NUMBER], replace(STOPPED, message_id="import-other"))


NEWER = [stop, start, by_hand, restored, locked, locked_for_a_while, listed_again]


@pytest.mark.parametrize("newer", NEWER)
@pytest.mark.parametrize("recorded", [False, True])
def test_what_was_said_or_done_since_stays(services, redis_client, tmp_path, newer, recorded):
    list_id = imported(services, text_of(NUMBER, OTHER)).import_id
    newer(services)
    work(services)
    if recorded:  # and forgotten by the store, as after 48 hours
        services.archiver.move_all()
        redis_client.delete(PARTITION_KEYS[PARTITION].number(NUMBER))
    before = reasons(services, [NUMBER])
    path = tmp_path / "kept.csv"
    assert undo(services, list_id, result=path) == {"kept": 1, "undone": 1}
    assert [NUMBER in line for line in path.read_text().splitlines()] == [False, True]
    assert reasons(services, [NUMBER, OTHER]) == [*before, ""]
    assert last(services).kind != "import_undone"


def test_what_changes_nothing_is_nothing_newer(services):
    list_id = imported(services, text_of(NUMBER)).import_id
    told(services, Intent.HELP)
    told(services, Intent.REVIEW, "hm")
    manual.record_consent(services, NUMBER, "club", CONSENT, "api", "crm")
    work(services)
    assert last(services).outcome == "refused"
    assert undo(services, list_id) == {"undone": 1}
    assert reasons(services, [NUMBER]) == ["review"]


@pytest.mark.parametrize("first", [ListOptions(program="orders"), JOINED])
@pytest.mark.parametrize("later", [ListOptions(program="all"), ListOptions(program="alerts")])
def test_a_later_list_that_was_undone_is_nothing_newer(services, first, later):
    ids = [imported(services, text_of(NUMBER), options).import_id for options in (first, later)]
    assert undo(services, ids[0]) == {"kept": 1}
    undo(services, ids[1])
    assert undo(services, ids[0]) == {"undone": 1}
    assert reasons(services, [NUMBER]) == [""]


def test_what_was_said_before_or_after_a_later_list_that_was_undone_stays(services):
    """Its own STOP, and a text whose wait for a person that list ended."""
    first = imported(services, text_of(*MANY[:4])).import_id
    stop, before, between, _ = MANY[:4]
    told(services, Intent.REVIEW, "enough??", number=before)
    told(services, Intent.OPT_OUT, "STOP", number=stop)
    work(services)
    later = imported(services, text_of(*MANY[:4]), ListOptions(program="all")).import_id
    told(services, Intent.OPT_OUT, "STOP", number=between)
    work(services)
    assert undo(services, later) == {"unchanged": 4}
    assert undo(services, first) == {"kept": 3, "undone": 1}
    assert reasons(services, MANY[:4]) == ["opted_out_all"] * 3 + [""]


def test_a_text_that_waited_when_the_list_came_must_be_looked_at(services):
    told(services, Intent.REVIEW, "enough??")
    list_id = imported(services, text_of(NUMBER)).import_id
    assert manual.review_reader(services).all() == []
    assert undo(services, list_id) == {"kept": 1}
    assert reasons(services, [NUMBER]) == ["opted_out_all"]


def between(monkeypatch, act):
    """Do something once between the look at the histories and the entries that rest on it."""
    acts = iter([act])

    def entered(importer, entries):
        next(acts, lambda: None)()
        return apply(importer, entries)

    apply = Importer.apply
    monkeypatch.setattr(Importer, "apply", entered)


@pytest.mark.parametrize("newer", [stop, start, by_hand, locked, locked_for_a_while, listed_again])
@pytest.mark.parametrize("applied", [False, True])
def test_what_comes_in_between_stays(services, monkeypatch, newer, applied):
    list_id = imported(services, text_of(NUMBER)).import_id

    def act():
        newer(services)
        if applied:
            work(services)

    between(monkeypatch, act)
    assert undo(services, list_id) == {"kept": 1}
    expected = {start: "", locked: "locked"}.get(newer, "opted_out_all")
    assert reasons(services, [NUMBER]) == [expected]


def test_a_consent_to_another_program_in_between_is_not_wiped_out(services, monkeypatch):
    """Of a consent no mark is kept."""
    list_id = imported(services, text_of(NUMBER), JOINED).import_id

    def act():
        manual.record_consent(services, NUMBER, "alerts", CONSENT, "api", "crm")

    between(monkeypatch, act)
    assert undo(services, list_id) == {"kept": 1}
    assert last(services).consent_state is None
    consent_states = services.store.numbers.consent_states_of([NUMBER], ["alerts", "club"])
    assert consent_states[NUMBER].consents == {"alerts", "club"}


def test_a_list_that_comes_in_between_and_does_not_name_it_only_costs_another_look(
    services, monkeypatch
):
    first = imported(services, text_of(NUMBER)).import_id
    other = next(number for number in MANY if partition_of(number) == PARTITION)
    between(monkeypatch, lambda: import_numbers(services, [other], STOPPED))
    assert undo(services, first) == {"undone": 1}
    assert reasons(services, [NUMBER, other]) == ["", "opted_out_all"]
    outcomes = [
        one.outcome for one in services.history.of_number(NUMBER) if one.kind == "import_undone"
    ]
    assert outcomes == ["stale", "applied"]


class Killed(Exception):
    """The process ended here."""


@pytest.mark.parametrize("where", ["before", "entered", "applied"])
def test_after_a_kill_the_same_command_does_the_rest(services, monkeypatch, where):
    list_id = imported(services, text_of(*MANY)).import_id
    calls, apply = [], Importer.apply

    def dies(importer, entries):
        calls.append(entries)
        if len(calls) < 5:
            return apply(importer, entries)
        if where == "entered":
            services.store.inbox.add([Arrival(one) for one in entries])
        if where == "applied":
            apply(importer, entries)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Importer, "apply", dies)
        patched.setattr(module, "PARTS_AT_ONCE", 1)
        with pytest.raises(Killed):
            undo(services, list_id)
    left = reasons(services, MANY).count("opted_out_all")
    assert 0 < left < len(MANY)

    found = undo(services, list_id)
    assert found["undone"] <= left  # what was entered before the kill was put back by it
    assert found["undone"] + found["undone_before"] == len(MANY)
    assert imports(services.records, 1)[0].changed.startswith(f"stopped.csv: {len(MANY):,} numbers")
    assert set(reasons(services, MANY)) == {""}
    for number in MANY[::50]:
        kinds = [
            one.kind
            for one in services.history.of_number(number)
            if one.kind == "import_undone" and one.outcome == "applied"
        ]
        assert kinds == ["import_undone"]


def test_a_second_time_nothing_is_done(services):
    list_id = imported(services, text_of(NUMBER, OTHER)).import_id
    assert undo(services, list_id) == {"undone": 2}
    stop(services)
    events = len(services.history.of_number(NUMBER))
    again = undo_list(importer_of(services), list_id, lambda *_: None, actor="bob", reason="x")
    assert again.outcomes == {"undone_before": 2}
    assert again.changes == ["stopped.csv: it was undone already, 0 kept."]
    assert reasons(services, [NUMBER, OTHER]) == ["opted_out_all", ""]
    assert len(services.history.of_number(NUMBER)) == events
    assert [one.action for one in imports(services.records, 10)] == ["undone", "imported"]


def test_an_undo_that_was_asked_for_twice_at_once_is_done_once(services):
    list_id = imported(services, text_of(*MANY)).import_id
    barrier = threading.Barrier(2)

    def one(_):
        barrier.wait(10)
        return undo(services, list_id)

    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(one, range(2))]
    assert [sum(one.values()) for one in found] == [len(MANY)] * 2
    assert {outcome for one in found for outcome in one} <= {"undone", "undone_before"}
    assert set(reasons(services, MANY)) == {""}
    for number in MANY[::100]:
        applied = [one for one in services.history.of_number(number) if one.outcome == "applied"]
        assert [one.kind for one in applied] == ["import", "import_undone"]
    assert [one.action for one in imports(services.records, 10)] == ["undone", "imported"]


def test_an_entry_of_an_undo_that_comes_late_does_not_undo_the_next_import(services, monkeypatch):
    """The same file, undone and imported anew while an entry of the first undo still waits."""
    first = imported(services, text_of(NUMBER)).import_id
    kept = []

    def entered(_, entries):
        kept.extend(entries)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Importer, "apply", entered)
        with pytest.raises(Killed):
            undo(services, first)
    assert undo(services, first) == {"undone": 1}
    second = imported(services, text_of(NUMBER)).import_id
    assert second != first
    services.store.inbox.add([Arrival(one) for one in kept])
    work(services)
    assert last(services).outcome == "stale"
    assert reasons(services, [NUMBER]) == ["opted_out_all"]


def test_the_same_file_can_be_imported_and_undone_again_and_again(services):
    ids = []
    for _ in range(3):
        summary = imported(services, text_of(NUMBER))
        assert summary.outcomes == {"applied": 1}
        assert reasons(services, [NUMBER]) == ["opted_out_all"]
        assert undo(services, summary.import_id) == {"undone": 1}
        assert reasons(services, [NUMBER]) == [""]
        ids.append(summary.import_id)
    first, second, third = ids
    assert (second, third) == (f"{first}.1", f"{first}.2")


def test_an_opt_out_and_a_consent_of_one_number_in_one_file_are_both_undone(services):
    header = "contact_id,sender_id,status\n"
    text = f"{header}{NUMBER},MG1,opt-in\n{NUMBER},MG1,opt-out\n{OTHER},MG1,opt-in\n"
    manual.record_consent(
        services, NUMBER, "club", Consent("Before", "web", given_us=1), "api", "crm"
    )
    work(services)
    list_id = imported(services, text, CLUB_LIST).import_id
    assert reasons(services, [NUMBER, OTHER], "club") == ["opted_out", ""]
    assert undo(services, list_id) == {"undone": 2}
    assert reasons(services, [NUMBER, OTHER], "club") == ["", "no_consent"]


def test_an_import_that_was_killed_at_its_end_is_on_record_once_it_is_run_again(
    services, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setattr(Importer, "record", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            imported(services, text_of(NUMBER))
    assert imports(services.records, 10) == []
    services.archiver.move_all()
    summary = imported(services, text_of(NUMBER))
    assert summary.outcomes == {"repeat": 1}
    assert [one.id for one in imports(services.records, 10)] == [summary.import_id]
    assert undo(services, summary.import_id) == {"undone": 1}


def test_an_import_that_is_not_on_record_is_said_to_be_none(services):
    imported(services, text_of(NUMBER))
    for id_ in ("", "import-", "import-0000", "x" * 300, "import-\0"):
        with pytest.raises(NotFound, match="imports list"):
            undo(services, id_)


def test_where_the_records_cannot_be_read_nothing_is_lifted(services, monkeypatch):
    list_id = imported(services, text_of(NUMBER)).import_id

    def away(*_):
        raise RecordsUnavailable("the records cannot be used: away")

    monkeypatch.setattr(module, "rows_of", away)
    with pytest.raises(RecordsUnavailable):
        undo(services, list_id)
    assert reasons(services, [NUMBER]) == ["opted_out_all"]


def test_a_rebuilt_store_knows_what_was_undone(services, redis_client):
    list_id = imported(services, text_of(*MANY)).import_id
    told(services, Intent.OPT_OUT, number=MANY[0])
    undo(services, list_id)
    services.archiver.move_all()
    redis_client.flushall()
    RebuildService(services.settings, services.archiver).rebuild(lambda *_: None)
    assert reasons(services, MANY) == ["opted_out_all"] + [""] * (len(MANY) - 1)
    assert undo(services, list_id)["undone_before"] == len(MANY) - 1
