"""What an application says in TwiML, and what it cannot do to us by it."""

from __future__ import annotations

import pytest

from smsgate.domain.messages import HttpReply
from smsgate.features.deliveries.twiml import (
    MAX_BYTES,
    MAX_TEXT_CHARACTERS,
    MAX_TEXTS,
    TwimlAnswer,
    read_twiml,
)
from tests.fakes.values import NUMBER

SENDER = "+14155550999"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def read(body: str | bytes, content_type: str = "text/xml", number: str = NUMBER) -> TwimlAnswer:
    raw = body.encode() if isinstance(body, str) else body
    return read_twiml(HttpReply(200, content_type, raw), number, SENDER)


@pytest.mark.parametrize(
    ("document", "texts"),
    [
        ("<Response/>", []),
        ("<Response><Message>Hi</Message></Response>", ["Hi"]),
        ("<Response><Sms>Hi</Sms><Message>there</Message></Response>", ["Hi", "there"]),
        (
            "<Response>\n <Message>\n  <Body> Hi &amp; ho </Body>\n </Message>\n</Response>",
            ["Hi & ho"],
        ),
        ("<Response><Message><![CDATA[1 < 2]]></Message></Response>", ["1 < 2"]),
        (f"{HEAD}<Response><Message>¿Qué? &#x1F389;</Message></Response>", ["¿Qué? 🎉"]),
        ("<response><message>Hi</message></response>", ["Hi"]),
        ("<!-- ours --><Response><Message>a<!-- b -->c</Message></Response>", ["ac"]),
        ("<Response><Message> </Message><Message></Message></Response>", []),
    ],
)
def test_texts_are_read(document, texts) -> None:
    assert read(document) == TwimlAnswer(texts)


@pytest.mark.parametrize("kind", ["text/xml", "application/xml", "text/html; charset=utf-8"])
def test_types_that_twilio_reads_as_twiml_are_read(kind) -> None:
    assert read("<Response><Message>Hi</Message></Response>", kind).texts == ["Hi"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("OK", "text/plain"),
        ("<Response><Message>Hi</Message></Response>", "application/json"),
        ("", "text/xml"),
        ("  ", "text/html"),
        ("<!DOCTYPE html><html><body>Thanks</body></html>", "text/html"),
        ("<p>Thanks", "text/html"),
    ],
)
def test_answers_that_are_no_twiml_say_nothing(body, kind) -> None:
    assert read(body, kind) == TwimlAnswer()


@pytest.mark.parametrize(
    ("document", "unsupported"),
    [
        ("<Response><Redirect>/x</Redirect></Response>", ["Redirect"]),
        ("<Response><Say>Hi</Say><Hangup/></Response>", ["Say", "Hangup"]),
        ("<Response><Message><Media>https://x/a.png</Media></Message></Response>", ["Media"]),
        ("<Response><Message to='+1999'>Hi</Message></Response>", ["Message to somebody else"]),
        ("<Response><Sms from='+1999'>Hi</Sms></Response>", ["Sms from somebody else"]),
        ("<Response><a123>Hi</a123></Response>", ["something"]),
        (f"<Response><Message>{'x' * (MAX_TEXT_CHARACTERS + 1)}</Message></Response>",
         [f"a text of more than {MAX_TEXT_CHARACTERS} characters"]),
        ("<html><body/></html>", ["a document that is no Response"]),
        ("<!DOCTYPE r><Response><Sms>Hi</Sms></Response>", ["it has a document type"]),
    ],
)  # fmt: skip
def test_what_is_not_done_is_said_and_sends_nothing(document, unsupported) -> None:
    assert read(document) == TwimlAnswer([], unsupported)


def test_a_text_to_the_number_itself_in_whatever_way_it_is_written_is_one_to_it() -> None:
    document = f'<Response><Message to="whatsapp:{NUMBER}" from="{SENDER}">Hi</Message></Response>'
    assert read(document) == TwimlAnswer(["Hi"])


def test_of_many_texts_only_the_first_are_sent() -> None:
    said = read(f"<Response>{'<Message>Hi</Message>' * 9}</Response>")
    assert len(said.texts) == MAX_TEXTS
    assert set(said.unsupported) == {f"more than {MAX_TEXTS} texts"}


def test_what_may_be_cut_off_is_not_read() -> None:
    document = f"<Response><Message>Hi</Message><!--{'x' * MAX_BYTES}--></Response>"
    assert read(document[:MAX_BYTES]) == TwimlAnswer([], ["an answer of 64 KiB or more"])
