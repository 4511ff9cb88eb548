"""Rows of a form, and the file that they come from: what was not changed stays as it was."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from smsgate.classifier.sets.keyword_sets import shipped
from smsgate.features.keyword_editor.errors import KeywordSetUnfit
from smsgate.features.keyword_editor.set_text import (
    KeywordRow,
    edit_set,
    empty_set,
    parse_rows,
    parse_set,
)

SET = """# our words
language = "es"
extends = true    # beside the shipped ones

# heard on the phone
[[entries]]
intent = "opt_out"
words = "CHAU, FUERA"
countries = ["+54"]

[classes]
stop = "basta"

# from the shop
[[entries]]
intent = "help"   # not the hotline
words = "AYUDAME"
"""


def packaged(name):
    file = resources.files("smsgate.classifier").joinpath("keywords", f"{name}.toml")
    return file.read_text("utf-8")


def test_nothing_changed_is_the_very_same_file():
    assert edit_set(SET, parse_rows(SET), "") == SET


def test_a_new_row_stands_at_the_end_and_the_rest_as_it_was():
    after = edit_set(
        SET, [*parse_rows(SET), KeywordRow("VETE YA\nadios", "opt_out", note='say "why"')], ""
    )
    assert after == SET + (
        '\n[[entries]]\nintent = "opt_out"\nwords = "VETE YA, adios"\nnote = "say \\"why\\""\n'
    )


def test_a_row_without_words_goes_with_its_comment_and_no_other():
    first, second = parse_rows(SET)
    after = edit_set(SET, [first._replace(words=" , "), second], "")
    assert "CHAU" not in after
    assert "heard on the phone" not in after
    assert "# our words" in after
    assert "# from the shop" in after
    assert "# not the hotline" in after


def test_a_changed_row_keeps_what_the_form_does_not_show():
    first, second = parse_rows(SET)
    after = edit_set(SET, [first._replace(words="CHAU", match="lead", risk="high"), second], "")
    (entry, _) = parse_set(after).entries
    assert (entry.words, entry.match, entry.risk) == ("CHAU", "lead", "high")
    assert entry.countries == ("+54",)
    assert "# heard on the phone" in after
    assert "# not the hotline" in after


@pytest.mark.parametrize("content", [SET, SET.replace("extends", 'without = "X"\nextends')])
def test_words_to_leave_out_come_go_and_change(content):
    after = edit_set(content, parse_rows(content), "ALTO, BAJA")
    assert parse_set(after).without == "ALTO, BAJA"
    assert after.count("without") == 1
    assert "# beside the shipped ones" in after
    assert parse_set(edit_set(after, parse_rows(after), "")).without == ""


def test_a_heading_inside_a_text_does_not_break_the_file():
    odd = (
        empty_set("es")
        + '[[entries]]\nintent = "help"\nwords = "A"\nnote = """\n[[entries]]\n"""\n'
    )
    odd += '[[entries]]\nintent = "help"\nwords = "B"\n'
    after = edit_set(odd, [parse_rows(odd)[1], KeywordRow("C", "opt_in")], "")
    assert [entry.words for entry in parse_set(after).entries] == ["B", "C"]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_set_survives_the_form(name):
    content = packaged(name)
    rows = parse_rows(content)
    after = edit_set(content, [*rows[1:], KeywordRow("BLIM, BLAM", "opt_out")], "X")
    before, now = tomllib.loads(content), tomllib.loads(after)
    assert now["entries"][:-1] == before["entries"][1:]
    assert now["entries"][-1] == {"intent": "opt_out", "words": "BLIM, BLAM"}
    assert now["without"] == "X"
    assert {**now, "entries": 0, "without": 0} == {**before, "entries": 0, "without": 0}


@pytest.mark.parametrize(
    "word", ['"', "\\", "'''", "[[entries]]", "#", "\x7f", "\t", "🛑", "</textarea><script>"]
)
def test_odd_words_are_written_so_that_they_are_read_again(word):
    after = edit_set(empty_set("es"), [KeywordRow(f"x{word}y", "opt_out")], "")
    assert parse_set(after).entries[0].words == f"x{word}y"


@pytest.mark.parametrize(
    ("row", "said"),
    [(KeywordRow("x", "nonsense"), "nonsense"), (KeywordRow("x", "opt_in", "all"), "all")],
)
def test_what_no_form_offers_is_refused(row, said):
    with pytest.raises(KeywordSetUnfit, match=said):
        edit_set(empty_set("es"), [row], "")


@pytest.mark.parametrize("content", ["", "language = ", 'language = "es"\nnew = 1\n'])
def test_what_is_no_set_has_no_rows(content):
    with pytest.raises(KeywordSetUnfit):
        parse_rows(content)
