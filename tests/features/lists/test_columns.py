"""Columns that somebody chose for date, status and program."""

from __future__ import annotations

import io

import pytest

from smsgate.domain.messages import ALL
from smsgate.features.lists.errors import ListUnreadable
from smsgate.features.lists.file_import import FileImport
from smsgate.features.lists.import_summary import MAX_PROGRAMS, OTHERS
from smsgate.features.lists.number_import import ImportRequest
from smsgate.features.lists.preview import preview_of
from smsgate.features.lists.shapes import ColumnChoice
from tests.fakes.own_services import ALERTS, ORDERS, make_services

LIST = b"""phone,left on,what,club
+14155550101,2026-01-02,Unsubscribed,acme  alerts
+14155550102,2026-01-03,stop,alerts
+14155550103,2026-01-04,subscribed,orders
+14155550104,someday,active,alerts
+14155550105,,opt-out,
"""
CHOSEN = ColumnChoice("left on", "what", "club")
STOPPED = ImportRequest("alerts", "opted_out", actor="ana", note="list.csv")
JAN_2_US = 1_767_312_000_000_000


@pytest.fixture
def services(tmp_path, redis_url):
    made = make_services(tmp_path, redis_url, ALERTS + ORDERS)
    made.records.migrate()
    yield made
    made.close()


def rehearsed(services, content=LIST, request=STOPPED, columns=CHOSEN):
    rows = []
    work = FileImport(services, request, io.BytesIO(content), columns=columns)
    return work.rehearse(lambda _: None, rows.append), {one.number or one.line: one for one in rows}


def outcomes(rows):
    return [rows[key].outcome for key in sorted(rows, key=str)]


def test_rows_are_counted_by_program_before_anything_is_written(services):
    summary, rows = rehearsed(services)
    assert summary.by_program == {"acme  alerts": 1, "alerts": 2, "orders": 1, "": 1}
    assert summary.outcomes == {"new": 2}
    assert summary.problems == {"other_program": 2, "bad_state": 1}
    assert summary.unused == 1, "what is for another program can be used by its own import"
    assert rows["+14155550101"].state == "opted_out"
    assert services.store.inbox.busy() == []
    assert services.gate.check(["+14155550101"], program="alerts")[0].allowed


def test_all_programs_take_every_row(services):
    everything = ImportRequest(ALL, "opted_out", actor="ana", note="list.csv")
    summary, _ = rehearsed(services, request=everything, columns=ColumnChoice("", "", "club"))
    assert summary.outcomes == {"new": 5}
    assert summary.by_program["orders"] == 1


def test_the_date_of_a_row_is_that_of_its_opt_out(services):
    work = FileImport(services, STOPPED, io.BytesIO(LIST), columns=CHOSEN)
    summary = work.apply(work.rehearse(lambda _: None), lambda _: None, None)
    assert summary.outcomes == {"applied": 2}
    services.archiver.move_all()
    event = services.history.of_number("+14155550101")[-1]
    assert event.event_time_us == JAN_2_US
    other = services.gate.check(["+14155550105", "+14155550103"], program="alerts")
    assert [one.allowed for one in other] == [True, True], "rows of other programs"


def test_other_columns_make_another_list_and_none_the_same(services):
    def list_id(columns):
        return rehearsed(services, columns=columns)[0].list_id

    assert list_id(CHOSEN) != list_id(ColumnChoice("left on", "what"))
    assert (
        list_id(ColumnChoice())
        == FileImport(services, STOPPED, io.BytesIO(LIST)).rehearse(lambda _: None).list_id
    )


def test_json_and_quotes_and_places_work_too(services):
    lines = b'{"phone": "+14155550101", "what": "stop", "club": "alerts"}\n' * 2
    summary, _ = rehearsed(services, lines, columns=ColumnChoice("", "what", "club"))
    assert summary.by_program == {"alerts": 2}
    quoted = LIST.replace(b"acme  alerts", b'"Acme Alerts"')
    summary, _ = rehearsed(services, quoted, columns=ColumnChoice("2", "3", "4"))
    assert summary.outcomes == {"new": 2}


@pytest.mark.parametrize(
    ("content", "columns", "said"),
    [
        (LIST, ColumnChoice("nowhere"), "there is no column 'nowhere'"),
        (LIST, ColumnChoice("", "9"), "there is no column '9'"),
        (b"+14155550101\n", ColumnChoice("", "", "2"), "has no other columns"),
        (b'{"phone": "+14155550101"}\n', ColumnChoice("day"), "there is no key 'day'"),
    ],
)
def test_a_column_that_is_not_there_is_refused(services, content, columns, said):
    with pytest.raises(ListUnreadable, match=said):
        rehearsed(services, content, columns=columns)


def test_many_programs_are_counted_together(services):
    rows = "".join(f"+1415555{at:04},p{at}\n" for at in range(200))
    summary, _ = rehearsed(
        services, f"phone,list\n{rows}".encode(), columns=ColumnChoice("", "", "2")
    )
    assert len(summary.by_program) == MAX_PROGRAMS + 1
    assert summary.by_program[OTHERS] == 200 - MAX_PROGRAMS


def test_columns_are_guessed_by_header_where_they_can_be_read():
    found = preview_of(
        io.BytesIO(b"Phone,Opt-out date,Status,List\n+14155550101,2026-01-02,stop,a\n")
    )
    assert found.guessed == {"since_column": "2", "state_column": "3", "program_column": "4"}
    odd = preview_of(io.BytesIO(b"Phone,Date,Status\n+14155550101,someday,active\n"))
    assert odd.guessed == {}
    export = b"number,state,since,source\n+14155550101,opted_out,2026-01-02,text\n"
    assert preview_of(io.BytesIO(export)).guessed == {}
