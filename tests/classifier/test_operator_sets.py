"""The operator's sets: files, those of the console, and the classifiers that are made of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.classifier import Classifier, OperatorSets, load_sets, make_classifiers
from smsgate.domain.errors import ConfigurationError
from tests.classifier.program import program

ZULU = 'language = "zu"\nextends = true\n[[entries]]\nintent = "opt_out"\nwords = "{}"\n'
ALERTS = program(keywords=("zu",), region="")


def intent(own, text):
    sets, faults = load_sets(own, ["zu"])
    assert faults == []
    return Classifier(ALERTS, sets).classify(text).intent


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "zu.toml").write_text(ZULU.format("fromfile"), "utf-8")
    return tmp_path


def test_a_set_of_the_console_adds_to_the_shipped_one():
    own = OperatorSets(console={"zu": ZULU.format("blimblam")})
    assert intent(own, "blimblam") == "opt_out"
    assert intent(own, "yeka") == intent(None, "yeka") == "opt_out"
    assert load_sets(own, ["zu"])[0].places["zu"].startswith("console keywords/zu.toml and shipped")


def test_a_set_of_the_console_replaces_the_file_as_a_whole(folder):
    files = OperatorSets.read(folder)
    own = replace(files, console={"zu": ZULU.format("blimblam")})
    assert [intent(own, text) for text in ("blimblam", "fromfile")] == ["opt_out", "none"]
    assert intent(files, "fromfile") == "opt_out"


def test_files_are_read_once(folder):
    files = OperatorSets.read(folder)
    (folder / "zu.toml").write_text(ZULU.format("changed"), "utf-8")
    assert [intent(files, text) for text in ("fromfile", "changed")] == ["opt_out", "none"]


def test_names_are_those_of_files_and_of_the_console(folder):
    own = replace(OperatorSets.read(folder), console={"es": "x"})
    assert own.texts == {
        "es": ("console keywords/es.toml", "x"),
        "zu": (str(folder / "zu.toml"), ZULU.format("fromfile")),
    }


@pytest.mark.parametrize(
    ("content", "key", "problem"),
    [
        (ZULU.replace('"zu"', '"en"'), "language", "must be 'zu'"),
        ("language = ", "file", "is no TOML"),
        (ZULU.format(""), "entries[1]", 'no words: give them such as words = "CHAU'),
        (ZULU.format(" , ,, "), "entries[1]", "no words"),
        (ZULU.format("a") + 'countries = ["+44", "44"]', "entries[1]", "'44' in countries is no c"),
        (ZULU.format("a") + 'countries = ["+abc"]', "entries[1]", "'+abc' in countries is no c"),
        (ZULU.format("a") + 'countries = [""]', "entries[1]", "'' in countries is no calling code"),
        (ZULU.replace("opt_out", "opt_otu"), "entries[1]", "intent cannot be 'opt_otu': it is one"),
        (ZULU + 'word = "a"', "entries[1]", "there is no 'word': did you mean 'words'?"),
        (f'witout = "a"\n{ZULU}', "file", "there is no 'witout': did you mean 'without'?"),
        (f'without = "YEKA, QUATSCH"\n{ZULU}', "without", "'QUATSCH' is no word of a shipped"),
        ('language = "zu"\nwithout = "YEKA"', "without", "'YEKA' is no word of a shipped"),
    ],
)
def test_what_would_break_a_start_is_a_fault_with_its_place(content, key, problem):
    _, faults = load_sets(OperatorSets(console={"zu": content}), ["zu"])
    assert [(fault.place, fault.key) for fault in faults] == [("console keywords/zu.toml", key)]
    assert problem in faults[0].problem


def test_words_of_signs_alone_are_faults():
    sets, faults = load_sets(OperatorSets(console={"zu": ZULU.format("blim, !!, 🛑")}), ["zu"])
    assert faults == []
    with pytest.raises(ConfigurationError) as caught:
        Classifier(ALERTS, sets)
    (fault,) = caught.value.faults
    assert fault.place.startswith("console keywords/zu.toml")
    assert (fault.key, fault.problem[:32]) == ("!!", "has neither letter nor digit, an")


def test_a_folder_in_place_of_a_set_is_a_fault(tmp_path):
    (tmp_path / "zu.toml").mkdir()
    _, (fault,) = load_sets(OperatorSets.read(tmp_path), ["zu"])
    assert "zu.toml: file: cannot be read as UTF-8 text: [Errno 21]" in str(fault)


@pytest.mark.parametrize("word", ["yes", "Start!", "HELP"])
def test_an_opt_out_word_must_not_mean_something_else(word):
    def faults(*words):
        alerts = program(keywords=("en",), opt_out_words=words)
        return make_classifiers(None, (alerts,))[1]

    assert faults("QUIT", "GOODBYE", "T") == []
    (fault,) = faults("GOODBYE", word)
    assert fault.key == "programs.alerts.opt_out_words"
    assert f"{word!r} has no effect: it is " in fault.problem


MEET = "my sister is on the train to see you at six"
ENGLISH = program(keywords=("en", "zu"))


@pytest.mark.parametrize("word", ["blimblam", "Blím blam", "blim BLAM"])
def test_no_glance_passes_over_an_own_keyword_in_a_text(word):
    own = ZULU.format(word) + 'match = "anywhere"\n'
    classifier = Classifier(ENGLISH, load_sets(OperatorSets(console={"zu": own}), ["en", "zu"])[0])
    plain = word.lower().replace("í", "i")
    found = classifier.classify(f"{MEET} {plain} thanks a lot")
    assert (found.intent, found.keyword) == ("opt_out", word)
    assert classifier.classify(MEET).intent == "none"


ONE, OTHER = (program(name=name, keywords=("en",)) for name in ("one", "other"))
EXTENDED = ZULU.replace('"zu"', '"en"').replace("opt_out", "{}")


def test_programs_with_the_same_sets_share_what_these_know():
    made, _ = make_classifiers(None, (ONE, OTHER))
    assert made["one"].keywords is made["other"].keywords
    assert made["one"].keywords is make_classifiers(None, (ONE,))[0]["one"].keywords


def test_the_version_tells_sets_apart():
    versions = [
        make_classifiers(own, (ONE,))[0]["one"].version
        for word in ("blim", "blam", "blam")
        for own in [OperatorSets(console={"en": EXTENDED.format("opt_out", word)})]
    ]
    assert versions[0] != versions[1] == versions[2]


def test_faults_are_told_once_and_there_is_no_classifier_with_them():
    own = OperatorSets(console={"en": EXTENDED.format("help", "STOP")})
    made, faults = make_classifiers(
        own, (ONE, OTHER, program(name="es", keywords=("es",), region="GB"))
    )
    assert ([*made], [fault.key for fault in faults]) == (["es"], ["STOP"])
