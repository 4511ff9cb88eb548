"""What rows say: cells as numbers, dates and states, and columns by their headers."""

from __future__ import annotations

import pytest

from smsgate.features.lists.rows import (
    REASONS,
    ListUnreadable,
    moment_us,
    printable,
    read_number,
    source_text,
)
from tests.features.lists.files import listed, rows_of

US, UK = "+14155550123", "+447700900123"
MAY_US = 1_746_090_000_000_000


@pytest.mark.parametrize(
    ("cell", "region", "number"),
    [
        (US, "", US),
        (" +1 (415) 555-0123 ", "", US),
        ("+1\N{NO-BREAK SPACE}415 555\N{NON-BREAKING HYPHEN}0123", "", US),
        ("\N{LEFT-TO-RIGHT MARK}+14155550123\N{POP DIRECTIONAL FORMATTING}", "", US),
        ("tel:+1-415-555-0123", "", US),
        ("4155550123", "US", US),
        ("415.555.0123", "CA", US),
        ("1 415 555 0123", "US", US),
        ("'+14155550123", "", US),
        ('="+14155550123"', "", US),
        ("=+14155550123", "", US),
        ("14155550123.0", "US", US),
        ("07700 900123", "GB", UK),
        ("+44 (0)7700 900123", "", UK),
        ("00447700900123", "", UK),
        ("+１４１５５５５０１２３", "", US),
        ("+1\udca0415\udca0555\udca00123", "", US),  # Latin-1's space, read as UTF-8
    ],
)
def test_what_people_and_spreadsheets_write_is_read(cell, region, number):
    assert read_number(cell, region) == (number, "")


@pytest.mark.parametrize(
    ("cell", "region", "reason"),
    [
        ("", "US", "empty"),
        ("  \N{NO-BREAK SPACE}", "US", "empty"),
        ("n/a", "US", "not_a_number"),
        ("--", "US", "not_a_number"),
        ("1-800-FLOWERS", "US", "not_a_number"),
        ("=cmd|' /C calc'!A0", "US", "not_a_number"),
        ("=1+2", "US", "not_a_number"),
        ("4.15555E+09", "US", "rounded"),
        ("1,41555E+10", "US", "rounded"),
        ("415 555 0123 x12", "US", "not_a_number"),
        ("+14155550123,12", "", "not_a_number"),
        ("+14155550123#9", "", "not_a_number"),
        ("+14155550123/+14155550124", "", "not_a_number"),
        ("+49301234567/8", "", "not_a_number"),
        ("4155550123 or 4155550124", "US", "not_a_number"),
        ("+14155550123\n+14155550124", "", "not_a_number"),
        ("4155550123 4155550124", "US", "not_a_number"),
        ("4155550123", "", "no_country"),
        ("07700900123", "US", "not_a_number"),
        ("+1415555012", "", "not_a_number"),
        ("21610", "US", "too_short"),
        ("x" * 1000, "US", "not_a_number"),
    ],
)
def test_what_is_no_number_says_why(cell, region, reason):
    assert read_number(cell, region) == ("", reason)
    assert reason in REASONS


def test_rows_of_a_log_are_opt_outs_only_where_its_error_says_so():
    found = rows_of(f"To,ErrorCode,Sid,SentDate\n{US},21610,SM1,2025-05-01T09:00:00Z\n"
                    f"{US},30003,S,\n{US},,S,\n")  # fmt: skip
    assert [one.reason for one in found] == ["", "other", "other"]
    assert [one.since_us for one in found] == [MAY_US, 0, 0]


def test_states_are_read_and_unknown_ones_are_problems():
    header = "contact_id,sender_id,status,date_of_consent\n"
    found = rows_of(f"{header}{US},MG1,opt-out,\n{US},MG1,Opt-In,\n{US},MG1,maybe,soon\n")
    assert [one.state for one in found[:2]] == ["opted_out", "subscribed"]
    assert [one.reason for one in found] == ["", "", "bad_state"]
    assert [one.is_undated for one in found] == [False, False, True]
    text = f"phone,what\n{US},Stop\n{US},opted in\n{US},active\n"
    assert [one.reason for one in rows_of(text, state_column="what")] == ["", "", "bad_state"]
    assert rows_of(text, state_column="2", state="opted_out")[1].state == "opted_out"
    who_left = rows_of(text, state_column="2", state="subscribed")
    assert [one.state for one in who_left[:2]] == ["opted_out", "subscribed"]


def test_a_blank_line_is_no_bad_row_and_an_empty_cell_is_one():
    assert [one.reason for one in rows_of(f"phone,x\n{US},1\n\n,2\n")] == ["", "blank", "empty"]


def test_numbers_without_a_plus_have_their_country_where_the_export_writes_them_so():
    found = rows_of("message_uuid,to_number,error_code\n1,447700900123,200\n")
    assert [(one.number, one.reason) for one in found] == [(UK, "")]


