"""Texts whose words are not the subscriber's own: reactions, quotes, forwarded texts, our texts.

They are detected before invisible characters go: Google Messages marks its reactions with them. A
reaction is a complete envelope only: a few words of a known kind, and one quotation up to the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from smsgate.classifier.normalize import clean, folded, tokens

OPENING = '“"„«「『‹‟”'
CLOSING = '”"“»」』›‟'
_SPACES = (
    " \t\u00a0\u2009\u200a\u202f\u200b\u200c\u200d\u2060\u200e\u200f\u202a-\u202e\u2066-\u2069"
)
_QUOTED = re.compile(f"[{OPENING}]([^{OPENING}{CLOSING}]{{1,2500}})[{CLOSING}]")
_QUOTED_LINE = re.compile(r"(?m)^[ \t]*>.*$")
_OFFER = re.compile(r"(?<!\d)\d{5,11}(?!\d)|[£€$]\s?\d|\d\s?[£€$]|(?i:www\.|https?:)")
_INSTRUCTION = re.compile(
    r"(?i)\bstopp?[ ]+(?:sms(?:[ ]+au)?|al?|au|an|to|na|på|til|op|do|ke|para|2)[ ]+\d{4,6}\b"
    r"|\A[ ]*【[^】\n]{1,20}】.*(?:退订|拒收|退訂|取消訂閱|取消订阅)",
    re.DOTALL,
)
"""STOP to a short code, and the sender's name in brackets: both are how businesses write."""
_VERBS = (
    "reply|respond|text|txt|send|sms|responde|responda|responder|env[ií]a|env[ií]e|manda"
    "|r[ée]ponde[zr]|envoye[zr]|antworte[n]?|sende[n]?|schreibe?|rispondi|invia|ответьте|отправьте"
    "|пришлите|odpowiedz|odpisz|wy[sś]lij|antwoord|stuur|svara?|skicka|vastaa|l[aä]het[aä]|balas"
    "|kirim|ketik|hantar|so[aạ]n|odgovori(?:te)?|po[sš]alji(?:te)?|po[sš]li(?:te)?|odpov[eě]zte"
    "|k[uü]ldj[oö]n|r[aă]spunde(?:[tț]i)?|trimite(?:[tț]i)?|yan[ıi]tla|g[oö]nder|απαντ[ηή]στε"
    "|στε[ιί]λτε|відправте|изпратете|отговорете|回复|回覆|回傳|返信|답장|أرسل|ارسل|שלח[וי]?|भेजें|ارسال|بھیجیں"
)
_WORDS = (
    "STOPP?|BAJA|SALIR|ALTO|SAIR|PARAR|CANCELAR|ARRET|STOJ|СТОП|UNSUB(?:SCRIBE)?|END|QUIT"
    "|OPT ?OUT|CANCEL|REMOVE|TD|T|N|R"
)
_PRINTED = re.compile(
    rf"(?<!\w)(?i:{_VERBS})[ :]*(?i:with )?[«“\"']?(?:{_WORDS})(?!\w)"
    r"|(?i:stop(?: ?sms)?(?: al| au| to)? )\d{4,6}"
    r"|\(광고\)|무료 ?수신거부|回T退订|退订回T"
)
"""How businesses print what to send to stop: the word in capitals behind ``reply`` or ``text``."""
_LAST = re.compile(
    r"(?<!\w)(?:STOP|Stop) ?(?i:2|=|→|to) ?(?i:end|quit|stop|cancel|opt ?out|unsub\w*)\W*\Z"
)
_INVITES = re.compile(
    rf"(?<!\w)(?i:{_VERBS})[ :]*[«“\"']?(?:START|UNSTOP|YES|JOIN)(?!\w)[»”\"']? (?i:to|for|if)\b"
)
"""How businesses print what to send to be texted again."""
_MARKED = re.compile(r"[%€$£¥₹₽!:！：(（【]|(?i:www\.|https?:)")
"""What adverts hold and complaints about them mostly do not."""
_SHORTEST_PRINTED = 7
_CLAIM = re.compile(
    r"(?i)\b(?:tcpa|fcc|lawyer|attorney|court|small claims|sue|suing|violat\w+|per text|billed)\b"
)
"""Who names a sum and one of these wants money for being texted."""
_FIRST_PERSON = frozenset({"i", "im", "ive", "id", "ill", "me", "my", "mine"})
_SHORTEST_ADVERT = 12
_SHORTEST_INSTRUCTED, _SHORTEST_MARKED = 7, 5
_LONGEST_FRAME = 60
_WORDS_OF_A_QUOTE = 3
"""A quotation of fewer words may be how somebody marks their own word: "STOP"."""


