"""Recognising a list: its format, its columns, known exports."""

from __future__ import annotations

import pytest

from smsgate.features.lists import shapes
from smsgate.features.lists.errors import ListUnreadable
from smsgate.features.lists.shapes import shape_of

US = "+14155550123"


@pytest.mark.parametrize(
    ("head", "kind", "number"),
    [
        (f"{US}\n{US}\n", "lines", 0),
        (f"Phone\n{US}\n", "lines", 0),
        (f"name,Phone number,zip\nAna,{US},12345\n", "csv", 1),
        (f"name\tMSISDN\nAna\t{US}\n", "csv", 1),
        (f'"Name";"Mobile"\n"Ana; Bo";"{US}"\n', "csv", 1),
        (f"Ana,{US},Paris\nBo,{US},Rom\n", "csv", 1),
        (f"id,whatever\n7,{US}\n8,{US}\n", "csv", 1),
        (f"id,name,whatever\r7,Ana,{US}\r", "csv", 2),
        ('{"name": "Ana", "phone": "+1"}\n', "ndjson", "phone"),
        ("", "lines", 0),
        (f'"a, b"\n"{US}"\n', "csv", 0),
    ],
)
def test_format_and_column_are_recognised(head, kind, number):
    shape = shape_of(head)
    assert (shape.kind, shape.number) == (kind, number)


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
    shape = shape_of(f"{header}\n")
    assert shape.export.name == export
    assert header.split(",")[shape.number] == number
    keys = ", ".join(f'"{name}": ""' for name in header.split(","))
    assert shape_of(f"{{{keys}}}\n").export.name == export


def test_a_column_is_taken_by_name_or_place():
    head = f"home,work\n{US},{US}\n"
    assert shape_of(head, column="Work").number == 1
    assert shape_of(head, column="2").number == 1
    assert shape_of('{"a b": 1}\n', column="A_B").number == "a b"


@pytest.mark.parametrize(
    ("head", "column", "said"),
    [
        (f"home,work\n{US},{US}\n", "", "several columns look like numbers.*'home', 'work'"),
        ("name,city\nAna,Paris\n", "", "no column has numbers"),
        (f"name,phone\nAna,{US}\n", "fone", "no column 'fone'; there are: 'name', 'phone'"),
        (f"Ana,{US}\n", "3", "no column '3'; there are 2, without names"),
        ('[{"phone": "+1"}]', "", "one JSON document.*jq"),
        ('{"name": "Ana"}\n', "", "no key is known.*'name'"),
        ('{"phone": "+1"}\n', "fone", "no key 'fone'.*'phone'"),
    ],
)
def test_what_is_not_clear_is_asked_for(head, column, said):
    with pytest.raises(ListUnreadable, match=said):
        shape_of(head, column=column)


def test_a_number_a_line_can_be_asked_for():
    assert shape_of(f'{US},"\n', "lines").kind == "lines"


def test_to_name_the_columns_takes_one_look_at_each(monkeypatch):
    looks = []
    real = shapes.plain
    monkeypatch.setattr(shapes, "plain", lambda header: looks.append(header) or real(header))
    header = [f"c{at}" for at in range(300)]
    assert shapes.choices([*header, "2"], 301) == [
        "1", "c1", *map(str, range(3, 301)), "301"
    ]  # fmt: skip
    assert len(looks) <= 2 * 301
