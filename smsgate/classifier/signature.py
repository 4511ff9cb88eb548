"""What stands below a text and is not its own words: the mark of a device, and a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_SUFFIX = 120
"""Characters from the end in which the mark of a device or of a mail program stands."""
_DEVICE = re.compile(
    r"(?<![^\W_])(?:i ?phone|ipad|android|galaxy|samsung|outlook|yahoo ?mail|gmail|blackberry"
    r"|huawei|xiaomi|redmi|oppo|pixel|windows (?:mobile|phone)|smartphone|mobile device"
    r"|proton ?mail|avast|mail\.ru|t[eé]l[eé]?phone|tele?fon|tel[eé]fono|celular|móvil|handy)"
    r"|iphone|айфон|아이폰",
    re.IGNORECASE,
)
_SENT = re.compile(
    r"\W*(?:this message was )?(?:"
    "sent (?:from|with|via|by)|get outlook|virus-free|enviad[oa] (?:desde|do|da|de|via)|envoyé"
    "|inviato|đã gửi từ|مرسل من|ithunyelwe|voye soti|vanaf my|gesendet (?:von|mit)|verstuurd"
    "|verzonden|skickat|sendt|lähetetty|отправлено|надіслано|изпратено|wysłan[eo]|odesláno"
    "|odoslané|poslano|elküldve|trimis|στάλθηκε|发自|發自|傳送|أ?ُ?رسلت|נשלח|فرستاده|gửi từ|dikirim"
    "|dihantar|ipinadala|enviat|gestuur|imetumwa|ส่งจาก)"
    r"|.*(?:gesendet|gönderildi|küldve|送信|傳送|보냄|보낸|से भेजा(?: गया)?)\W*\Z",
    re.IGNORECASE,
)
_ON_THE_LINE = re.compile(
    r"(?:\s|\A)(?:Sent from my|[-–—]{2,}\s*[Ss]ent (?:from|via|with|using)) [\w ]{2,24}\W*\Z"
)
_LONGEST_LINE = 70
_CLOSING = re.compile(
    r"(?:thanks|thx|thank you|many thanks|(?:kind |best |warm )?regards|best|cheers|sincerely"
    r"|xo(?:xo)?|gracias|merci|danke|mfg|vg|lg|saludos|cordialement|obrigad[oa]|grazie|спасибо)[,.!]*",
    re.IGNORECASE,
)
_DASHES = re.compile(r"[-–—_]{2,}")
_DASH = "-–—~ "
_PARTICLES = frozenset({
    "&", "al", "and", "bin", "da", "de", "dela", "den", "der", "di", "dos", "du", "el", "la", "le",
    "ten", "van", "von", "y",
})  # fmt: skip
_TITLES = frozenset({"dr", "frau", "herr", "miss", "mme", "mr", "mrs", "ms", "prof", "sir", "sr"})
_MOST_NAMES, _MOST_LINES, _LONGEST_SIGNED = 3, 6, 60
_MOST_PARTS = 4
"""Marks from the end of a line behind which its name may begin."""
_CONTACTS = (
    re.compile(
        r"[\s,|:/.–—☎📞📱-]*"
        r"(?:(?<![^\W_])(?:tel|ph|phone|cell|mob|mobile|office|home|work|fax|[cmpt])\b[.:]*\s*)?"
        r"(?!\d{4}[.-]\d\d?[.-]\d|\d\d?[.-]\d\d?[.-]\d{4}\b)"
        r"\+?\(?\d[\d\s().-]{5,20}\d(?:\s*(?:ext|x)[.:]?\s*\d{1,6})?\s*\Z",
        re.IGNORECASE,
    ),
    re.compile(r"[\s,|<(–—-]*[^\s@]+@[^\s@]+\.\w+[)>]?\s*\Z"),
    re.compile(r"[\s,|–—-]*(?:https?://|www\.)\S+\s*\Z", re.IGNORECASE),
)
"""A phone number (and no date), an address and a page at the end of a line."""
_HINT_OF_CONTACT = re.compile(r"@|://|www\.|\d\s*\Z", re.IGNORECASE)
"""What every contact has; looking for the contacts themselves takes ten times as long."""
_INLINE = re.compile(r"\s*(?:\s[-–—~|]{1,3}|[-–—]{2,3}|(?<=\w)-(?=[^\W\d_])|[,.!;|])\s*")
"""What parts a keyword from the name behind it: ``Quit - Bob``, ``End, Bob``, ``Stop. Bob``."""


class Signature(NamedTuple):
    """What was written, and what stands below or behind it as a name does."""

    body: str
    name: str
    """Without numbers and addresses; empty where there are only such."""
    below: bool

    @property
    def names(self) -> list[str]:
        """The words of the name without titles, particles and initials."""
        words = (word.strip(".,") for word in self.name.split())
        return [
            word for word in words if len(word) > 1 and word.casefold() not in _PARTICLES | _TITLES
        ]

    @property
    def titled(self) -> bool:
        """Whether a title stands there, which people give to others: ``Dr Smith``."""
        return any(word.strip(".,").casefold() in _TITLES for word in self.name.split())


def without_suffix(text: str) -> str:
    """The text without what a device or a mail program wrote in its last line, or behind it."""
    end = text[-_SUFFIX:].rstrip()
    before, found, line = end.rpartition("\n")
    if found and len(line) <= _LONGEST_LINE and _SENT.match(line) and _DEVICE.search(line):
        return (text[:-_SUFFIX] + before).rstrip(" \t\r\n*_->")
    on_it = _ON_THE_LINE.search(end) if "ent " in end else None
    return text[:-_SUFFIX] + end[: on_it.start()] if on_it else text


def without_signed_name(text: str) -> str:
    """The text without a name below it behind a dash: ``- Maria``, ``-- Bob Smith``."""
    body, found, line = text.rstrip().rpartition("\n")
    name = line.strip().lstrip(_DASH)
    words = name.split()
    if not found or name == line.strip() or not 1 <= len(words) <= _MOST_NAMES:
        return text
    named = all(word[0].isupper() and word.strip(".").isalpha() for word in words)
    return body.rstrip() if named and body.strip() else text


def signatures(text: str) -> Iterator[Signature]:
    """Ways to take what ends a short text for a name, below or behind what was written.

    Below two dashes there may be anything, and a phone number may stand for a name.
    """
    lines = [line for each in text.split("\n") if (line := each.strip())]
    if not 0 < len(lines) <= _MOST_LINES or len(text) > _SUFFIX:
        return
    first, *below = lines
    if below and _DASHES.fullmatch(below[0]):
        yield Signature(first, "", below=True)
        return
    while len(below) > 1 and _CLOSING.fullmatch(below[0]):
        below.pop(0)
    name, *titles = [_without_contacts(line) for line in below] or [""]
    if not name and not any(titles):
        yield from _behind(first)
    if below and (not name or _is_name(name)) and all(map(_is_title, titles)):
        yield Signature(first, name.lstrip(_DASH), below=True)


def _behind(line: str) -> Iterator[Signature]:
    """The names that may stand at the end of a line."""
    line = line.rstrip(".!")
    if not _INLINE.search(line):
        return
    line = _without_contacts(line)
    if len(line) > _LONGEST_SIGNED:
        return
    for found in reversed(list(_INLINE.finditer(line))[-_MOST_PARTS:]):
        body, name = line[: found.start()], line[found.end() :]
        if body and name and _is_name(name):
            yield Signature(body, name, below=False)


def _without_contacts(line: str) -> str:
    if _HINT_OF_CONTACT.search(line):
        for contact in _CONTACTS * 2:
            line = contact.sub("", line)
    return line.rstrip()


def _is_name(line: str) -> bool:
    """Whether a line may be a name: capitals, or a word or two."""
    name = line.lstrip(_DASH)
    words = name.split()
    if not 1 <= len(words) <= _MOST_NAMES + sum(word.casefold() in _PARTICLES for word in words):
        return False
    if len(words) < _MOST_NAMES and all(word[0].isalpha() for word in words):
        return True
    return all(word[0].isupper() or word in _PARTICLES for word in words)


def _is_title(line: str) -> bool:
    """Whether it is a position, a company or nothing: what stands below a name."""
    words = line.split()
    return len(words) <= _MOST_NAMES + 1 and not any(word[0].islower() for word in words)
