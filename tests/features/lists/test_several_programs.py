"""One file for several programs, each row for its own; and from where a row comes."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from smsgate.consent import event_text
from smsgate.domain.errors import Unfit
from smsgate.features.lists import imports as module
from smsgate.features.lists.export import ExportQuery, exported_numbers
from smsgate.features.lists.import_record import imports
from smsgate.features.lists.import_result import ImportOptions, unknown_programs_text
from smsgate.features.lists.import_undo import ImportUndo
from smsgate.features.lists.preview import preview_of
from smsgate.features.numbers.memberships import origins_of_number
from tests.fakes.own_services import ALERTS, ORDERS, make_services
from tests.features.lists.files import imported, previewed, with_rows, work_on

CLUB = """
[programs.club]
name     = "Acme Club"
account  = "twilio"
senders  = ["+14155550777"]
keywords = ["en"]
scope    = "program"
formerly = ["friends"]
"""
ORDERS_ALONE = ORDERS + 'scope    = "program"\n'
A, B, C, D, E = (f"+1415555010{at}" for at in range(1, 6))
LIST = f"""phone,what,program,source
{A},stop,Acme Alerts,Klaviyo
{B},stop,orders,Klaviyo
{C},subscribed,club,Shop form
{D},stop,FRIENDS,
{E},stop,Newsletter,Klaviyo
{E},stop,,Klaviyo
not a number,stop,orders,Klaviyo
{B},stop,orders,Attentive
"""
EACH = ImportOptions(
    state_column="what",
    program_column="program",
    source_column="source",
    words="I agree",
    medium="web",
)


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url, ALERTS + ORDERS_ALONE + CLUB)
    made.records.migrate()
    yield made
    made.close()


def rehearsed(services, content=LIST, **more):
    return previewed(services, content, EACH, **more)


def applied(services, content=LIST, **more):
    work = work_on(services, content, EACH, **more)
    work.preview(lambda *_: None)
    summary, rows = with_rows(work.apply)
    services.archiver.move_all()
    return summary, rows


def by_program(summary):
    return {one.program: (one.new, one.known, one.reasons) for one in summary.programs}


def blocked(services, number):
    programs = ("alerts", "orders", "club")
    return [one for one in programs if not services.gate.allows(number, program=one)]


def test_the_preview_counts_new_known_and_refused_rows_by_program(services):
    summary = rehearsed(services)
    assert by_program(summary) == {
        "alerts": (1, 0, {}),
        "orders": (1, 1, {"letters": 1}),
        "club": (2, 0, {}),
    }
    assert summary.outcomes == {
        "new": 4, "duplicate": 1, "unknown_program": 1, "no_program": 1, "letters": 1
    }  # fmt: skip
    assert summary.unknown_programs == {"Newsletter": 1}
    assert summary.unused == 3
    assert unknown_programs_text(summary, services.settings) == (
        "Unknown programs in the file: 'Newsletter' (1). Use one of: alerts (Acme Alerts), "
        'orders (Acme <b>Orders</b> & "Co"), club (Acme Club).'
    )
    summary.unknown_programs = {f"p{at}": 1 for at in range(11)}
    assert "'p9' (1), …. Use one of: alerts" in unknown_programs_text(summary, services.settings)
    assert [one.partition(" only ")[0] for one in summary.changes][1:3] == [
        "Would opt 1 number out of Acme Club (club)",
        'Would opt 1 number out of Acme <b>Orders</b> & "Co" (orders)',
    ]
    assert services.store.inbox.busy() == []


def test_each_row_counts_for_its_own_program(services):
    summary, rows = applied(services)
    assert blocked(services, A) == ["alerts", "orders", "club"]
    assert blocked(services, B) == ["orders"]
    assert blocked(services, C) == []
    assert blocked(services, D) == ["club"]
    assert blocked(services, E) == []
    assert by_program(summary)["club"] == (2, 0, {})
    assert [(row["outcome"], row["program"]) for row in rows[:5]] == [
        ("applied", "alerts"),
        ("applied", "orders"),
        ("applied", "club"),
        ("applied", "club"),
        ("unknown_program", ""),
    ]
    (one,) = imports(services.store, services.records, 10)
    assert (one.id, one.program) == (summary.import_id, "")
    assert "Opted 1 number out of every program (scope all)" in one.note
    assert "Opted 1 number out of Acme Club (club) only (scope club)." in one.note
    assert services.history.of_number(C)[-1].entry.consent.words == "I agree"


def test_an_import_into_several_programs_is_undone_as_a_whole(services):
    rows = f"{A},stop,club,\n{A},stop,orders,\n{B},stop,club,\n{C},subscribed,orders,\n"
    summary, _ = applied(services, "phone,what,program,source\n" + rows)
    assert blocked(services, A) == ["orders", "club"]
    assert by_program(summary) == {"club": (2, 0, {}), "orders": (2, 0, {})}
    undo = ImportUndo(services)
    assert undo.preview(summary.import_id, lambda *_: None).outcomes == {"would_undo": 3}
    done = undo.apply(summary.import_id, "ana", "the wrong file", lambda *_: None)
    assert done.outcomes == {"undone": 3}
    assert blocked(services, A) == blocked(services, B) == []
    event = services.history.of_number(A)[-1]
    assert (event.kind, event.scope) == ("import_undone", "all"), "every program is told"
    again, _ = applied(services, "phone,what,program,source\n" + rows)
    assert again.import_id == f"{summary.import_id}.1"
    assert blocked(services, A) == ["orders", "club"]


def test_the_same_file_again_changes_nothing(services):
    first, _ = applied(services)
    second, _ = applied(services)
    assert first.import_id == second.import_id
    assert by_program(second)["club"] == (0, 2, {})
    assert len(services.history.of_number(A)) == 1


def test_a_file_that_was_imported_in_part_is_gone_on_with(services, monkeypatch):
    monkeypatch.setattr(module, "WINDOW", 2)
    work = work_on(services, LIST, EACH)
    enter, calls = work._number_import.enter, []

    def ending(*args, **kwargs):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return enter(*args, **kwargs)

    monkeypatch.setattr(work._number_import, "enter", ending)
    with pytest.raises(KeyboardInterrupt):
        work.apply(lambda *_: None)
    summary, _ = applied(services)
    assert by_program(summary)["alerts"] == (0, 1, {})
    assert blocked(services, D) == ["club"]
    assert all(len(services.history.of_number(one)) == 1 for one in (A, B, C, D))


@pytest.mark.parametrize(
    ("rows", "found", "held"),
    [
        # An opt-out of all programs holds for the next one too.
        ([(A, "stop", "alerts"), (A, "stop", "club")], {"alerts": (1, 0), "club": (0, 1)}, 3),
        ([(A, "stop", "club"), (A, "stop", "alerts")], {"alerts": (1, 0), "club": (0, 1)}, 3),
        # Beside an opt-out a consent is refused, wherever it stands.
        ([(A, "subscribed", "club"), (A, "stop", "club")], {"club": (1, 0)}, 1),
        ([(A, "subscribed", "club"), (A, "stop", "alerts")], {"alerts": (1, 0), "club": (0, 0)}, 3),
        # Of another program it is none of its business.
        ([(A, "subscribed", "club"), (A, "stop", "orders")], {"orders": (1, 0), "club": (1, 0)}, 1),
        ([(A, "stop", "club"), (A, "stop", "club")], {"club": (1, 1)}, 1),
    ],
)
def test_rows_of_one_number_that_differ_are_previewed_as_they_are_applied(
    services, rows, found, held
):
    content = "phone,what,program,source\n" + "".join(f"{','.join(one)},\n" for one in rows)
    preview = {name: one[:2] for name, one in by_program(rehearsed(services, content)).items()}
    assert preview == found
    summary, _ = applied(services, content)
    assert {name: one[:2] for name, one in by_program(summary).items()} == found
    assert len(blocked(services, A)) == held


def test_a_list_for_no_program_or_without_the_column_is_refused(services):
    with pytest.raises(Unfit, match="Say for which program the list is, or which column"):
        work_on(services, LIST, ImportOptions(state_column="what"))
    summary = rehearsed(services, allowed=["orders"])
    assert by_program(summary) == {"orders": (1, 1, {"letters": 1})}
    assert summary.outcomes["unknown_program"] == 4


def test_programs_that_share_a_title_are_told_apart_by_name(tmp_path, redis_url):
    twin = CLUB.replace("[programs.club]", "[programs.twin]").replace('["friends"]', "[]")
    services = make_services(tmp_path, redis_url, ALERTS + CLUB + twin.replace("0777", "0776"))
    services.records.migrate()
    rows = f"phone,what,program,source\n{A},stop,Acme Club,\n{B},stop,twin,\n"
    summary = rehearsed(services, rows)
    assert summary.unknown_programs == {"Acme Club": 1}
    assert by_program(summary) == {"twin": (1, 0, {})}
    services.close()


def test_a_source_is_shown_as_an_external_one_wherever_the_number_is(services):
    applied(services)
    event = services.history.of_number(A)[-1]
    assert event.entry.source == "import"
    assert event_text.entry_source(event.entry) == "imported: Klaviyo"
    assert event_text.entry_source(services.history.of_number(D)[-1].entry) == "import"
    said = " ".join(event_text.details(event))
    assert "names as its source “Klaviyo”, outside smsgate" in said
    origins = {
        number: origin
        for number in (A, B, C, D)
        for origin in origins_of_number(services.records.database, number).values()
    }
    assert {number: one.event.entry.external_source for number, one in origins.items()} == {
        A: "Klaviyo",
        B: "Klaviyo",
        C: "Shop form",
        D: "",
    }
    found = exported_numbers(services, ExportQuery("club"))
    assert {one.number: (one.source, one.external_source) for one in found} == {
        A: ("import", "Klaviyo"),
        C: ("import", "Shop form"),
        D: ("import", ""),
    }


def test_a_source_never_passes_for_the_subscribers_own_words(services):
    odd = "text\u202e\x00 STOP\n by " + "x" * 200
    content = f'phone,what,program,source\n{A},stop,club,"{odd}"\n{B},stop,club,text\n'
    applied(services, content)
    entry = services.history.of_number(A)[-1].entry
    assert entry.external_source == ("text STOP by " + "x" * 200)[:60] + "…"
    assert (entry.source, entry.text) == ("import", "")
    entry = services.history.of_number(B)[-1].entry
    assert event_text.entry_source(entry) == "imported: text"


def test_bad_input_of_many_kinds_is_read_or_named(services):
    content = (
        "\ufeffTelefon;Datum;Estado;Programm;Quelle\r\n"
        f"{A};31.12.2025;STOP;club;Brevo\r\n"
        f"{B};2025/12/30 10:15;Opted out;club;\r\n"
        f"{C};01/02/2026;opt-out;club;Brevo\r\n"
        f"{D};;stop;club;Brevo\r\n"
        f"{E};2025-12-29T08:00:00Z;;club;Brevo\r\n"
        ";;;;\r\n"
    )
    guessed = preview_of(io.BytesIO(content.encode()))
    assert (guessed.number, guessed.encoding) == (0, "utf-8")
    assert guessed.guessed["program_column"] == "4"
    assert guessed.guessed["source_column"] == "5"
    options = ImportOptions(
        date_column="Datum",
        state_column="Estado",
        program_column="Programm",
        source_column="Quelle",
    )
    summary, _ = imported(services, content, options)
    services.archiver.move_all()
    assert by_program(summary) == {"club": (4, 0, {"bad_state": 1})}
    assert summary.outcomes == {"applied": 4, "bad_state": 1, "blank": 1}
    assert summary.undated == 1, "01/02/2026 may be either of two days"
    since = {
        one: datetime.fromtimestamp(services.history.of_number(one)[-1].event_time_us / 1e6, UTC)
        for one in (A, B, C, D)
    }
    assert f"{since[A]:%F}" == "2025-12-31"
    assert f"{since[B]:%F %H:%M}" == "2025-12-30 10:15"
    assert since[C].date() == since[D].date() == datetime.now(UTC).date()
