"""What an application says in TwiML: its texts, and what it says that we do not do. Pure.

twilio.com/docs/messaging/twiml (Message, Body, Redirect); ``<Sms>`` is its older name. Read in
November 2026. The document is an application's and may be anybody's: a document type, and with it
every entity, is refused before it is read, and nothing is kept but the texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from smsgate.domain.messages import HttpReply

MOST_TEXTS = 5
"""Texts of one answer that are sent."""
LONGEST_TEXT = 1600
"""Characters that a text of ours may have, as Twilio has it."""
LONGEST = 64 * 1024
_DEEPEST = 8
_VERBS = frozenset({"message", "sms"})
_NAME = re.compile(r"[A-Za-z]{1,20}")
_XML = frozenset({"text/xml", "application/xml", "text/html"})
"""Content types that Twilio reads as TwiML."""


@dataclass(slots=True)
class Said:
    """What stands in an answer."""

    texts: list[str] = field(default_factory=list)
    not_done: list[str] = field(default_factory=list)
    """Names of verbs and other things that smsgate does not do, or what is wrong with the whole."""


class _Refused(Exception):
    """The document has something that no TwiML needs."""


def read_twiml(answer: HttpReply, number: str, sender: str) -> Said:
    """Read an application's answer to a message from ``number`` to ``sender``. Never raises.

    A text to or from anybody else is not done. An answer that is no TwiML says nothing.
    """
    kind = answer.content_type.partition(";")[0].strip().lower()
    body = answer.body.strip()
    if kind not in _XML or not body:
        return Said()
    if len(answer.body) >= LONGEST:
        return Said(not_done=[f"an answer of {LONGEST // 1024} KiB or more"])
    reader = _Reader({"to": number, "from": sender})
    try:
        reader.read(body)
    except _Refused as error:
        wrong = str(error)
    except (expat.ExpatError, ValueError, LookupError):
        wrong = "XML that cannot be read"
    else:
        return reader.said
    # Twilio's own tutorials give TwiML that type, but whatever else has it is a page.
    return Said(not_done=[] if kind == "text/html" else [wrong])


class _Reader:
    """Follows a document; ``said`` grows as it goes."""

    def __init__(self, parties: Mapping[str, str]) -> None:
        self.said = Said()
        self._parties = parties
        self._path: list[str] = []
        self._text: list[str] = []
        self._fit = True

    def read(self, body: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.buffer_text = True
        parser.Parse(body, True)

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        self._path.append(name.lower())
        if len(self._path) > _DEEPEST:
            raise _Refused("XML that is nested too deeply")
        if len(self._path) == 1 and self._path[0] != "response":
            raise _Refused("a document that is no Response")
        if len(self._path) == 2:
            self._verb(name, attributes)
        elif len(self._path) > 2 and self._path[1] in _VERBS and self._path[2:] != ["body"]:
            self._not_done(name)

    def _verb(self, name: str, attributes: Mapping[str, str]) -> None:
        self._text, self._fit = [], self._path[1] in _VERBS
        if not self._fit:
            self._not_done(name)
            return
        for attribute, party in self._parties.items():
            given = attributes.get(attribute, party)
            if party not in (given, given.partition(":")[2]):  # whatsapp:+1415…
                self._not_done(f"{name} {attribute} somebody else")
                self._fit = False

    def _characters(self, data: str) -> None:
        if len(self._path) == 2 or self._path[2:] == ["body"]:
            self._text.append(data)

    def _end(self, _: str) -> None:
        if len(self._path) == 2 and self._fit:
            self._spoken("".join(self._text).strip())
        self._path.pop()

    def _spoken(self, text: str) -> None:
        if len(text) > LONGEST_TEXT:
            self.said.not_done.append(f"a text of more than {LONGEST_TEXT} characters")
        elif text and len(self.said.texts) == MOST_TEXTS:
            self.said.not_done.append(f"more than {MOST_TEXTS} texts")
        elif text:
            self.said.texts.append(text)

    def _not_done(self, name: str) -> None:
        """Names are the application's: what does not look like one is not repeated."""
        verb, _, rest = name.partition(" ")
        shown = verb if _NAME.fullmatch(verb) else "something"
        self.said.not_done.append(f"{shown} {rest}".strip())


def _refuse_doctype(*_: object) -> None:
    raise _Refused("a document type")
