"""The opt-out line under a text."""

from __future__ import annotations

import pytest

from smsgate import compose
from smsgate.classifier import Classifier, load_sets
from smsgate.consent.compose import _lines, says_how_to_stop
from smsgate.settings import Program

ALERTS = Program(
    name="alerts", title="Acme Alerts", account="twilio", senders=("*",), keywords=("en", "es")
)
ORDERS = Program(
    name="orders",
    title="Acme Orders",
    account="twilio",
    senders=("+1",),
    keywords=("en",),
    kind="service",
)


def test_marketing_gets_the_line_and_its_cost() -> None:
    message = compose("Sale today!  \n", ALERTS)
    assert message.text == "Sale today!\nReply STOP to opt out"
    assert str(message) == message.text
    assert message.line == "Reply STOP to opt out"
    assert (message.encoding, message.units, message.segments) == ("GSM-7", 33, 1)


def test_a_service_text_owes_none_unless_its_program_has_one() -> None:
    assert compose("Your order left.", ORDERS).text == "Your order left."
    own = Program(
        name="orders",
        title="Acme",
        account="t",
        senders=(),
        keywords=("en",),
        kind="service",
        replies={"en": {"opt_out_line": "{program}: text STOP to end[, {contact}]"}},
    )
    assert compose("Hi.", own).text == "Hi.\nAcme: text STOP to end"


def test_the_programs_own_line_comes_before_the_shipped_one() -> None:
    own = Program(
        name="alerts",
        title="Acme",
        account="t",
        senders=(),
        keywords=("en",),
        contact="help@acme.example",
        replies={"en": {"opt_out_line": "STOP to end[, help {contact}]"}, "es": {"help": "…"}},
    )
    assert compose("Hi.", own).line == "STOP to end, help help@acme.example"
    assert compose("Hola.", own, language="es").line == "Responda BAJA para cancelar"


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("es-MX", "Responda BAJA para cancelar"),
        ("fr", "Répondez STOP pour ne plus recevoir de messages"),
        ("fr-CA", "Répondez ARRET pour cesser"),
        ("xx", "Reply STOP to opt out"),
        ("", "Reply STOP to opt out"),
    ],
)
def test_the_line_is_in_the_language_of_the_text(language: str, line: str) -> None:
    assert compose("…", ALERTS, language=language).line == line


def test_without_a_language_the_programs_first_one_holds() -> None:
    spanish = Program(name="a", title="A", account="t", senders=(), keywords=("es", "en"))
    assert compose("Hola", spanish).line == "Responda BAJA para cancelar"
    everything = Program(name="a", title="A", account="t", senders=(), keywords=("*",))
    assert compose("Hi", everything).line == "Reply STOP to opt out"


HAVE_IT = [
    "Sale! Reply STOP to end",
    "Sale! Txt STOP 2 quit.",
    "Sale! Text “STOP” to quit",
    "Sale! STOP=END",
    "Sale! STOP to opt-out",
    "reply STOP",
    "Rabais! STOP au 36111",
    "Jetzt! Abmelden: STOP",
    "特价！退订回STOP",
    "reply   stop to\nOPT OUT",
]
HAVE_IT_NOT = [
    "Don't STOP now!",
    "Nonstop to end the summer",
    "Stop by our shop today",
    "Our bus stop to quit winter",
    "context STOP",
    "Text us, stop by and save",
    "STOPWATCH sale",
    "Text STOPWATCH to win",
    "",
]


@pytest.mark.parametrize("text", HAVE_IT)
def test_a_text_that_says_how_to_stop_gets_no_second_line(text: str) -> None:
    assert compose(text, ALERTS).text == text
    assert compose(text, ALERTS).line == ""


@pytest.mark.parametrize("text", HAVE_IT_NOT)
def test_the_word_alone_does_not_tell_how_to_stop(text: str) -> None:
    assert compose(text, ALERTS).line == "Reply STOP to opt out"


def test_words_that_the_program_prints_count_too() -> None:
    program = Program(
        name="a", title="A", account="t", senders=(), keywords=("en",), opt_out_words=("goodbye",)
    )
    assert compose("Reply GOODBYE to leave.", program).line == ""
    assert compose("Goodbye winter!", program).line != ""


def test_composing_twice_changes_nothing_more_in_any_language() -> None:
    for language in _lines():
        once = compose("x", ALERTS, language=language)
        assert once.line
        assert compose(once.text, ALERTS, language=language).text == once.text


def test_every_shipped_line_is_understood_by_itself() -> None:
    """A line that is only known by heart would be doubled once an operator adds a word to it."""
    for language, table in _lines().items():
        assert says_how_to_stop(str(table["line"])), language


def test_no_shipped_line_of_latin_letters_makes_a_text_dearer() -> None:
    unicode = {
        "am", "ar", "bg", "bn", "el", "fa", "gu", "he", "hi", "ja", "km", "kn", "ko", "ml", "mr",
        "my", "ne", "pa", "ru", "si", "ta", "te", "th", "uk", "ur",
    }  # fmt: skip
    for language in _lines():
        dear = compose("x", ALERTS, language=language).encoding == "UCS-2"
        assert dear == (language in unicode or language.startswith("zh")), language


def test_the_word_of_every_line_opts_out_by_the_keywords_of_its_language(tmp_path) -> None:
    for language, table in _lines().items():
        names = [language.partition("-")[0] if language == "fr-CA" else language]
        sets, faults = load_sets(tmp_path, names)
        assert not faults, language
        program = Program(name="a", title="A", account="t", senders=(), keywords=tuple(names))
        decision = Classifier(program, sets).classify(str(table["word"]), "+14155550123")
        assert decision.intent.stops, (language, decision)
