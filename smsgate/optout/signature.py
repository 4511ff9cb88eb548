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
    "sent (?:from|with|via|by)|get outlook|virus-free|enviad[oa] (?:desde|do|da|de)|envoyé|inviato"
    "|đã gửi từ|مرسل من|ithunyelwe|voye soti|vanaf my|gesendet (?:von|mit)|verstuurd|verzonden"
    "|skickat|sendt|lähetetty|отправлено|надіслано|изпратено|wysłan[eo]|odesláno"
    "|odoslané|poslano|elküldve|trimis|στάλθηκε|发自|發自|傳送|أ?ُ?رسلت|נשלח|فرستاده|gửi từ|dikirim"
    "|dihantar|ipinadala|enviat|gestuur|imetumwa|ส่งจาก)"
    r"|.*(?:gesendet|gönderildi|küldve|送信|傳送|보냄|보낸|से भेजा(?: गया)?)\W*\Z",
    re.IGNORECASE,
)
_ON_THE_LINE = re.compile(r"(?:\s|\A)Sent from my [\w ]{2,24}\W*\Z")
_LONGEST_LINE = 70
_CLOSING = re.compile(
    r"(?:thanks|thx|thank you|many thanks|(?:kind |best |warm )?regards|best|cheers|sincerely"
    r"|xo(?:xo)?|gracias|merci|danke|mfg|vg|lg|saludos|cordialement|obrigad[oa]|grazie|спасибо)?[,.!]*|--+",
    re.IGNORECASE,
)
_MOST_NAMES = 3


def without_suffix(text: str) -> str:
    """The text without what a device or a mail program wrote in its last line, or behind it."""
    end = text[-_SUFFIX:].rstrip()
    before, found, line = end.rpartition("\n")
    if found and len(line) <= _LONGEST_LINE and _SENT.match(line) and _DEVICE.search(line):
        return (text[:-_SUFFIX] + before).rstrip(" \t\r\n*_->")
    on_it = _ON_THE_LINE.search(end)
    return text[:-_SUFFIX] + end[: on_it.start()] if on_it else text


def without_name(text: str) -> tuple[str, str]:
    """The text without a name in the last line, and the name; nothing where there is none.

    A line that begins with a small letter is no name, unless a dash or a closing stands before it.
    """
    lines = [line.strip() for line in text.split("\n")] if "\n" in text else []
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) < 2 or len(text) > _SUFFIX:
        return "", ""
    *body, last = lines
    name = last.lstrip("-–—~ ")
    closed = len(name) < len(last)
    while len(body) > 1 and _CLOSING.fullmatch(body[-1]):
        closed = closed or bool(body[-1])
        body.pop()
    return ("\n".join(body), name) if _is_name(name.split(), closed=closed) else ("", "")


def _is_name(words: list[str], *, closed: bool) -> bool:
    if not 1 <= len(words) <= _MOST_NAMES:
        return False
    return all(word[0].isupper() or (closed and len(words) == 1) for word in words)
