"""Recognising columns: by headers, by what stands in them, and as somebody says."""

from __future__ import annotations

import io

import pytest

from smsgate.features.lists.columns import ListUnreadable
from smsgate.features.lists.preview import preview_of
from tests.features.lists.files import cells_of, listed

US, OTHER = "+14155550123", "+14155550124"


def preview(text: str | bytes):
    return preview_of(io.BytesIO(text.encode() if isinstance(text, str) else text))


@pytest.mark.parametrize(
    ("head", "number"),
    [
        (f"{US}\n{US}\n", 0),
        (f"Phone\n{US}\n", 0),
        (f"name,Phone number,zip\nAna,{US},12345\n", 1),
        (f"name\tMSISDN\nAna\t{US}\n", 1),
        (f'"Name";"Mobile"\n"Ana; Bo";"{US}"\n', 1),
        (f"Ana,{US},Paris\nBo,{US},Rom\n", 1),
        (f"id,whatever\n7,{US}\n8,{US}\n", 1),
        (f"id,name,whatever\r7,Ana,{US}\r", 2),
        ("", 0),
        (f'"a, b"\n"{US}"\n', 0),
    ],
)
def test_the_column_of_the_numbers_is_recognised(head, number):
    file = listed(head)
    assert file.columns.number == number
    assert {*cells_of(file)} <= {US}


@pytest.mark.parametrize(
    ("header", "export", "number"),
    [
        ("contact_id,correlation_id,sender_id,status,source,date_of_consent",
         "twilio consents", "contact_id"),
        ("From,To,Body,Status,SentDate,ErrorCode,AccountSid,Sid,Direction",
         "twilio message log", "To"),
        ("account_sid,date_sent,error_code,from,sid,status,to", "twilio messages", "to"),
        ("from,to,messaging_profile_id,keyword,created_at", "telnyx", "to"),
        ("message_uuid,from_number,to_number,message_state,error_code,message_time",
         "plivo", "to_number"),
        ("OptedOutNumber,OptedOutTimestamp,EndUserOptedOut", "aws", "OptedOutNumber"),
        ("number,state,since,source", "smsgate", "number"),
    ],
)  # fmt: skip
def test_exports_of_providers_are_known_by_their_headers(header, export, number):
    found = listed(f"{header}\n")
    assert found.columns.export is not None
    assert found.columns.export.name == export
    assert header.split(",")[found.columns.number] == number
    assert preview(f"{header}\n").is_export


def test_a_column_is_taken_by_name_or_place():
    head = f"home,work\n{US},{US}\n"
    assert listed(head, "Work").columns.number == 1
    assert listed(head, "2").columns.number == 1


@pytest.mark.parametrize(
    ("head", "column", "said"),
    [
        (f"home,work\n{US},{US}\n", "", "unclear which column.*'home', 'work'"),
        ("name,city\nAna,Paris\n", "", "unclear which column.*'name', 'city'"),
        (f"name,phone\nAna,{US}\n", "fone", "no column 'fone'; there are: 'name', 'phone'"),
        (f"Ana,{US}\n", "3", "no column '3'; there are 2, without names"),
        ('[{"phone": "+1"}]', "", "This is JSON.*save it as CSV"),
        ('{"phone": "+1"}\n', "", "This is JSON.*save it as CSV"),
    ],
)
def test_what_is_not_clear_is_asked_for(head, column, said):
    with pytest.raises(ListUnreadable, match=said):
        listed(head, column)


@pytest.mark.parametrize("names", [("", "nowhere"), ("", "", "9"), ("", "", "", "2")])
def test_a_column_that_is_not_there_is_refused(names):
    with pytest.raises(ListUnreadable, match="There is no column"):
        listed(f"{US}\n", *names)


def test_columns_and_first_rows_are_shown_and_the_numbers_found():
    found = preview(f"name,phone\nAna,{US}\nBo,{OTHER}\n")
    assert found.columns == ["name", "phone"]
    assert found.rows == [["Ana", US], ["Bo", OTHER]]
    assert (found.number, found.is_export) == (1, False)
    assert preview(f"{US}\n{OTHER}\n").columns == ["column 1"]
    assert preview(f"a,a,phone\nx,y,{US},more\n").columns == ["a", "a", "phone", "column 4"]


@pytest.mark.parametrize("text", [f"home,work\n{US},{OTHER}\n", f"{US},{OTHER}\n"])
def test_where_the_numbers_are_not_clear_each_column_can_be_chosen(text):
    found = preview(text)
    assert found.number is None
    for place in range(2):
        assert cells_of(listed(text, str(place + 1)))[-1] == found.rows[-1][place]


def test_what_is_no_utf8_is_shown_and_breaks_nothing():
    assert preview("name,phone\nJosé,+14155550123\n".encode("latin-1")).rows[0][0] == "José"


def test_a_list_of_very_many_columns_shows_some():
    found = preview(",".join(f"c{at}" for at in range(5_000)) + f",phone\n{US}" + "," * 5_000)
    assert len(found.columns) == len(found.rows[0]) == 100


def test_columns_are_guessed_by_header_where_they_can_be_read():
    found = preview("Phone,Opt-out date,Status,List\n+14155550101,2026-01-02,stop,a\n")
    assert found.guessed == {"date_column": "2", "state_column": "3", "program_column": "4"}
    assert preview("Phone,Date,Status\n+14155550101,someday,active\n").guessed == {}
    export = "number,state,since,source\n+14155550101,opted_out,2026-01-02,text\n"
    assert preview(export).guessed == {}


@pytest.mark.parametrize("head", [b"\x1f\x8b\x08\x00", b"7z\xbc\xaf\x27\x1c", b"%PDF-1.7", b"PAR1"])
def test_a_packed_file_is_refused_and_not_unpacked(head):
    with pytest.raises(ListUnreadable, match="save it as CSV"):
        preview(head + bytes(100))
