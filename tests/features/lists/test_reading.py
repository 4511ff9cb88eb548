"""Reading files: records as they stand, whatever their encoding, and never half a file."""

from __future__ import annotations

import codecs
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.features.lists import list_file, shapes
from smsgate.features.lists.errors import ListUnreadable
from tests.features.lists.files import listed, whole

US = "+14155550123"
CSV = f"Name,phone\r\nÅsa,{US}\r\nBo,+14155550124\r\n"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (CSV.encode(), "utf-8"),
        (codecs.BOM_UTF8 + CSV.encode(), "utf-8"),
        (CSV.encode("latin-1"), "latin-1"),
        (CSV.encode() + b"M\xfcller,\r\n", "utf-8 and latin-1 mixed"),
        (codecs.BOM_UTF8 + b"M\xfcller,\r\n" + CSV.encode("latin-1"), "utf-8 and latin-1 mixed"),
        (CSV.replace("Å", "A").encode(), "utf-8"),
        (CSV.encode("utf-16"), "utf-16-le"),
        (codecs.BOM_UTF16_BE + CSV.encode("utf-16-be"), "utf-16-be"),
        (CSV.encode("utf-16-le"), "utf-16-le"),
        (CSV.encode("utf-16-be"), "utf-16-be"),
        (CSV.encode("utf-32"), "utf-32-le"),
    ],
)
def test_every_encoding_is_read_and_written_again_byte_for_byte(raw, name):
    file = listed(raw)
    block = whole(file)
    assert {US, "+14155550124"} <= {*block.cells}
    assert file.detector.name == name
    text = file.header + "".join(block.raws)
    assert file.encoding.mark + file.encoding.encode(text) == raw


_cells = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")))


@given(st.lists(_cells.filter(lambda row: len(row) > 1), min_size=1), st.sampled_from(",;\t"))
def test_whatever_a_csv_writer_writes_is_read_as_it_was_meant(rows, delimiter):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["phone", "x"])
    writer.writerows(rows)
    file = listed(out.getvalue(), "tsv" if delimiter == "\t" else "csv")
    block = whole(file)
    assert block.cells == [row[0] for row in rows]
    assert file.header + "".join(block.raws) == out.getvalue()
    assert not block.broken


@pytest.fixture
def tiny_blocks(monkeypatch):
    monkeypatch.setattr(list_file, "_BLOCK", 16)


def test_records_that_are_cut_by_a_block_are_whole(tiny_blocks):
    text = f'phone,note\n{US},"two\nlines, ""quoted"""\n{US},\n"{US}",plain\n{US},last'
    file = listed(text)
    block = whole(file)
    assert block.cells == [US] * 4
    assert block.raws[0] == f'{US},"two\nlines, ""quoted"""\n'
    assert block.starts == [2, 4, 5, 6]
    assert file.header + "".join(block.raws) == text


def test_a_line_without_end_is_refused_with_its_number_and_not_read_whole(monkeypatch):
    monkeypatch.setattr(list_file, "LONGEST", 1000)
    monkeypatch.setattr(list_file, "_BLOCK", 256)

    class Endless(io.RawIOBase):
        start, at = f"phone\n{US}\n".encode(), 0

        def seek(self, at, *_):
            self.at = at
            return at

        def read(self, size=-1):
            assert self.at <= list_file._HEAD
            self.at += size
            return self.start + b"1" * (size - 19) if self.at == size else b"1" * size

    file = list_file.ListFile(Endless())
    with pytest.raises(ListUnreadable, match=r"line 3 has more than 1,000 characters"):
        whole(file)


def test_a_quote_that_is_never_closed_is_refused_with_its_line():
    with pytest.raises(ListUnreadable, match="a quote in line 3 is not closed"):
        whole(listed(f'phone,note\n{US},fine\n{US},"open\n{US},x\n'))
    with pytest.raises(ListUnreadable, match="a quote in line 2 is not closed"):
        whole(listed(f'phone,note\n{US},"open\n' + f"{US},x\n" * 20_000))


def test_a_quote_in_the_middle_of_a_cell_is_a_character():
    block = whole(listed(f'phone,size\n{US},5" pipe\n{US},\n'))
    assert block.cells == [US, US]


def test_short_rows_have_an_empty_cell_and_a_stray_return_breaks_one_row_only():
    block = whole(listed(f'name,phone\nAna\n"Bo",{US}\nCy\rDi,{US}\nEd,{US}\n'))
    assert block.cells[0] == ""
    assert block.cells[1] == block.cells[3] == US
    assert block.broken == {2}


def test_json_lines_are_read_by_key_and_what_is_none_is_broken():
    text = f'{{"phone": "{US}", "name": "Åsa"}}\n{{"phone": 14155550123}}\nno json\n[1]\n{{}}\n'
    block = whole(listed(text))
    assert block.cells == [US, "14155550123", "", "", ""]
    assert block.broken == {2, 3}


def test_what_is_not_of_its_encoding_is_refused():
    with pytest.raises(ListUnreadable, match="near line 1 the file is not UTF-16-LE"):
        whole(listed(codecs.BOM_UTF16_LE + f"phone\n{US}".encode("utf-16-le") + b"\0\xd8\0\xd8x"))


def test_an_empty_file_has_no_rows():
    assert whole(listed("")).raws == []
    assert whole(listed("phone,name\n")).raws == []


def test_a_cell_is_shown_short_and_without_broken_characters():
    assert shapes.printable("M\udcfcller") == "Müller"
    assert shapes.printable("x" * 50) == "x" * 40 + "…"
