"""What stands below a text and is not its own words: the mark of a device, and a name."""

from __future__ import annotations

import re

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
    "al", "bin", "da", "de", "dela", "den", "der", "di", "dos", "du", "el", "la", "le", "ten",
    "van", "von", "y",
})  # fmt: skip
_MOST_NAMES, _MOST_LINES, _LONGEST_SIGNED = 3, 6, 60
_PHONE = re.compile(r"[\s,|:/.–—-]*\+?\(?\d[\d\s().-]{5,20}\d\s*\Z")
"""A phone number at the end of a line, with what parts it from the name."""
_INLINE = re.compile(r"\s*(?:\s[-–—~|]{1,3}|[-–—]{2,3}|[,.!;|])\s*")
"""What parts a keyword from the name behind it: ``Quit - Bob``, ``End, Bob``, ``Stop. Bob``."""


def without_suffix(text: str) -> str:
    """The text without what a device or a mail program wrote in its last line, or behind it."""
    end = text[-_SUFFIX:].rstrip()
    before, found, line = end.rpartition("\n")
    if found and len(line) <= _LONGEST_LINE and _SENT.match(line) and _DEVICE.search(line):
        return (text[:-_SUFFIX] + before).rstrip(" \t\r\n*_->")
    on_it = _ON_THE_LINE.search(end) if "ent " in end else None
    return text[:-_SUFFIX] + end[: on_it.start()] if on_it else text


def without_name(text: str) -> tuple[str, str]:
    """What was written and the name below or behind it; two empty texts where there is no name.

    Below, a line that begins with a small letter is no name, unless a dash or a closing stands
    before it; below two dashes there may be anything, and a phone number may stand for a name.
    On the same line a name has capitals.
    """
    lines = [line for each in text.split("\n") if (line := each.strip())]
    if not 0 < len(lines) <= _MOST_LINES or len(text) > _SUFFIX:
        return "", ""
    if len(lines) == 1:
        return _behind(lines[0]) if len(text) <= _LONGEST_SIGNED else ("", "")
    first, *below = lines
    if _DASHES.fullmatch(below[0]):
        return first, ""
    closed = False
    while len(below) > 1 and _CLOSING.fullmatch(below[0]):
        closed = True
        below.pop(0)
    name, *titles = below
    name = _PHONE.sub("", name)
    signed = not name or _is_name(name, closed=closed)
    if signed and all(_is_title(line) for line in titles):
        return first, name.lstrip(_DASH)
    return "", ""


def _behind(line: str) -> tuple[str, str]:
    """The name at the end of a line, and what stands before it."""
    parts = list(_INLINE.finditer(_PHONE.sub("", line).rstrip(".!")))
    for found in reversed(parts[-2:]):
        body, name = line[: found.start()], _PHONE.sub("", line[found.end() :]).rstrip(".!")
        if body and name and name[0].isupper() and _is_name(name, closed=False):
            return body, name
    return "", ""


def _is_name(line: str, *, closed: bool) -> bool:
    name = line.lstrip(_DASH)
    words = name.split()
    closed = closed or len(name) < len(line)
    if not 1 <= len(words) <= _MOST_NAMES:
        return False
    if closed and len(words) == 1:
        return words[0][0].isalpha()
    return words[0][0].isupper() and all(word[0].isupper() or word in _PARTICLES for word in words)


def _is_title(line: str) -> bool:
    """Whether it is a position, a company or a number: what stands below a name."""
    words = line.split()
    return len(words) <= _MOST_NAMES + 1 and not any(word[0].islower() for word in words)
