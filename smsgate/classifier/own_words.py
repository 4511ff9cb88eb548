"""What is not the subscriber's own words: the mark of a device, a name, quotations, our texts.

Phones write a reaction as a few words and a quotation: ``Liked “Reply STOP to opt out”``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from smsgate.classifier.normalize import clean, folded, tokens

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
_FAREWELL = re.compile(
    r"(?:(?:(?:many )?thanks|thx|thank you|(?:kind |best |warm )?regards|best|cheers|sincerely"
    r"|xo(?:xo)?|gracias|merci|danke|mfg|vg|lg|saludos|cordialement|obrigad[oa]|grazie|спасибо)"
    r"(?:[,.!\s–—~-]+|\Z))+",
    re.IGNORECASE,
)
_PARTICLES_AND_TITLES = frozenset({
    "&", "al", "and", "bin", "da", "de", "dela", "den", "der", "di", "dos", "du", "el", "la", "le",
    "ten", "van", "von", "y",
    "dr", "frau", "herr", "miss", "mme", "mr", "mrs", "ms", "prof", "sir", "sr",
})  # fmt: skip
_MOST_NAMES, _MOST_LINES = 3, 6
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
_MAY_HAVE_CONTACT = re.compile(r"[\d@]|://|www\.", re.IGNORECASE)
"""What each of them has, which is found much faster than they are."""
_BELOW = re.compile(r"\s*\n[\s–—~_-]*")
_BEHIND = re.compile(r"\s+[-–—~|]{1,3}\s*|[-–—]{2,3}\s*|(?<=\w)-(?=[^\W\d_])|[,.!;|]+\s+")
"""What parts a keyword from the name below or behind it: ``Quit - Bob``, ``End, Bob``."""


class Signature(NamedTuple):
    """What was written, and what stands below or behind it as a name does."""

    body: str
    names: list[str]
    """The words of the name without titles and particles; none where a phone number or
    an address stands for it."""
    below: bool
    dashed: bool
    """Whether it stands below, behind a dash."""
    titled: bool
    """Whether a title stands there, which people give to others: ``Dr Smith``."""


def without_device(text: str) -> str:
    """The text without what a device or a mail program wrote in its last line, or behind it."""
    end = text[-_SUFFIX:].rstrip()
    before, found, line = end.rpartition("\n")
    if found and len(line) <= _LONGEST_LINE and _SENT.match(line) and _DEVICE.search(line):
        return (text[:-_SUFFIX] + before).rstrip(" \t\r\n*_->")
    on_it = _ON_THE_LINE.search(end) if "ent " in end else None
    return text[:-_SUFFIX] + end[: on_it.start()] if on_it else text


def signatures(text: str) -> Iterator[Signature]:
    """What ends a short text as a name does, below its first line or behind its first pause."""
    text = text.strip()
    if len(text) > _SUFFIX or text.count("\n") >= _MOST_LINES:
        return
    marks = filter(None, (_BELOW.search(text), _BEHIND.search(text)))
    for mark in sorted(marks, key=re.Match.start):
        closing = _FAREWELL.match(text, mark.end())
        lines = text[closing.end() if closing else mark.end() :].split("\n")
        if _MAY_HAVE_CONTACT.search(text):
            lines = [_CONTACT.sub("", _CONTACT.sub("", line)) for line in lines]
        name, *others = map(str.split, lines)
        words = [bare for word in name if (bare := word.strip(".,-–—~"))]
        names = [word for word in words if word.casefold() not in _PARTICLES_AND_TITLES]
        capitals = all(word[0].isupper() for word in names)
        short = len(names) < _MOST_NAMES and all(word[0].isalpha() for word in names)
        below = "\n" in mark[0]
        if len(names) <= _MOST_NAMES and (capitals or short) and (names or below):
            # below it a position, a company or nothing
            titles = all(len(line) <= _MOST_NAMES + 1 for line in others)
            if titles and not any(word[0].islower() for line in others for word in line):
                dashed = below and not mark[0].isspace()
                titled = len(names) < len(words)
                yield Signature(text[: mark.start()], names, below, dashed, titled)


_OPENING = '“"„«「『‹‟”'
_CLOSING = '”"“»」』›‟'
_SPACES = (
    " \t\u00a0\u2009\u200a\u202f\u200b\u200c\u200d\u2060\u200e\u200f\u202a-\u202e\u2066-\u2069"
)
_QUOTED = re.compile(f"[{_OPENING}]([^{_OPENING}{_CLOSING}]{{1,2500}})[{_CLOSING}]")
_QUOTED_LINE = re.compile(r"(?m)^[ \t]*>.*$")
_WORDS_OF_A_QUOTE = 3
"""A quotation of fewer words may be how somebody marks their own word: "STOP"."""


def strip_quotations(text: str) -> str:
    """The text without longer quotations and quoted lines; the same one where there are none."""
    if ">" in text and _QUOTED_LINE.search(text):
        return _QUOTED_LINE.sub(" ", text)
    marked = text
    if "‘" in text and text.endswith("’"):
        marked = f"{text[:-1].replace('‘', '“')}”"
    if not any(char in marked for char in _OPENING):
        return text
    if _QUOTED.fullmatch(marked.strip(_SPACES + "\n.!")):
        return text  # so somebody marks their own words
    own = _QUOTED.sub(_without_long, marked)
    return text if own == marked else own


def _without_long(quotation: re.Match[str]) -> str:
    return quotation[0] if len(quotation[1].split()) < _WORDS_OF_A_QUOTE else " , "


_PLACEHOLDER = re.compile(r"\{[^{}]*\}|<[^<>]*>|%s")
_SHORTEST = 4
"""Words in a row that must be ours; fewer may be the subscriber's own."""


class Templates:
    """The fixed parts of what a program sends; ``{name}`` in a template stands for what changes."""

    def __init__(self, templates: Iterable[str]) -> None:
        found = (part for template in templates for part in _PLACEHOLDER.split(template))
        words = (folded(tokens(clean(part)[0])) for part in found)
        self._parts = [part for part in words if len(part) >= _SHORTEST]

    def without(self, words: list[str]) -> list[str]:
        """The words without those of ours; the same list where there are none."""
        for part in self._parts:
            plain = folded(words)
            for at in range(len(plain) - len(part) + 1):
                if plain[at] == part[0] and plain[at : at + len(part)] == part:
                    words = [*words[:at], ",", *words[at + len(part) :]]
                    break
        return words
