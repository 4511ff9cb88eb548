"""The beginning of a list, as it is shown before the list is used; and files that are no text."""

from __future__ import annotations

import io

import pytest

from smsgate.features.lists.errors import ColumnUnclear, ListUnreadable
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.preview import WIDTH, preview_of

US, OTHER = "+14155550123", "+14155550124"


def preview(text: str | bytes, form: str = "auto"):
    return preview_of(io.BytesIO(text.encode() if isinstance(text, str) else text), form)


def test_columns_and_first_rows_are_shown_and_the_numbers_found():
    found = preview(f"name,phone\nAna,{US}\nBo,{OTHER}\n")
    assert [(one.name, one.choice) for one in found.columns] == [("name", "1"), ("phone", "2")]
    assert found.rows == (("Ana", US), ("Bo", OTHER))
    assert (found.number, found.export) == (1, "")


@pytest.mark.parametrize(
    ("text", "names", "number"),
    [
        (f"{US}\n{OTHER}\n", ["column 1"], 0),
        (f"Ana,{US}\n", ["column 1", "column 2"], 1),
        (f'{{"phone": "{US}", "n": 1}}\n', ["phone", "n"], 0),
        (f"a,a,phone\nx,y,{US},more\n", ["a", "a", "phone", "column 4"], 2),
    ],
)
def test_every_form_has_columns(text, names, number):
    found = preview(text)
    assert [one.name for one in found.columns] == names
    assert found.number == number


@pytest.mark.parametrize(
    "text",
    [
        f"home,work\n{US},{OTHER}\n",
        f"1,3,2\n{US},{OTHER},{US}\n",
        f"{US},{OTHER}\n",
        f'{{"home": "{US}", "Phone2": "{OTHER}"}}\n',
    ],
)
def test_where_the_numbers_are_not_clear_each_column_can_be_chosen(text):
    found = preview(text)
    assert found.number is None
    for place, one in enumerate(found.columns):
        listed = ListFile(io.BytesIO(text.encode()), column=one.choice)
        [cells] = [block.cells for block in listed.blocks()]
        assert cells[-1] == found.rows[-1][place]


def test_what_is_no_utf8_is_shown_and_breaks_nothing():
    assert preview("name,phone\nJosé,+14155550123\n".encode("latin-1")).rows[0][0] == "José"
    found = preview(f'{{"phone": "{US}", "n": "José"}}\n{{"phone": "{US}"}}\n'.encode("latin-1"))
    assert found.rows == (("",), (US,))


def test_a_list_of_very_many_columns_shows_some():
    found = preview(",".join(f"c{at}" for at in range(5_000)) + f",phone\n{US}" + "," * 5_000)
    assert len(found.columns) == WIDTH
    assert len(found.rows[0]) == WIDTH


def test_what_is_no_list_says_why():
    for text in ("[1]", "{}\n{}\n"):
        with pytest.raises(ListUnreadable):
            preview(text)
    assert preview("a,b\n1,2\n").number is None


@pytest.mark.parametrize(
    "head", [b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"7z\xbc\xaf\x27\x1c", b"%PDF-1.7", b"PAR1"]
)
def test_a_packed_file_is_refused_and_not_unpacked(head):
    with pytest.raises(ListUnreadable, match="save it as CSV"):
        preview(head + bytes(100))


def test_columns_that_may_be_named_are_told():
    with pytest.raises(ColumnUnclear) as caught:
        ListFile(io.BytesIO(f"2,1\n{US},{OTHER}\n".encode()))
    assert caught.value.columns == ("2", "1")  # places would name the wrong ones
