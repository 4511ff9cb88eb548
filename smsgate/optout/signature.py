"""What stands below a text and is not its own words: the mark of a device, and a name."""

from __future__ import annotations

import re

_SUFFIX = 120
"""Characters from the end in which the mark of a device or of a mail program stands."""
_DEVICE = re.compile(
    r"(?<![^\W_])(?:i ?phone|ipad|android|galaxy|samsung|outlook|yahoo ?mail|gmail|blackberry"
    r"|huawei|xiaomi|redmi|oppo|pixel|windows (?:mobile|phone)|smartphone|mobile device"
    r"|proton ?mail|avast)|iphone|айфон|아이폰",
    re.IGNORECASE,
)
_SENT = re.compile(
    r"\W*(?:this message was )?(?:"
    "sent (?:from|with|via|by)|get outlook|virus-free|enviad[oa] (?:desde|do|da|de)|envoyé|inviato"
    "|verstuurd|verzonden|skickat|sendt|lähetetty|отправлено|надіслано|изпратено|wysłan[eo]|odesláno"
    "|odoslané|poslano|elküldve|trimis|στάλθηκε|发自|發自|傳送|أ?ُ?رسلت|נשלח|فرستاده|gửi từ|dikirim"
    "|dihantar|ipinadala|enviat|gestuur|imetumwa|ส่งจาก)"
    r"|.*(?:gesendet|gönderildi|送信|보냄|보낸|से भेजा(?: गया)?)\W*\Z",
    re.IGNORECASE,
)
_ON_THE_LINE = re.compile(r"(?:\s|\A)Sent from my [\w ]{2,24}\W*\Z")
_LONGEST_LINE = 70
_NAMED = re.compile(
    r"\n\s*(?:(?:thanks|thx|thank you|regards|best|cheers|love|xoxo|xo)[,.!]?\s*\n\s*)?"
    r"(?:--+\s*\n\s*|[-–—~]+\s?)?[^\W\d_][\w'.]*(?: [^\W\d_][\w'.]*){0,2}\s*\Z",
    re.IGNORECASE,
)


def without_suffix(text: str) -> str:
    """The text without what a device or a mail program wrote in its last line, or behind it."""
    end = text[-_SUFFIX:].rstrip()
    before, found, line = end.rpartition("\n")
    if found and len(line) <= _LONGEST_LINE and _SENT.match(line) and _DEVICE.search(line):
        return (text[:-_SUFFIX] + before).rstrip(" \t\r\n*_->")
    on_it = _ON_THE_LINE.search(end)
    return text[:-_SUFFIX] + end[: on_it.start()] if on_it else text


def without_name(text: str) -> str:
    """The text without a name in the last line; nothing where there is none."""
    end = text[-_SUFFIX:] if "\n" in text else ""
    found = _NAMED.search(end)
    return text[: len(text) - len(end) + found.start()] if found else ""
