"""Numbers of a list: applied before it is said so, once, in order, and never resurrected."""

from __future__ import annotations

import io

import pytest

from smsgate.domain.entry_parts import Consent
from smsgate.domain.errors import StoreNotReady, UnknownProgram
from smsgate.domain.messages import ALL, Arrival
from smsgate.features.lists import imports
from smsgate.features.lists import number_import as module
from smsgate.features.lists.columns import ListUnreadable
from smsgate.features.lists.import_record import entered_before
from smsgate.features.lists.import_result import ImportOptions
from smsgate.features.lists.imports import FileImport
from smsgate.features.lists.number_import import ImportRequest, NumberImport
from smsgate.features.records_admin.rebuild import build_rebuild_service
from smsgate.pipeline.manual import RestoreRequest
from smsgate.store.keys import PARTITION_KEYS, PARTITIONS, partition_of
from tests.fakes.own_services import ALERTS, ORDERS, make_services
from tests.fakes.values import NUMBER, OTHER, entry
from tests.features.lists.files import imported, previewed, with_rows, work_on

CLUB = """
[programs.club]
name     = "Acme Club"
account  = "twilio"
senders  = ["+14155550777"]
keywords = ["en"]
scope    = "program"
require_consent = true
"""
MANY = [f"+1415555{at:04}" for at in range(1200)]
STOPPED = ImportRequest("alerts", "opted_out", actor="ana", note="stopped.csv")
CONSENT = Consent(words="Yes, text me", medium="web")
JOINED = ImportRequest("club", "subscribed", actor="ana", consent=CONSENT)
SINCE_US = 1_746_090_000_000_000


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url, ALERTS + ORDERS + CLUB)
    made.records.migrate()
    yield made
    made.close()


@pytest.fixture
def importing(services):
    return NumberImport(services)


def reasons(services, numbers, program="alerts"):
    return [one.reason for one in services.gate.check(numbers, program=program)]


def come_back(services):
    named = {"basis": "evidence", "evidence": "call 4711", "is_admin": True}
    services.manual.restore(RestoreRequest(NUMBER, ALL, "ana", "wants back", **named))


def work_off(services):
    for partition in range(PARTITIONS):
        services.applier.drain(partition)


def test_a_list_blocks_when_it_is_said_to_be_applied(services, importing):
    assert importing.rehearse(MANY, STOPPED) == ["new"] * len(MANY)
    assert reasons(services, MANY) == [""] * len(MANY)

    assert importing.enter(MANY, STOPPED) == ["applied"] * len(MANY)

    assert reasons(services, MANY, "orders") == ["opted_out_all"] * len(MANY)
    assert importing.rehearse(MANY, STOPPED) == ["repeat"] * len(MANY)
    assert importing.enter(MANY, STOPPED) == ["repeat"] * len(MANY)


def test_the_scope_is_the_programs_or_everything(services, importing):
    club = ImportRequest("club", "opted_out")
    importing.enter([NUMBER], club)
    assert reasons(services, [NUMBER], "club") == ["opted_out"]
    assert reasons(services, [NUMBER], "alerts") == [""]

    importing.enter([NUMBER], ImportRequest(ALL, "opted_out"))
    assert reasons(services, [NUMBER], "alerts") == ["opted_out_all"]
    with pytest.raises(UnknownProgram):
        importing.enter([NUMBER], ImportRequest("nobody", "opted_out"))
    with pytest.raises(UnknownProgram):
        importing.enter([NUMBER], ImportRequest(ALL, "subscribed"))


def test_one_event_tells_of_hundreds_and_each_number_has_its_history(services, importing):
    importing.enter(MANY, STOPPED, [SINCE_US + at for at in range(len(MANY))], part="0")
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


def test_consents_go_on_record_and_lift_nothing(services, importing):
    services.manual.opt_out(NUMBER, ALL, "ana", "")
    work_off(services)
    numbers = [NUMBER, OTHER]
    assert importing.rehearse(numbers, JOINED) == ["refused", "new"]

    assert importing.enter(numbers, JOINED, [SINCE_US, 0]) == ["refused", "applied"]

    assert reasons(services, numbers, "club") == ["opted_out_all", ""]
    assert services.history.of_number(OTHER)[-1].entry.consent == CONSENT
    assert services.history.of_number(NUMBER)[-1].outcome == "refused"
    assert importing.enter(numbers, JOINED) == ["refused", "repeat"]


