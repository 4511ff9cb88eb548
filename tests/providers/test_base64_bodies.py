"""Texts that Twilio hands over as base64, and ordinary words, which are letters of base64 too."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.domain.messages import InboundMessage
from smsgate.providers import PROVIDERS
from smsgate.providers.base import decoded_body
from tests.classifier.program import classifier
from tests.providers.recorded import everything

DECODED = [
    (
        "SGVsbG8sIEkgZ290IHlvdXIgbWVzc2FnZSBhYm91dCB0aGUgc2FsZSBidXQgcGxlYXNlIHN0b3AgdGV4dGluZyBtZSBmcm9tIG5vdyBvbi4=",
        "Hello, I got your message about the sale but please stop texting me from now on.",
    ),
    (
        "SGVsbG8sIEkgZ290IHlvdXIgbWVzc2FnZSBhYm91dCB0aGUgc2FsZSBidXQgcGxl\r\nYXNlIHN0b3AgdGV4dGluZyBtZSBmcm9tIG5vdyBvbi4=\r\n",
        "Hello, I got your message about the sale but please stop texting me from now on.",
    ),
    (
        "w4dhIHN1ZmZpdCAhIEFycsOqdGV6IGRlIG0nZW52b3llciBkZXMgbWVzc2FnZXMgcydpbCB2b3VzIHBsYcOudCDwn5uR",
        "Ça suffit ! Arrêtez de m'envoyer des messages s'il vous plaît 🛑",
    ),
    (
        "0J/QvtC20LDQu9GD0LnRgdGC0LAsINCx0L7Qu9GM0YjQtSDQvdC1INC/0YDQuNGB0YvQu9Cw0LnRgtC1INC80L3QtSDRgdC+0L7QsdGJ0LXQvdC40Y8=",
        "Пожалуйста, больше не присылайте мне сообщения",
    ),
    (
        "SSB3aWxsIGJlIHRoZXJlIGFyb3VuZCBzZXZlbiB3aXRoIHRoZSBraWRzIOKAkyBrZWVwIHR3byBzZWF0c+KA",
        "I will be there around seven with the kids – keep two seats",
    ),
]
"""A body, and the text in it; that of the last one was cut within a character."""


@pytest.mark.parametrize(("body", "text"), DECODED)
def test_a_long_body_in_base64_is_decoded(body, text):
    assert decoded_body(body) == (text, "")


@pytest.mark.parametrize(
    "body",
    [
        "c3RvcA==",
        "VU5TVUJTQ1JJQkU=",
        "c3RvcCB0ZXh0aW5n",
        "SmUgdm91ZHJhaXMgbWUgZOlzYWJvbm5lciBkZSBjZXMgdGV4dGVzLCBzdnAuIE1lcmNp",
    ],
)
def test_what_may_be_base64_stays_as_it_is_and_is_in_doubt(body):
    text, doubt = decoded_body(body)
    assert text == body
    assert doubt


ORDINARY = [
    "",
    "stop",
    "STOP" * 15,
    "NO" * 30,
    "ha" * 40,
    "1234" * 20,
    "deadline",
    "encyclopedia",
    "Michelle",
    "OK==",
    "Please stop texting me, I have asked you for it three times already, thank you",
    "https://example.com/aVeryLongPathWithoutAnyBlanksThatGoesOnAndOnAndOn123",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKiss",
    "SGVsbG8sIEkgZ290IHlvdXIgbWVzc2FnZSBhYm91dCB0aGUgc2FsZSBidXQgcGxlYXNlIHN0b3AgdGV4dGluZyBtZSBmcm9tIG5vdyBvbi4",
    "SGVsbG8sIEkgZ290IHlvdXIgbWVzc2FnZSBhYm91dCB0aGUgc2FsZSBidXQgcGxlYXNl stop",
]


@pytest.mark.parametrize("body", ORDINARY)
def test_any_other_text_is_as_it_was_written(body):
    assert decoded_body(body) == (body, "")


KEYWORDS = sorted({keyword.word for _, keyword in classifier().keywords})


def test_no_keyword_is_taken_for_base64():
    written = {way(word) for word in KEYWORDS for way in (str, str.upper, str.title)}
    assert len(written) > 1_000
    assert [one for one in written if decoded_body(one) != (one, "")] == []


@given(st.lists(st.sampled_from(KEYWORDS), max_size=12), st.sampled_from(["", "\n", " ", "/"]))
def test_words_in_a_row_are_never_decoded(words, between):
    body = between.join(words)
    assert decoded_body(body)[0] == body


@given(st.text(st.characters(exclude_categories=["C"]), min_size=45))
def test_every_text_of_some_length_comes_back(text):
    assert decoded_body(b64encode(text.encode()).decode()) == (text, "")


@pytest.mark.parametrize("provider", ["twilio", "signalwire"])
def test_the_providers_with_twilios_forms_decode_it(provider):
    recorded = next(one for one in everything() if one.provider == provider and one.simulable)
    body, text = DECODED[0]
    message = InboundMessage(
        account=recorded.account.name,
        message_id="SM" + "0" * 32,
        number="+14155550182",
        sender="+14155550100",
        text=body,
    )
    request = PROVIDERS[provider].inbound(message, recorded.account, "https://sms.example.com/x")
    (found,) = PROVIDERS[provider].parse(request, recorded.account)
    assert found.text == text
