"""From the bytes of a file to text and back, without loss, and never more than a line too much.

UTF-8 is read so that bytes which are none survive (and Latin-1 with them): only the digits of the
numbers matter, and what is written out again has the bytes that came in.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from smsgate.domain.errors import ListUnreadable

LONGEST = 1 << 20
"""Characters in one record at most."""
_BLOCK = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_NO_UTF8 = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile("[^\0-\x7f\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the text of a file is written."""

    name: str
    mark: bytes = b""
    """The byte order mark at the beginning."""
    errors: str = "strict"

    def encode(self, text: str) -> bytes:
        """Text as it stands in such a file."""
        return text.encode(self.name, self.errors)


def encoding_of(head: bytes) -> Encoding:
    """The encoding of a file that begins so."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            errors = "surrogateescape" if name == "utf-8" else "strict"
            return Encoding(name, mark, errors)
    if head and b"\0" in head:
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) > len(head) // 8:
            return Encoding("utf-16-be" if even > odd else "utf-16-le")
    return Encoding("utf-8", errors="surrogateescape")


def blocks(file: BinaryIO, encoding: Encoding, newline: str = "\n") -> Iterator[str]:
    """The text of a file behind its mark, in blocks that end with a line's end.

    Raises ``ListUnreadable`` for a line over ``LONGEST`` and for what is not of the encoding.
    """
    file.seek(len(encoding.mark))
    decoder = codecs.getincrementaldecoder(encoding.name)(encoding.errors)
    rest, lines = "", 0
    while True:
        raw = file.read(_BLOCK)
        try:
            text = rest + decoder.decode(raw, final=not raw)
        except UnicodeDecodeError as error:
            raise ListUnreadable(
                f"near line {lines + 1} the file is not {encoding.name.upper()}: save it as UTF-8"
            ) from error
        end = text.rfind(newline) + len(newline) if raw else len(text)
        block, rest = text[:end], text[end:]
        if len(rest) > LONGEST:
            line = lines + block.count(newline) + 1
            raise ListUnreadable(
                f"line {line} has more than {LONGEST:,} characters: this is no list with one "
                "number a line"
            )
        lines += block.count(newline)
        if block:
            yield block
        if not raw:
            return


class Found:
    """What the bytes of a file were that is read as UTF-8, as far as it was read."""

    def __init__(self, encoding: Encoding) -> None:
        """Nothing was read yet."""
        self._encoding = encoding
        self._utf8 = False
        self._latin1 = False

    def noted(self, texts: Iterator[str]) -> Iterator[str]:
        """The same texts, looked at."""
        for text in texts:
            if not text.isascii():
                self._latin1 = self._latin1 or _NO_UTF8.search(text) is not None
                self._utf8 = self._utf8 or _BEYOND_ASCII.search(text) is not None
            yield text

    @property
    def name(self) -> str:
        """Of the encoding, as a person knows it."""
        if not self._latin1:
            return self._encoding.name
        return "utf-8 and latin-1 mixed" if self._utf8 or self._encoding.mark else "latin-1"


def shown(text: str, most: int = 40) -> str:
    """A cell as it can be shown: bytes that are no UTF-8 as Latin-1, and not without end."""
    sound = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if any("\udc80" <= one <= "\udcff" for one in text):
        sound = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return sound if len(sound) <= most else f"{sound[:most]}…"