@pytest.mark.parametrize(
    ("said", "us"),
    [
        ("2025-05-01T09:00:00Z", MAY_US),
        ("2025-05-01 09:00:00", MAY_US),
        ("2025-05-01 11:00:00+02:00", MAY_US),
        ("Thu, 01 May 2025 09:00:00 +0000", MAY_US),
        ("01/05/2025", 0),
        ("2999-01-01", 0),
        ("1900-01-01", 0),
    ],
)
def test_times_are_read_as_exports_write_them(said, us):
    assert moment_us(said) == us


@pytest.mark.parametrize(
    ("head", "number"),
    [
        (f"{US}\n{US}\n", 0),
        (f"name,Phone number,zip\nAna,{US},12345\n", 1),
        (f"name\tMSISDN\nAna\t{US}\n", 1),
        (f'"Name";"Mobile"\n"Ana; Bo";"{US}"\n', 1),
        (f"Ana,{US},Paris\nBo,{US},Rom\n", 1),
        (f"Name,Telefon\nBo,{US}\n", 1),
        (f"id,name,whatever\r7,Ana,{US}\r", 2),
        ("", 0),
        (f'"a, b"\n"{US}"\n', 0),
        (f"home,work\n{US},{US}\n", None),
        (f"home,work\n{US},\n{US},\n,tel:{US}\n", None),
        (f"phone,status,Phone\n{US},stop,\n", None),
        (f"mobile,phone\n{US},\n", None),
        (f"phone,phone 2\n{US},\n", None),
        (f"number,state,since,source,number\n{US},opted_out,,,\n", None),
        (f"from,to,messaging_profile_id,phone\n{US},{UK},1,{US}\n", None),
        (f"Phone Number,Mobile Phone Number\n{US},{UK}\n", None),
        (f"Phone,Work Phone\n{US},\n", None),
        (f"Phone,Alt\n{US},{UK}\n", None),
        (f"Phone,Alt\n{US},(415) 555-0124\n", None),
        (f"Phone,Alt\n{US},4155550124\n", None),
        (f"Phone,Order,ZIP\n{US},1234567,94103-1234\n", 0),
        (f"Phone,Paid\n{US},2025550124\n", None),
        (f"Phone,customerId\n{US},2025550124\n", 0),
        (f"Record ID,Phone,Mobile opt-out,Cancelled\n12345678901,{US},2026-01-02,20260102\n", 1),
    ],
)
def test_the_column_of_the_numbers_is_recognised(head, number):
    assert listed(head).columns.number == number


def test_a_region_says_which_other_columns_may_have_numbers():
    """Of Spain they have nine digits, as the long ZIP codes of the US do."""
    head = f"Phone,Alt\n{US},612345678\n"
    assert listed(head, region="US").columns.number == 0
    assert listed(head, region="ES").columns.number is None


def test_date_status_and_source_are_read_where_the_headers_say_so():
    text = f"phone,Status,Date,Source\n{US},unsubscribed,2026-01-02,web\n{US},active,,\n"
    left, active = rows_of(text)
    assert (left.state, left.reason, left.source) == ("opted_out", "", "web")
    assert left.since_us
    assert active.reason == "bad_state"
    assert [one.reason for one in rows_of(text, state="opted_out")] == ["", ""]
    none = {"state_column": "0", "date_column": "0", "source_column": "0"}
    assert [(one.reason, one.since_us, one.source) for one in rows_of(text, **none)] == [
        ("", 0, "")
    ] * 2


def test_columns_that_are_not_read_are_named():
    found = listed(f"Name,Phone,Since,Alt\nAna,{US},2026-01-02,\n", date_column="since")
    read = "csv, ','; numbers in column 2 'Phone'; date in 'Since'"
    assert found.format == f"{read}; not read: 'Name', 'Alt'"
    many = ",".join(f"c{at}" for at in range(20))
    assert listed(f"Phone,{many}\n{US}\n").format.endswith("'c11' and 8 more")


@pytest.mark.parametrize(
    ("header", "export", "number"),
    [
        ("contact_id,correlation_id,sender_id,status,source,date_of_consent",
         "twilio consents", "contact_id"),
        ("From,To,Body,Status,SentDate,ErrorCode,AccountSid,Sid,Direction",
         "twilio messages", "To"),
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
    assert found.format.startswith(export)
    assert header.split(",")[found.columns.number] == number


def test_a_column_is_taken_by_name_or_place():
    head = f"home,work\n{US},{US}\n"
    assert listed(head, column="Work").columns.number == 1
    assert listed(head, column="2").columns.number == 1
    for names in ({"column": "fone"}, {"date_column": "3"}, {"source_column": "9"}):
        with pytest.raises(ListUnreadable, match=r"no column.*There are 'home', 'work'"):
            listed(head, **names)
    twice = f"phone,Phone,phone\n{US},{US},{US}\n"
    assert listed(twice, column="Phone").columns.number == 1
    with pytest.raises(ListUnreadable, match="several columns 'phone': give a position from 1"):
        listed(twice, column="phone")


def test_a_cell_is_shown_short_and_without_broken_characters():
    assert printable("M\udcfcller") == "Müller"
    assert source_text("Fr\udcfchling\n 2025\x07") == "Frühling 2025"
    assert printable("x" * 50) == "x" * 40 + "…"
