"""Rows of a form, and the file that they come from: what was not changed stays as it was."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from smsgate.classifier.sets.keyword_sets import shipped
from smsgate.domain.errors import KeywordSetUnfit
from smsgate.features.keyword_editor.entries import Row, begun, changed, read, rows_of

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
    assert changed(SET, rows_of(SET), "") == SET


def test_a_new_row_stands_at_the_end_and_the_rest_as_it_was():
    after = changed(SET, [*rows_of(SET), Row("VETE YA\nadios", "opt_out", note='say "why"')], "")
    assert after == SET + (
        '\n[[entries]]\nintent = "opt_out"\nwords = "VETE YA, adios"\nnote = "say \\"why\\""\n'
    )


def test_a_row_without_words_goes_with_its_comment_and_no_other():
    first, second = rows_of(SET)
    after = changed(SET, [first._replace(words=" , "), second], "")
    assert "CHAU" not in after
    assert "heard on the phone" not in after
    assert "# our words" in after
    assert "# from the shop" in after
    assert "# not the hotline" in after


def test_a_changed_row_keeps_what_the_form_does_not_show():
    first, second = rows_of(SET)
    after = changed(SET, [first._replace(words="CHAU", match="lead", risk="high"), second], "")
    (entry, _) = read(after).entries
    assert (entry.words, entry.match, entry.risk) == ("CHAU", "lead", "high")
    assert entry.countries == ("+54",)
    assert "# heard on the phone" in after
    assert "# not the hotline" in after


@pytest.mark.parametrize("content", [SET, SET.replace("extends", 'without = "X"\nextends')])
def test_words_to_leave_out_come_go_and_change(content):
    after = changed(content, rows_of(content), "ALTO, BAJA")
    assert read(after).without == "ALTO, BAJA"
    assert after.count("without") == 1
    assert "# beside the shipped ones" in after
    assert read(changed(after, rows_of(after), "")).without == ""


def test_a_heading_inside_a_text_does_not_break_the_file():
    odd = begun("es") + '[[entries]]\nintent = "help"\nwords = "A"\nnote = """\n[[entries]]\n"""\n'
    odd += '[[entries]]\nintent = "help"\nwords = "B"\n'
    after = changed(odd, [rows_of(odd)[1], Row("C", "opt_in")], "")
    assert [entry.words for entry in read(after).entries] == ["B", "C"]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_set_survives_the_form(name):
    content = packaged(name)
    rows = rows_of(content)
    after = changed(content, [*rows[1:], Row("BLIM, BLAM", "opt_out")], "X")
    before, now = tomllib.loads(content), tomllib.loads(after)
    assert now["entries"][:-1] == before["entries"][1:]
    assert now["entries"][-1] == {"intent": "opt_out", "words": "BLIM, BLAM"}
    assert now["without"] == "X"
    assert {**now, "entries": 0, "without": 0} == {**before, "entries": 0, "without": 0}


@pytest.mark.parametrize(
    "word", ['"', "\\", "'''", "[[entries]]", "#", "\x7f", "\t", "🛑", "</textarea><script>"]
)
def test_odd_words_are_written_so_that_they_are_read_again(word):
    after = changed(begun("es"), [Row(f"x{word}y", "opt_out")], "")
    assert read(after).entries[0].words == f"x{word}y"


@pytest.mark.parametrize(
    ("row", "said"),
    [(Row("x", "nonsense"), "nonsense"), (Row("x", "opt_in", "all"), "all")],
)
def test_what_no_form_offers_is_refused(row, said):
    with pytest.raises(KeywordSetUnfit, match=said):
        changed(begun("es"), [row], "")


@pytest.mark.parametrize("content", ["", "language = ", 'language = "es"\nnew = 1\n'])
def test_what_is_no_set_has_no_rows(content):
    with pytest.raises(KeywordSetUnfit):
        rows_of(content)
