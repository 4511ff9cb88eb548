"""What we answer."""

from __future__ import annotations

import pytest

from smsgate.classifier import reply_text
from smsgate.classifier.wording import defaults
from tests.classifier.program import program

GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # fmt: skip
KINDS = ("opt_out", "opt_in", "help")


@pytest.mark.parametrize("language", sorted(defaults()))
@pytest.mark.parametrize("kind", KINDS)
def test_each_default_fits_one_segment(language, kind):
    made = program(title="Acme Alerts", contact="+18005550100")
    text, used = reply_text(made, kind, language)
    assert used == language
    assert len(text) <= (160 if set(text) <= GSM else 70), (
        len(text),
        text,
        sorted(set(text) - GSM),
    )
    assert "Acme Alerts" in text
    assert "{" not in text
    assert "[" not in text


@pytest.mark.parametrize("language", sorted(defaults()))
def test_without_a_contact_nothing_is_left_of_its_sentence(language):
    text, _ = reply_text(program(), "help", language)
    assert "[" not in text
    assert "  " not in text
    assert ": ." not in text


def test_the_operators_own_words_come_first():
    own = program(replies={"en": {"opt_out": "Bye from {program}. {contact}"}}, contact="a@b.c")
    assert reply_text(own, "opt_out", "en") == ("Bye from Acme Alerts. a@b.c", "en")


def test_an_unknown_language_falls_back_to_the_programs_first_and_then_english():
    assert reply_text(program(keywords=("es",)), "opt_out", "xx")[1] == "es"
    assert reply_text(program(), "opt_out", "xx")[1] == "en"
    assert reply_text(program(), "opt_out", "fr-CA")[1] == "fr"
