"""Reads the TwiML that an application answers: texts to send, and what is not supported. Pure.

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

MAX_TEXTS = 5
"""Texts of one answer that are sent."""
MAX_TEXT_CHARACTERS = 1600
"""As Twilio has it."""
MAX_BYTES = 64 * 1024
_MAX_DEPTH = 8
_VERBS = frozenset({"message", "sms"})
_NAME = re.compile(r"[A-Za-z]{1,20}")
_XML = frozenset({"text/xml", "application/xml", "text/html"})
"""Content types that Twilio reads as TwiML."""


@dataclass(slots=True)
class TwimlAnswer:
    """What an answer contains."""

    texts: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    """Names of verbs and other parts that smsgate ignores, or what is wrong with the whole."""


class _Refused(Exception):
    """The document has something that no TwiML needs."""


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
    reader = _Reader({"to": number, "from": sender})
    try:
        reader.read(body)
    except _Refused as error:
        problem = str(error)
    except (expat.ExpatError, ValueError, LookupError):
        problem = "XML that cannot be read"
    else:
        return reader.answer
    # Twilio's own tutorials give TwiML that type, but other documents of that type are web pages.
    return TwimlAnswer(unsupported=[] if content_type == "text/html" else [problem])


class _Reader:
    """Follows a document; ``answer`` grows as it goes."""

    def __init__(self, parties: Mapping[str, str]) -> None:
        self.answer = TwimlAnswer()
        self._parties = parties
        self._path: list[str] = []
        self._text: list[str] = []
        self._is_text = True
        """Whether the current verb sends a text between our two parties."""

    def read(self, body: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add_characters
        parser.buffer_text = True
        parser.Parse(body, True)

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        self._path.append(name.lower())
        if len(self._path) > _MAX_DEPTH:
            raise _Refused("XML that is nested too deeply")
        if len(self._path) == 1 and self._path[0] != "response":
            raise _Refused("a document that is no Response")
        if len(self._path) == 2:
            self._begin_verb(name, attributes)
        elif len(self._path) > 2 and self._path[1] in _VERBS and self._path[2:] != ["body"]:
            self._note_unsupported(name)

    def _begin_verb(self, name: str, attributes: Mapping[str, str]) -> None:
        self._text, self._is_text = [], self._path[1] in _VERBS
        if not self._is_text:
            self._note_unsupported(name)
            return
        for attribute, party in self._parties.items():
            given = attributes.get(attribute, party)
            if party not in (given, given.partition(":")[2]):  # whatsapp:+1415…
                self._note_unsupported(f"{name} {attribute} somebody else")
                self._is_text = False

    def _add_characters(self, data: str) -> None:
        if len(self._path) == 2 or self._path[2:] == ["body"]:
            self._text.append(data)

    def _end(self, _: str) -> None:
        if len(self._path) == 2 and self._is_text:
            text = "".join(self._text).strip()
            if len(text) > MAX_TEXT_CHARACTERS:
                problem = f"a text of more than {MAX_TEXT_CHARACTERS} characters"
                self.answer.unsupported.append(problem)
            elif text and len(self.answer.texts) == MAX_TEXTS:
                self.answer.unsupported.append(f"more than {MAX_TEXTS} texts")
            elif text:
                self.answer.texts.append(text)
        self._path.pop()

    def _note_unsupported(self, name: str) -> None:
        """The name is the application's: what does not look like one is not repeated."""
        verb, _, rest = name.partition(" ")
        shown = verb if _NAME.fullmatch(verb) else "something"
        self.answer.unsupported.append(f"{shown} {rest}".strip())


def _refuse_doctype(*_: object) -> None:
    raise _Refused("a document type")