def test_an_opt_out_that_waits_before_the_list_is_applied_before_it(services, importing):
    services.manual.opt_out(NUMBER, "club", "ana", "")
    assert importing.enter([NUMBER], JOINED) == ["refused"]
    assert reasons(services, [NUMBER], "club") == ["opted_out"]


def test_a_part_has_one_effect_even_after_somebody_came_back(services, importing, redis_client):
    once = ImportRequest("alerts", "opted_out", id="import-1")
    assert importing.enter([NUMBER], once, part="0") == ["applied"]
    come_back(services)
    work_off(services)

    assert importing.enter([NUMBER], once, part="0") == ["superseded"]
    services.archiver.move_all()
    id_, known = entered_before(services.records, "import-1")
    assert id_ == "import-1"
    assert known == {f"import-1-0-{partition_of(NUMBER)}-0"}
    redis_client.delete(PARTITION_KEYS[partition_of(NUMBER)].seen("", *known))  # as after 48 hours
    assert importing.enter([NUMBER], once, part="0", known=known) == ["superseded"]
    assert reasons(services, [NUMBER]) == [""]
    assert importing.enter([NUMBER], once, part="1") == ["applied"]


def test_a_try_that_ended_before_it_was_applied_is_applied_by_the_next(services, importing):
    once = ImportRequest("alerts", "opted_out", id="import-1")
    entries = [*importing._entries([NUMBER], once, (), "0")]
    services.store.inbox.add([Arrival(one) for one in entries])
    assert importing.enter([NUMBER], once, part="0") == ["repeat"]
    assert reasons(services, [NUMBER]) == ["opted_out_all"]
    assert len(services.history.of_number(NUMBER)) == 1


def test_entries_around_a_list_keep_their_order_and_a_list_places_no_holds(
    services, importing, redis_client
):
    (listed,) = importing._entries([NUMBER], STOPPED, (), "0")
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


def test_where_another_worker_was_faster_it_is_still_known_what_stands(
    services, importing, monkeypatch
):
    monkeypatch.setattr(
        importing._applier,
        "drain_events",
        lambda partition: [services.applier.drain(partition)][:0],
    )
    assert importing.enter([NUMBER], STOPPED) == ["applied"]
    assert importing.enter([NUMBER], JOINED) == ["refused"]
    assert importing.enter([OTHER], JOINED) == ["applied"]


def test_what_did_not_take_effect_is_said(services, importing, monkeypatch):
    """As a process of an older version, which does not know lists, would leave it."""

    def swallow(partition):
        services.store.inbox._client.xtrim(f"smsgate:{{{partition}}}:inbox", maxlen=0)
        return []

    monkeypatch.setattr(importing._applier, "drain_events", swallow)
    assert importing.enter([NUMBER], STOPPED) == ["not_applied"]


def test_numbers_with_marks_keep_their_order(services, importing):
    services.store.inbox.add([Arrival(entry(number=NUMBER, message_id="SM1"))])
    work_off(services)
    before = services.store.numbers.consent_states_of([NUMBER], ["alerts"])[NUMBER]
    importing.enter([NUMBER, OTHER], ImportRequest("club", "opted_out"))

    now = services.store.numbers.consent_states_of([NUMBER], ["alerts", "club"])[NUMBER]
    assert now.state.marks[ALL] == before.state.marks[ALL]
    assert (
        services.store.numbers.consent_states(partition_of(OTHER), [OTHER], ["club"]).remembered
        == {}
    )


def test_a_list_closes_what_waits_for_a_person(services, importing):
    review = entry(module.Intent.REVIEW, message_id="SM1")
    services.store.inbox.add([Arrival(review)])
    work_off(services)
    assert reasons(services, [NUMBER]) == ["review"]
    importing.enter([NUMBER, OTHER], ImportRequest("orders", "opted_out"))
    assert services.store.inbox_reader.review_holds(partition_of(NUMBER)) == {}


def test_a_rebuilt_store_knows_the_lists(services, importing, redis_client):
    importing.enter(MANY, STOPPED, part="0")
    importing.enter([OTHER], JOINED)
    services.archiver.move_all()
    redis_client.flushall()
    with pytest.raises(StoreNotReady):
        importing.rehearse([OTHER], STOPPED)

    build_rebuild_service(services).rebuild(lambda *_: None)

    assert reasons(services, MANY) == ["opted_out_all"] * len(MANY)
    assert reasons(services, [OTHER], "club") == [""]


# --- files ----------------------------------------------------------------------------------


