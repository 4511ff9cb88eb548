"""XML of gateways: read without document types and entities, and written with every text escaped.

w3.org/TR/xml (Extensible Markup Language 1.0, fifth edition): 2.2 characters, 2.11 ends of lines,
3.3.3 attribute values. A document is anybody's until its account is verified, so a document type,
and with it every entity but the five that XML has, is refused before it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from smsgate.domain.errors import SmsGateError

_MAX_DEPTH = 20
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = str.maketrans(
    {
        "&": "&amp;",
        "<": "&lt;",
        ">": "&gt;",
        '"': "&quot;",
        "\t": "&#9;",
        "\n": "&#10;",
        "\r": "&#13;",
    }
)
"""In texts and in attribute values alike: an end of line that is not escaped may become a blank."""


class XmlRefused(SmsGateError):
    """The document is no XML, or has something that no gateway needs."""


@dataclass(slots=True)
class XmlElement:
    """An element with its attributes, and the elements and texts inside it, in order."""

    name: str
    attributes: Mapping[str, str]
    children: list[XmlElement | str] = field(default_factory=list)

    def elements(self, name: str = "") -> list[XmlElement]:
        """Return the elements inside it with that name, whatever their namespace; or all."""
        inside = [one for one in self.children if isinstance(one, XmlElement)]
        return [one for one in inside if name in ("", one.name, one.name.rpartition(":")[2])]

    @property
    def text(self) -> str:
        """The text inside it, without that of other elements."""
        return "".join(one for one in self.children if isinstance(one, str))


def read_xml(document: bytes | str) -> XmlElement:
    """Return the root element of a document. Raises ``XmlRefused``, which shows nothing of it."""
    reader = _Reader()
    try:
        reader.read(document)
    except expat.ExpatError as error:
        raise XmlRefused(f"it is no XML: {expat.ErrorString(error.code)}") from None
    except (ValueError, LookupError):
        raise XmlRefused("its encoding is not known") from None
    return reader.root


def write_xml(root: XmlElement, fill: Callable[[str], str]) -> bytes:
    """Return the document in UTF-8, with ``fill`` applied to each text and attribute value.

    Characters that XML does not have, such as NUL, become U+FFFD.
    """
    return ('<?xml version="1.0" encoding="UTF-8"?>' + "".join(_written(root, fill))).encode()


def _written(element: XmlElement, fill: Callable[[str], str]) -> Iterator[str]:
    yield f"<{element.name}"
    for name, value in element.attributes.items():
        yield f' {name}="{escape_xml(fill(value))}"'
    yield ">"
    for child in element.children:
        if isinstance(child, str):
            yield escape_xml(fill(child))
        else:
            yield from _written(child, fill)
    yield f"</{element.name}>"


def escape_xml(text: str) -> str:
    """Return a text as it is written in an element or in an attribute's value."""
    return _NO_CHARACTER.sub("\ufffd", text).translate(_ESCAPES)


class _Reader:
    """Builds the elements of a document."""

    def __init__(self) -> None:
        # Holds the root, so that each element has one around it.
        self._open = [XmlElement("", {})]

    @property
    def root(self) -> XmlElement:
        return self._open[0].elements()[0]

    def read(self, document: bytes | str) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse_document_type
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add_text
        parser.buffer_text = True
        parser.Parse(document, True)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) > _MAX_DEPTH:
            raise XmlRefused("it is nested too deeply")
        element = XmlElement(name, attributes)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _add_text(self, text: str) -> None:
        self._open[-1].children.append(text)


def _refuse_document_type(*_: object) -> None:
    raise XmlRefused("it has a document type")
