"""The operator's sets: files, those of the console, and drafts in their place."""

from __future__ import annotations

import pytest

from smsgate.optout import Classifier, Shelf, load_sets
from smsgate.optout.own import OwnSets
from tests.optout.program import program

ZULU = 'language = "zu"\nextends = true\n[[entries]]\nintent = "opt_out"\nwords = "{}"\n'
ALERTS = program(keywords=("zu",), region="")


def said(own, text):
    sets, faults = load_sets(own, ["zu"])
    assert faults == []
    return Classifier(ALERTS, sets).classify(text).intent


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "zu.toml").write_text(ZULU.format("fromfile"), "utf-8")
    return tmp_path


def test_a_set_of_the_console_adds_to_the_shipped_one():
    own = OwnSets(None, {"zu": ZULU.format("blimblam")})
    assert said(own, "blimblam") == "opt_out"
    assert said(own, "yeka") == said(None, "yeka") == "opt_out"
    assert load_sets(own, ["zu"])[0].places["zu"].startswith("console keywords/zu.toml and shipped")


def test_a_name_that_is_a_file_and_the_consoles_is_a_fault_with_both_places(folder):
    own = OwnSets(folder, {"zu": ZULU.format("blimblam")})
    _, (fault,) = load_sets(own, ["zu"])
    assert fault.place == str(folder / "zu.toml")
    assert "console keywords/zu.toml" in fault.problem
    (again,) = Shelf(own, (ALERTS,), folder / "none").faults()
    assert again == fault


def test_a_draft_stands_for_whatever_is_there(folder):
    for own in (
        OwnSets(folder, drafts={"zu": ZULU.format("blimblam")}),
        OwnSets(folder, {"zu": "nonsense"}, {"zu": ZULU.format("blimblam")}),
    ):
        assert said(own, "blimblam") == "opt_out"
        assert said(own, "fromfile") == "none"
    assert said(OwnSets(folder, drafts={"zu": ""}), "fromfile") == "none"


def test_names_are_those_of_files_console_and_drafts(folder):
    own = OwnSets(folder, {"es": "x"}, {"fr": "y", "es": ""})
    assert own.names() == ["fr", "zu"]
    assert own.owned_by_console("es")
    assert own.file("zu") == folder / "zu.toml"
    assert own.file("es") is None


def test_what_is_kept_compiled_is_told_apart_by_what_the_console_says(tmp_path):
    for word in ("blimblam", "blomblom"):
        shelf = Shelf(OwnSets(None, {"zu": ZULU.format(word)}), (ALERTS,), tmp_path)
        assert shelf.faults() == []
        assert Classifier(ALERTS, shelf.known(ALERTS)).classify(word).intent == "opt_out"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("content", "key", "problem"),
    [
        (ZULU.replace('"zu"', '"en"'), "language", "must be 'zu'"),
        (ZULU + '[[phrases]]\nmeans = "opt_out"\nany = "yeka, ~x yeka"\n', "phrases[1]", "no gap"),
        (ZULU + '[[phrases]]\nmeans = "opt_out"\nany = "a ~99 b"\n', "phrases[1]", "no gap"),
        (ZULU + '[[phrases]]\nmeans = "opt_out"\nany = "^$"\n', "phrases[1]", "has no words"),
        (ZULU + '[[phrases]]\nmeans = "opt_out"\nany = "~3"\n', "phrases[1]", "has no words"),
        ("language = ", "file", "is no TOML"),
    ],
)
def test_what_would_break_a_start_is_a_fault_with_its_place(content, key, problem):
    _, faults = load_sets(OwnSets(None, {"zu": content}), ["zu"])
    assert [(fault.place, fault.key) for fault in faults] == [("console keywords/zu.toml", key)]
    assert problem in faults[0].problem
