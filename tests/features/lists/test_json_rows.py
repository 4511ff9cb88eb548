"""Objects inside each other by the thousand are rows that cannot be read, and nothing worse."""

from __future__ import annotations

import io

import pytest

from smsgate.features.lists.errors import ListUnreadable
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.preview import preview_of
from smsgate.features.lists.scrub import with_columns
from smsgate.features.lists.shapes import json_cell, json_row, with_values

NUMBER = "+14155550123"
GOOD = f'{{"phone": "{NUMBER}"}}\n'


def nested(depth: int, key: str = "phone") -> str:
    return f'{{"{key}": ' * depth + f'"{NUMBER}"' + "}" * depth + "\n"


@pytest.mark.parametrize("depth", [2, 100, 500, 900, 1000, 2000, 5000, 20_000])
@pytest.mark.parametrize("form", ["auto", "ndjson"])
def test_however_deep_a_list_is_read_or_refused_with_a_sentence(depth, form) -> None:
    for text in (nested(depth), GOOD + nested(depth) + GOOD, nested(depth, "other") + GOOD):
        try:
            listed = ListFile(io.BytesIO(text.encode()), form)
        except ListUnreadable:
            continue
        (block,) = listed.blocks()
        printable = preview_of(io.BytesIO(text.encode()), form)
        assert printable.columns
        for raw in block.raws:
            assert with_columns(raw, listed.shape, {"status": "x"}).endswith("\n")


def test_a_row_that_is_too_deep_is_broken_and_the_others_are_read() -> None:
    (block,) = ListFile(io.BytesIO((GOOD + nested(20_000) + GOOD).encode())).blocks()
    assert block.broken == {1}
    assert block.cells == [NUMBER, "", NUMBER]


def test_a_file_of_nothing_else_says_what_a_row_is() -> None:
    with pytest.raises(ListUnreadable, match="give one flat object a line"):
        ListFile(io.BytesIO(nested(20_000).encode()))


@pytest.mark.parametrize("raw", ["", "x", "[1]", "1", '{"a": "\ud83d"}', nested(20_000)])
def test_what_is_no_object_is_no_row(raw) -> None:
    assert json_row(raw) is None
    assert with_values(raw, {"status": "x"}) == raw


def test_cells_show_plain_values_and_of_others_that_they_are() -> None:
    values = [None, "a", 1, 1.5, True, {"a": 1}, [1]]
    assert [json_cell(one) for one in values] == ["", "a", "1", "1.5", "True", "{…}", "[…]"]