IN_US = ImportOptions(program="alerts", region="US")
CLUB_LIST = ImportOptions(program="club", words=CONSENT.words, medium="web")


CSV = (
    "name,phone\n"
    f"Ana,{NUMBER}\n"
    "Bo,(415) 555-0199\n"
    "Cy,=cmd\n"
    f"Di,{NUMBER}\n"
    '"E\nva","+1 415 555 0188"\n'
)


def test_a_preview_says_what_would_be_and_changes_nothing(services):
    told = []
    summary, rows = with_rows(
        lambda _, path: work_on(services, CSV, IN_US).preview(lambda *one: told.append(one), path)
    )
    assert summary.rows == 5
    assert summary.outcomes == {"new": 3, "duplicate": 1, "formula": 1}
    assert [(row.line, row.cell) for row in summary.first] == [(4, "=cmd")]
    assert [row["outcome"] for row in rows] == ["new", "new", "formula", "duplicate", "new"]
    assert told[-1] == ("Reading the list", len(CSV), len(CSV))
    assert services.store.ledger_reader.waiting().count == 0


def test_every_row_of_a_file_says_what_became_of_it(services):
    summary, rows = imported(services, CSV, IN_US)
    assert rows == [
        (2, "applied"),
        (3, "applied"),
        (4, "formula"),
        (5, "duplicate"),
        (6, "applied"),
    ]
    assert reasons(services, [NUMBER, "+14155550199", "+14155550188"]) == ["opted_out_all"] * 3
    *_, event = services.store.ledger_reader.of_partition(partition_of(""))
    assert event.kind == "import_file"
    assert event.note == (
        "stopped.csv: 5 rows: 3 applied, 1 formula, 1 duplicate. Opted 3 numbers out of every "
        'program (scope all): Acme Alerts (alerts), Acme <b>Orders</b> & "Co" (orders), Acme Club '
        "(club), and programs you add later."
    )
    assert event.entry.message_id == summary.import_id


def test_a_file_says_by_name_what_it_changes_before_and_after(services):
    header = "contact_id,sender_id,status\n"
    text = f"{header}{NUMBER},MG1,opt-out\n{OTHER},MG1,opt-in\n+14155550188,MG1,opt-in\n"
    assert previewed(services, text, CLUB_LIST).changes == [
        "Would opt 1 number out of Acme Club (club) only (scope club).",
        "Would record the consent of 2 numbers to Acme Club (club). No opt-out would be lifted.",
    ]
    after, _ = imported(services, text, CLUB_LIST)
    assert after.changes == [
        "Opted 1 number out of Acme Club (club) only (scope club).",
        "Recorded the consent of 2 numbers to Acme Club (club). No opt-out was lifted.",
    ]
    again, _ = imported(services, text, CLUB_LIST)
    assert [change.count(" 0 numbers ") for change in again.changes] == [1, 1]


def test_a_list_for_a_program_whose_opt_outs_hold_everywhere_names_every_program(services):
    for program in ("alerts", ALL):
        (change,) = previewed(services, CSV, ImportOptions(program=program)).changes
        assert change.startswith("Would opt 2 numbers out of every program (scope all): ")
        assert all(name in change for name in ("(alerts)", "(orders)", "(club)"))


def test_a_number_that_is_far_behind_its_first_row_is_a_duplicate_in_a_preview_too(
    services, monkeypatch
):
    monkeypatch.setattr(imports, "WINDOW", 10)
    text = "".join(f"{number}\n" for number in MANY[:100]) * 2
    assert previewed(services, text).outcomes == {"new": 100, "duplicate": 100}
    assert imported(services, text)[0].outcomes == {"applied": 100, "duplicate": 100}


def test_the_same_file_twice_has_one_effect_and_one_record(services):
    imported(services, CSV, IN_US)
    events = services.store.ledger_reader.waiting().count
    come_back(services)
    work_off(services)
    summary, rows = imported(services, CSV, IN_US)
    assert [outcome for _, outcome in rows] == [
        "superseded", "repeat", "formula", "duplicate", "repeat",
    ]  # fmt: skip
    assert services.store.ledger_reader.waiting().count == events + 1
    assert imported(services, CSV + "x,1\n", IN_US)[0].import_id != summary.import_id


class Killed(Exception):
    """The process ended here."""


