"""XML of gateways: read without document types and entities, and written with every text escaped.

w3.org/TR/xml (Extensible Markup Language 1.0, fifth edition): 2.2 characters, 2.11 ends of lines,
3.3.3 attribute values. A document is anybody's until its account is verified, so a document type,
and with it every entity but the five that XML has, is refused before it is read.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET
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


class _PlainXml(ET.TreeBuilder):
    """Builds the elements of a document that has no document type and is not nested deeply."""

    _depth = 0

    def doctype(self, *_: object) -> None:
        raise XmlRefused("it has a document type")

    def start(self, tag: str, attrs: dict[str, str], /) -> ET.Element:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise XmlRefused("it is nested too deeply")
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> ET.Element:
        self._depth -= 1
        return super().end(tag)


def read_xml(document: bytes | str) -> ET.Element:
    """Return the root element of a document. Raises ``XmlRefused``, which shows nothing of it."""
    parser = ET.XMLParser(target=_PlainXml())  # noqa: S314 - it refuses document types
    try:
        parser.feed(document)
        return parser.close()
    except ET.ParseError as error:
        raise XmlRefused(f"it is no XML: {expat.ErrorString(error.code)}") from None
    except (ValueError, LookupError):
        raise XmlRefused("its encoding is not known") from None


def local_name(name: str) -> str:
    """Return the name of an element or attribute without its namespace, or without its prefix."""
    return name.rpartition("}")[2].rpartition(":")[2]


def escape_xml(text: str) -> str:
    """Return a text as it is written in an element or in an attribute's value.

    Characters that XML does not have, such as NUL, become U+FFFD.
    """
    return _NO_CHARACTER.sub("\ufffd", text).translate(_ESCAPES)
