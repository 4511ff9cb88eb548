"""Reads the TwiML that an application answers: texts to send, and what is not supported. Pure.

twilio.com/docs/messaging/twiml (Message, Body, Redirect); ``<Sms>`` is its older name. Read in
November 2026. The document is an application's and may be anybody's: nothing is kept but the texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from xml.etree import ElementTree as ET

from smsgate.domain.messages import HttpReply
from smsgate.providers.form.xml_document import XmlRefused, read_xml

MAX_TEXTS = 5
"""Texts of one answer that are sent."""
MAX_TEXT_CHARACTERS = 1600
"""As Twilio has it."""
MAX_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z]{1,20}")
_XML = frozenset({"text/xml", "application/xml", "text/html"})
"""Content types that Twilio reads as TwiML."""


@dataclass(slots=True)
class TwimlAnswer:
    """What an answer contains."""

    texts: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    """Names of verbs and other parts that smsgate ignores, or what is wrong with the whole."""


def read_twiml(answer: HttpReply, number: str, sender: str) -> TwimlAnswer:
    """Read an application's answer to a message from ``number`` to ``sender``. Never raises.

    A text to or from anybody else is not supported. An answer that is no TwiML has no texts.
    """
    content_type = answer.content_type.partition(";")[0].strip().lower()
    body = answer.body.strip()
    if content_type not in _XML or not body:
        return TwimlAnswer()
    if len(answer.body) >= MAX_BYTES:
        return TwimlAnswer(unsupported=[f"an answer of {MAX_BYTES // 1024} KiB or more"])
    try:
        root = read_xml(body)
        problem = "" if root.tag.lower() == "response" else "a document that is no Response"
    except XmlRefused as error:
        problem = str(error)
    if problem:
        # Twilio's tutorials give TwiML that type, but other documents of that type are web pages.
        return TwimlAnswer(unsupported=[] if content_type == "text/html" else [problem])
    found = TwimlAnswer()
    for verb in root:
        _read_verb(verb, {"to": number, "from": sender}, found)
    return found


def _read_verb(verb: ET.Element, parties: Mapping[str, str], found: TwimlAnswer) -> None:
    if verb.tag.lower() not in ("message", "sms"):
        found.unsupported.append(_shown(verb))
        return
    bodies = [one for one in verb if one.tag.lower() == "body"]
    others = [one for one in verb if one.tag.lower() != "body"]
    found.unsupported += [_shown(one) for one in (*others, *chain(*bodies))]
    strangers = [
        f"{_shown(verb)} {attribute} somebody else"
        for attribute, party in parties.items()
        # whatsapp:+1415… is the same party
        if party not in (given := verb.get(attribute, party), given.partition(":")[2])
    ]
    found.unsupported += strangers
    tails = [one.tail for one in chain(verb, *bodies)]
    text = "".join(filter(None, [verb.text, *(one.text for one in bodies), *tails])).strip()
    if strangers or not text:
        return
    if len(text) > MAX_TEXT_CHARACTERS:
        found.unsupported.append(f"a text of more than {MAX_TEXT_CHARACTERS} characters")
    elif len(found.texts) == MAX_TEXTS:
        found.unsupported.append(f"more than {MAX_TEXTS} texts")
    else:
        found.texts.append(text)


def _shown(element: ET.Element) -> str:
    """The name is the application's: what does not look like one is not repeated."""
    return element.tag if _NAME.fullmatch(element.tag) else "something"