def test_after_a_kill_the_same_command_does_the_rest(services, monkeypatch):
    monkeypatch.setattr(imports, "WINDOW", 100)
    text = "".join(f"{number}\n" for number in MANY)
    real, calls = module.NumberImport.enter, []

    def dies(self, *given, **rest):
        calls.append(real(self, *given, **rest))
        if len(calls) == 4:
            raise Killed
        return calls[-1]

    monkeypatch.setattr(module.NumberImport, "enter", dies)
    with pytest.raises(Killed):
        imported(services, text)
    monkeypatch.setattr(module.NumberImport, "enter", real)
    done = sum(map(len, calls))
    assert 0 < done < len(MANY)

    summary, _ = imported(services, text)
    assert summary.outcomes["repeat"] == done
    assert summary.outcomes["applied"] == len(MANY) - done
    assert all(len(services.history.of_number(number)) == 1 for number in MANY[::100])


def test_states_of_a_file_hold_unless_one_was_given(services):
    header = "contact_id,sender_id,status\n"
    text = f"{header}{NUMBER},MG1,opt-out\n{OTHER},MG1,opt-in\n"
    assert imported(services, text, CLUB_LIST)[0].outcomes["applied"] == 2
    assert reasons(services, [NUMBER, OTHER], "club") == ["opted_out", ""]
    imported(services, text, ImportOptions(program="club", state="opted_out"))
    assert reasons(services, [NUMBER, OTHER], "club") == ["opted_out", "opted_out"]


def test_an_opt_out_and_a_consent_of_one_number_in_one_file_end_opted_out(services):
    header = "contact_id,sender_id,status\n"
    text = f"{header}{NUMBER},MG1,opt-out\n{NUMBER},MG1,opt-in\n"
    for one in (text, "".join([header, *text.splitlines(keepends=True)[:0:-1]])):
        _, rows = imported(services, one, CLUB_LIST)
        assert sorted(outcome for _, outcome in rows) in (
            ["applied", "refused"],
            ["refused", "repeat"],
        )
        assert reasons(services, [NUMBER], "club") == ["opted_out"]


def test_a_status_that_only_some_rows_have_leaves_the_others_unused(services):
    """Nobody is opted out, or in, by a word that we do not know."""
    text = f"contact_id,sender_id,status\n{NUMBER},MG1,\n{OTHER},MG1,opt-out\n"
    assert previewed(services, text).outcomes == {"bad_state": 1, "new": 1}


def test_nothing_of_a_file_that_is_no_list_is_applied(services):
    text = f'phone,name\n{NUMBER},x\n{NUMBER},"open\n'
    with pytest.raises(ListUnreadable, match="line 3"):
        imported(services, text)
    assert reasons(services, [NUMBER]) == [""]


def test_a_file_that_changes_meanwhile_is_noticed(services):
    file = io.BytesIO(f"{NUMBER}\n".encode())
    work = FileImport(
        services, ImportOptions(program="alerts"), file, actor="ana", name="stopped.csv"
    )
    work.preview(lambda *_: None)
    file.seek(0)
    file.write(f"{OTHER}\n".encode())
    with pytest.raises(ListUnreadable, match="was changed"):
        work.apply(lambda *_: None)


LIST = """phone,left on,what,club
+14155550101,2026-01-02,Unsubscribed,acme  alerts
+14155550102,2026-01-03,stop,alerts
+14155550103,2026-01-04,subscribed,orders
+14155550104,someday,active,alerts
+14155550105,,opt-out,
"""
CHOSEN = ImportOptions(
    program="alerts", date_column="left on", state_column="what", program_column="club"
)


def test_rows_for_other_programs_wait_for_an_import_of_their_own(services):
    summary = previewed(services, LIST, CHOSEN)
    assert summary.outcomes == {"new": 2, "other_program": 2, "bad_state": 1}
    assert summary.unused == 1, "what is for another program can be used by its own import"
    everything = ImportOptions(program=ALL, program_column="club")
    assert previewed(services, LIST, everything).outcomes == {"new": 5}


def test_the_date_of_a_row_is_that_of_its_opt_out(services):
    assert imported(services, LIST, CHOSEN)[0].outcomes["applied"] == 2
    services.archiver.move_all()
    event = services.history.of_number("+14155550101")[-1]
    assert event.event_time_us == 1_767_312_000_000_000
    other = services.gate.check(["+14155550105", "+14155550103"], program="alerts")
    assert [one.allowed for one in other] == [True, True], "rows of other programs"


def test_other_columns_make_another_list(services):
    other = ImportOptions(program="alerts", date_column="left on", state_column="what")
    ids = {previewed(services, LIST, one).import_id for one in (CHOSEN, other, CHOSEN)}
    assert len(ids) == 2
