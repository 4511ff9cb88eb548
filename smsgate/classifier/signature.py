"""What stands below a text and is not its own words: the mark of a device, and a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
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
    r"(?:(?:(?:many )?thanks|thx|thank you|(?:kind |best |warm )?regards|best|cheers|sincerely"
    r"|xo(?:xo)?|gracias|merci|danke|mfg|vg|lg|saludos|cordialement|obrigad[oa]|grazie|спасибо)"
    r"(?:[,.!\s–—~-]+|\Z))+",
    re.IGNORECASE,
)
_DASHES = re.compile(r"[-–—_]{2,}\s*\n")
_DASH = "-–—~ "
_PARTICLES = frozenset({
    "&", "al", "and", "bin", "da", "de", "dela", "den", "der", "di", "dos", "du", "el", "la", "le",
    "ten", "van", "von", "y",
})  # fmt: skip
_TITLES = frozenset({"dr", "frau", "herr", "miss", "mme", "mr", "mrs", "ms", "prof", "sir", "sr"})
_MOST_NAMES, _MOST_LINES = 3, 6
_MOST_BLANKS_BEFORE = 4
"""Blanks in the longest keyword, courtesy words around it, that a name may stand behind."""
_MOST_BLANKS = 8
"""Blanks in the longest line that may be thanks, a name and a phone number."""
_MOST_MARKS = 4
"""Marks from the beginning of a text behind which its name may begin."""
_CONTACT = re.compile(
    r"[\s,|:/.–—☎📞📱-]*"
    r"(?:(?<![^\W_])(?:tel|ph|phone|cell|mob|mobile|office|home|work|fax|[cmpt])\b[.:]*\s*)?"
    r"(?!\d{4}[.-]\d\d?[.-]\d|\d\d?[.-]\d\d?[.-]\d{4}\b)"
    r"\+?\(?\d[\d\s().-]{5,20}\d(?:\s*(?:ext|x)[.:]?\s*\d{1,6})?\s*\Z"
    r"|[\s,|<(–—-]*[^\s@]+@[^\s@]+\.\w+[)>]?\s*\Z"
    r"|[\s,|–—-]*(?:https?://|www\.)\S+\s*\Z",
    re.IGNORECASE,
)
"""A phone number (and no date), an address or a page at the end of a line."""
_HINT_OF_CONTACT = re.compile(r"@|://|www\.|\d\s*\Z", re.IGNORECASE)
"""What every contact has; looking for the contacts themselves takes ten times as long."""
_MARK = re.compile(r"\s*(?:\n|\s[-–—~|]{1,3}|[-–—]{2,3}|(?<=\w)-(?=[^\W\d_])|[,.!;|]+)\s*")
"""What parts a keyword from the name below or behind it: ``Quit - Bob``, ``End, Bob``."""


class Signature(NamedTuple):
    """What was written, and what stands below or behind it as a name does."""

    body: str
    names: list[str]
    """The words of the name without titles and particles; none where a phone number or
    an address stands for it, and below two dashes."""
    below: bool
    titled: bool = False
    """Whether a title stands there, which people give to others: ``Dr Smith``."""


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
    """Ways to take what ends a short text for a name, below or behind what was written."""
    text = text.strip()
    if len(text) > _SUFFIX or text.count("\n") >= _MOST_LINES:
        return
    for mark in islice(_MARK.finditer(text), _MOST_MARKS):
        body, end = text[: mark.start()], text[mark.end() :]
        if "\n" not in text and body.count(" ") > _MOST_BLANKS_BEFORE:
            return
        if _DASHES.match(end):
            yield Signature(body, [], below=True)
            return
        if end.partition("\n")[0].count(" ") > _MOST_BLANKS:
            continue
        closing = _CLOSING.match(end)
        start = mark.end() + (closing.end() if closing else 0)
        name, *titles = [_without_contacts(line) for line in text[start:].split("\n")]
        below = "\n" in text[mark.start() : start]
        named = _is_name(name) or (below and not name and start < len(text))
        if body and named and all(map(_is_title, titles)):
            words = [word.strip(".,") for word in name.split()]
            names = [word for word in words if word.casefold() not in _PARTICLES | _TITLES]
            titled = any(word.casefold() in _TITLES for word in words)
            yield Signature(body, names, below, titled)


def _without_contacts(line: str) -> str:
    if _HINT_OF_CONTACT.search(line):
        line = _CONTACT.sub("", _CONTACT.sub("", line))
    return line.strip(_DASH)


def _is_name(line: str) -> bool:
    """Whether a line may be a name: capitals, or a word or two."""
    words = line.split()
    others = sum(word.strip(".").casefold() in _PARTICLES | _TITLES for word in words)
    if not 1 <= len(words) <= _MOST_NAMES + others:
        return False
    if len(words) < _MOST_NAMES and all(word[0].isalpha() for word in words):
        return True
    return all(word[0].isupper() or word in _PARTICLES for word in words)


def _is_title(line: str) -> bool:
    """Whether it is a position, a company or nothing: what stands below a name."""
    words = line.split()
    return len(words) <= _MOST_NAMES + 1 and not any(word[0].islower() for word in words)