class Reactions:
    """The frames that phones put around what somebody reacts to."""

    def __init__(self, frames: Iterable[str]) -> None:
        self._before: set[str] = set()
        self._after: set[str] = set()
        self._full: set[tuple[str, str]] = set()
        for frame in frames:
            before, _, after = (_plain(part) for part in frame.partition("…"))
            if before and after:
                self._full.add((before, after))
                # or the emoji stands in the middle: Reagerade med 😂 på “…”
                self._before.add(f"{before} {after}")
            elif after:
                self._after.add(after)
            else:
                self._before.add(before)

    def quoted(self, text: str) -> str | None:
        """What a reaction quotes, or nothing where the text is none."""
        stripped = text.strip(_SPACES + "\n")
        if "‘" in stripped and stripped.endswith("’"):
            stripped = f"{stripped[:-1].replace('‘', '“')}”"
        first = min((at for char in OPENING if (at := stripped.find(char)) >= 0), default=-1)
        if first < 0 or first > _LONGEST_FRAME:
            return None
        ends = [at for at, char in enumerate(stripped) if char in CLOSING and at > first]
        # the first and the outermost quotation marks, then ones that leave some after the frame
        for end in ends[:1] + ends[-4:][::-1]:
            before, after = _plain(stripped[:first]), _plain(stripped[end + 1 :])
            if self._known(before, after, stripped[:first]):
                return stripped[first + 1 : end]
        return None

    def _known(self, before: str, after: str, raw: str) -> bool:
        if after:
            return (before, after) in self._full or (not before and after in self._after)
        return self._begins(before) or _is_emoji_to(before, raw)

    def _begins(self, before: str) -> bool:
        """Whether it is a frame, perhaps after a name: ``Dana liked``."""
        if before in self._before:
            return True
        _, _, rest = before.partition(" ")
        return rest in self._before or rest.partition(" ")[2] in self._before


def _is_emoji_to(before: str, raw: str) -> bool:
    """``👍 to “…”``: an emoji and one short word, as Google Messages writes it."""
    words = before.split()
    return (
        len(words) <= 1
        and not raw[:1].isalnum()
        and any(ord(char) > 0x2000 for char in raw if char not in _SPACES)
    )


def _plain(text: str) -> str:
    """A frame in small letters, without symbols and quotation marks."""
    kept = (char if char.isalnum() or char in "'\u0301" else " " for char in text.casefold())
    return " ".join("".join(kept).split())


def strip_quotations(text: str) -> tuple[str, bool]:
    """The text without longer quotations and quoted lines, and whether there were any."""
    if ">" in text and _QUOTED_LINE.search(text):
        return _QUOTED_LINE.sub(" ", text), True
    if not any(char in text for char in OPENING):
        return text, False
    if _QUOTED.fullmatch(text.strip(_SPACES + "\n.!")):
        return text, False  # so somebody marks their own words
    found = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal found
        if len(match[1].split()) < _WORDS_OF_A_QUOTE:
            return match[0]
        found = True
        return " , "

    return _QUOTED.sub(replaced, text), found


def is_advert(text: str, words: Sequence[str]) -> bool:
    """Whether a business wrote the text: prices, numbers to call, links, and nobody who says I."""
    shortest = _SHORTEST_MARKED if _MARKED.search(text) else _SHORTEST_INSTRUCTED
    if len(words) >= shortest and _INSTRUCTION.search(text):
        return True
    if not _FIRST_PERSON.isdisjoint(words):
        return False
    if len(words) >= _SHORTEST_PRINTED and (
        _LAST.search(text) or (_PRINTED.search(text) and _MARKED.search(text))
    ):
        return True  # the instruction that adverts end with
    return len(words) >= _SHORTEST_ADVERT and bool(_OFFER.search(text)) and not _CLAIM.search(text)


def prints_opt_in(text: str) -> bool:
    """Whether a business says how to sign up again: ``Reply START to resubscribe``."""
    return bool(_INVITES.search(text))


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
