"""Reading files: rows as they were meant, whatever their encoding, and never half a file."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.rows import ListUnreadable
from tests.features.lists.files import ALERTS, rows_of

US = "+14155550123"
CSV = f"Name,phone\r\nÅsa,{US}\r\nBo,+14155550124\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        CSV.encode(),
        codecs.BOM_UTF8 + CSV.encode(),
        CSV.encode("latin-1"),
        CSV.encode() + b"M\xfcller,\r\n",
        CSV.replace("Å", "A").encode(),
    ],
)
def test_every_encoding_is_read(raw):
    assert {US, "+14155550124"} <= {row.cell for row in rows_of(raw)}


_cells = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=40)
)


@given(st.lists(_cells.filter(lambda row: len(row) > 1), min_size=1), st.sampled_from(",;\t"))
def test_whatever_a_csv_writer_writes_is_read_as_it_was_meant(rows, delimiter):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["phone", "x"])
    writer.writerows([*rows, [US, ""]])
    found = rows_of(out.getvalue(), column="phone")  # what they wrote may be numbers too
    assert [row.cells for row in found] == [*rows, [US, ""]]


@given(st.binary(max_size=2_000))
def test_whatever_bytes_come_are_read_or_refused(raw):
    with contextlib.suppress(ListUnreadable):
        assert all(row.line > 0 for row in rows_of(b"+1" + raw))


def test_a_row_has_the_number_of_its_first_line():
    text = f'phone,note\n{US},"two\nlines, ""quoted"""\n{US},\n"{US}",plain\n{US},last'
    found = rows_of(text)
    assert [row.line for row in found] == [2, 4, 5, 6]
    assert found[0].cells == [US, 'two\nlines, "quoted"']


def test_a_line_without_end_is_refused():
    with pytest.raises(ListUnreadable, match="A line has more than 131,072 characters"):
        rows_of(f"phone\n{US}\n" + "1" * 200_000)


def test_a_quote_that_is_never_closed_is_refused_with_its_line():
    for text, line in (
        (f'phone,note\n{US},fine\n{US},"open\n{US},x\n', 3),
        (f'phone,note\n{US},"open\n' + f"{US},x\n" * 20_000, 2),
        (f'phone,note\n{US},x\n{US},"', 3),
    ):
        with pytest.raises(ListUnreadable, match=f"Line {line} cannot be read: a quote"):
            rows_of(text)


def test_a_quote_in_the_middle_of_a_cell_is_a_character():
    assert [row.cell for row in rows_of(f'phone,size\n{US},5" pipe\n{US},\n')] == [US, US]


def test_short_rows_have_an_empty_cell():
    assert [row.cell for row in rows_of(f'name,phone\nAna\n"Bo",{US}\nEd,{US}\n')] == ["", US, US]


@pytest.mark.parametrize(
    "first",
    ["tel:+14155550123", "sms:4155550123", f"{US} (mobile)", "4.15555E+09", "Ana: 415 5550123"],
)
def test_a_first_row_that_may_be_a_number_is_no_header(first):
    assert [row.cell for row in rows_of(f"{first}\n{US}\n")] == [first, US]
    assert [row.cell for row in rows_of(f"{first},Ana\n{US},Bo\n", column="1")] == [first, US]


@pytest.mark.parametrize("raw", ["", "phone,name\n,\n", f"phone\n{US}\n".encode("cp037")])
def test_a_file_without_rows_is_refused(raw):
    with pytest.raises(ListUnreadable, match="This list has no numbers"):
        rows_of(raw)


@pytest.mark.parametrize("raw", [b"%PDF-1.7" + bytes(100), CSV.encode("utf-16")])
def test_what_is_no_text_in_utf_8_is_refused(raw):
    with pytest.raises(ListUnreadable, match="save it as CSV, in UTF-8"):
        rows_of(raw)


# --- workbooks ------------------------------------------------------------------------------

_SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{rows}</sheetData></worksheet>"
)


def workbook(path, *sheets: list[list[str | float]]):
    """An Excel workbook as little as one can be."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        names = range(1, len(sheets) + 1)
        listed_ = "".join(f'<sheet name="s{at}" sheetId="{at}" r:id="r{at}"/>' for at in names)
        out.writestr(
            "xl/workbook.xml",
            '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r='
            '"http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            f"<sheets>{listed_}</sheets></workbook>",
        )
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
        relations = "".join(
            f'<Relationship Id="r{at}" Type="{kind}" Target="worksheets/s{at}.xml"/>'
            for at in names
        )
        out.writestr(
            "xl/_rels/workbook.xml.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f"{relations}</Relationships>",
        )
        main = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
        out.writestr(
            "_rels/.rels",
            '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{main}" Target="xl/workbook.xml"/></Relationships>',
        )
        for at, rows in enumerate(sheets, 1):
            text = "".join(
                f'<row r="{row}">{"".join(map(_cell, cells))}</row>'
                for row, cells in enumerate(rows, 1)
            )
            out.writestr(f"xl/worksheets/s{at}.xml", _SHEET.format(rows=text))
    return path


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value!r}</v></c>"


ROWS: list[list[str | float]] = [["Name", "Phone"], ["Åsa", 14155550123.0], ["Bo", US], ["Cy", ""]]


def test_a_workbook_is_read_as_the_list_that_it_holds(tmp_path):
    with workbook(tmp_path / "list.xlsx", ROWS, []).open("rb") as file:
        found = ListFile(file, ALERTS)
        assert found.format == "workbook; numbers in column 2 'Phone'; not read: 'Name'"
        (rows,) = found.windows(10)
        assert [row.line for row in rows] == [2, 3, 4]
        assert [row.cells for row in rows] == [["Åsa", "14155550123"], ["Bo", US], ["Cy", ""]]


def test_a_workbook_with_rows_in_several_sheets_is_refused(tmp_path):
    with (
        workbook(tmp_path / "list.xlsx", ROWS, ROWS).open("rb") as file,
        pytest.raises(ListUnreadable, match="Several sheets of this workbook"),
    ):
        ListFile(file, ALERTS)


def test_what_only_looks_like_a_workbook_is_refused(tmp_path):
    for head in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        path = tmp_path / "list.xls"
        path.write_bytes(head + bytes(1000))
        with path.open("rb") as file, pytest.raises(ListUnreadable, match="save the list as CSV"):
            ListFile(file, ALERTS)


def test_a_workbook_that_claims_too_many_cells_ends_nothing_but_its_own_process(tmp_path):
    """17 billion are more than any machine has."""
    path = tmp_path / "bomb.xlsx"
    workbook(path, [["x"]])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    far = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    )
    parts["xl/worksheets/s1.xml"] = _SHEET.format(rows=far).encode()
    with zipfile.ZipFile(path, "w") as new:
        for name, part in parts.items():
            new.writestr(name, part)
    with path.open("rb") as file, pytest.raises(ListUnreadable, match="too large"):
        ListFile(file, ALERTS)
