"""From a body as it was typed to the words that the rules look at.

Nothing is decided here. ``clean`` repairs what transport did to the body, ``tokens`` cuts it into
words and the few marks that carry meaning, ``fold`` takes accents and letter variants from one
word. Keyword sets go through the same functions, so that both sides always agree.

Chinese, Japanese, Thai, Lao, Khmer and Burmese have no spaces between words; Korean has them, but
people leave them out. There, every character stands alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from html import unescape
from typing import TypeVar

HEAD = 2000
TAIL = 500
"""Characters of a body that are read: the first and the last (NFKC of 64 KiB takes 0.8 s)."""
_CUT = HEAD + 1 + TAIL
"""Characters of a body that has been cut, or need not be: between both parts is a line end."""

END, ASK, PAUSE = ".", "?", ","
PUNCTUATION = frozenset({END, ASK, PAUSE, "#"})
"""Tokens that are no words."""

_ENDS = ".!;\n\r…。！；।|·•။។።"
_ASKS = "?？؟;፧"
_PAUSES = ",，、،:()[]{}<>—–/；၊፣፤፦"
_KEPT_SYMBOLS = frozenset("🛑🚫⛔✋😂🤣#🖕👎🙄")
_DROPPED = "*~^\u00ad"

_MANY_MARKS = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u064b-\u065f]{8})[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u064b-\u065f]+"
)
_SHOUTED = re.compile(r"!+1[!1]*\Z")
"""``STOP!!1``: the key for ``!`` without its shift."""
_ENTITY = re.compile(r"&(?:#\d{2,6}|#x[0-9a-f]{2,5}|amp|quot|apos|lt|gt|nbsp);", re.IGNORECASE)
_GAP = re.compile(r"\s{2,}")
_DOLLAR = re.compile(r"\$(?=[A-Za-z])")
_MASKED = re.compile(r"\bf(?:u?[*@#]{1,2}c?k|\*{2,4}|uc[*@#])", re.IGNORECASE)
"""``f***`` and ``f*ck``: what people mask is what they mean."""
_CONTRACTION = re.compile(r"['’‘ʼ`´′](?<=\w['’‘ʼ`´′])(?=(?:t|s|m|re|ve|ll|d)\b)")
_LOST = re.compile(r"n\?t\b")
"""``don?t``: what a network made of an apostrophe that its alphabet lacks."""
LONGEST = 24
"""Letters of the longest word that is read whole and remembered; others would fill memory."""
_REMEMBERED = 6_000
_Value = TypeVar("_Value")
_ACCENTS = re.compile(
    r"[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u093c]"
)
_MOJIBAKE = (
    ("cp1252", re.compile("â€|Ã[\u0080-ÿ‚-„†‡•…‰‹›€™Š-ž]|ðŸ|Ð[°-¿]|Ñ[\u0080-ÿ]")),
    ("mac_roman", re.compile("‚Ä|üô|üõ|√[©®°±≤º™]")),
)
_KEYCAP = re.compile("([0-9#*])\ufe0f?\u20e3")
"""A digit on a key, which is a digit beside a word and no part of it."""
_SQUARES, _CIRCLES = 0x1F170, 0x1F150
_DRAWN = {
    start + at: chr(ord("a") + at) for start in (_SQUARES, _CIRCLES) for at in range(26)
} | dict(zip(map(ord, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"), "abcdefghijklmnoprstuvwyz", strict=True))
"""Letters in boxes and small capitals, which NFKC takes for symbols and for others."""
_FLAGS = 0x1F1E6
_SPELT_IN_FLAGS = re.compile("[\U0001f1e6-\U0001f1ff\\s\u200d]{3,}")
_OF_FLAGS = {_FLAGS + at: chr(ord("a") + at) for at in range(26)}
"""The letters that flags are made of, where a text has nothing but them."""
_IS_DRAWN = re.compile("[ᴀ-ᴢꜰꜱ\U0001f150-\U0001f189]")
_LETTERS = str.maketrans(
    "ıđðøłħςँةىیکٱەہھےې",
    "iddolhσंهييكاهههيي",
    "",
) | str.maketrans({"æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"})
"""Letters that are no accented form of another one but are written in its place."""
_LETTERS |= dict(
    zip(
        map(ord, "ሐሑሒሓሔሕሖኀኁኂኃኄኅኆሃሠሡሢሣሤሥሦዐዑዒዓዔዕዖኣፀፁፂፃፄፅፆ"),
        "ሀሁሂሀሄህሆሀሁሂሀሄህሆሀሰሱሲሳሴስሶአኡኢአኤእኦአጸጹጺጻጼጽጾ",
        strict=True,
    )
)
"""Amharic spells one sound with several letters, and people take any of them."""
_LETTERS |= {
    ord(chillu): f"{letter}\u0d4d" for chillu, letter in zip("ൺൻർൽൾ", "ണനരലള", strict=True)
}
"""Malayalam consonants without a vowel: one letter since Unicode 5.1, else a letter, a virama and
a joiner that ``tokens`` drops."""


class _Marks(dict[int, str]):
    """What each character becomes; worked out once per character and then remembered."""

    def __missing__(self, code: int) -> str:
        """Letters, digits and their marks stay, marks with a meaning stand alone."""
        self[code] = found = _became(chr(code))
        return found


def _became(char: str) -> str:
    for given, token in ((_ENDS, END), (_ASKS, ASK), (_PAUSES, PAUSE)):
        if char in given:
            return f" {token} "
    if char in _KEPT_SYMBOLS:
        return f" {char} "
    if char in _DROPPED or "\ufe00" <= char <= "\ufe0f" or "\U0001f3fb" <= char <= "\U0001f3ff":
        return ""
    kind = unicodedata.category(char)
    if kind == "Cf":
        return ""
    return char if kind[0] in "LMN" else " "


_MARKS = _Marks()


def clean(text: str, *, whole: bool = False) -> tuple[str, tuple[str, ...]]:
    """Cut, repaired and NFKC-normalised text, and the names of the steps that changed something."""
    steps: list[str] = []
    if len(text) > _CUT and not whole:
        text = _cut(text)
        steps.append("cut")
    for sign, name, step in _REPAIRS if text.isascii() else (*_REPAIRS, *_RESTORED):
        if sign not in text:
            continue
        after = step(text)
        if after != text:
            steps.append(name)
        text = after
    # one letter may stand for eighteen, so that what was cut has become long again
    return text if whole else _cut(text), tuple(steps)


def _letter_by_letter(text: str) -> str:
    """``S T O P   I   S A I D`` as words, where wider gaps part them."""
    if any(len(part) > 1 for part in text.split()):
        return text
    return " ".join("".join(part.split()) for part in _GAP.split(text.strip()))


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else f"{text[:HEAD]}\n{text[-TAIL:]}"


def _unscrambled(text: str) -> str:
    for encoding, sign in _MOJIBAKE:
        if sign.search(text):
            try:
                return text.encode(encoding).decode("utf-8")
            except UnicodeError:
                # what was cut off in the middle of a character is no reason to keep the rest
                return text.encode(encoding, "ignore").decode("utf-8", "ignore") or text
    return text


def _compatible(text: str) -> str:
    if _SPELT_IN_FLAGS.fullmatch(text):
        text = text.translate(_OF_FLAGS)
    text = text.translate(_DRAWN) if _IS_DRAWN.search(text) else text
    # the ellipsis would become three full stops, which is the same to us
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


_REPAIRS: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("&", "entities", lambda text: unescape(text) if _ENTITY.search(text) else text),
    ("  ", "spaced letters", _letter_by_letter),
    ("!1", "edge punctuation", lambda text: _SHOUTED.sub("!", text)),
    ("$", "letters for signs", lambda text: _DOLLAR.sub("s", text)),
    ("*", "masked letters", lambda text: _MASKED.sub("fuck", text)),
    ("@", "masked letters", lambda text: _MASKED.sub("fuck", text)),
    ("#", "masked letters", lambda text: _MASKED.sub("fuck", text)),
)
"""What is mended: the sign without which a text has no need of it, its name, and how."""
_RESTORED: tuple[tuple[str, str, Callable[[str], str]], ...] = (
    ("\u20e3", "keycaps", lambda text: _KEYCAP.sub(r" \1 ", text)),
    ("", "mojibake", _unscrambled),
    ("", "marks", lambda text: _MANY_MARKS.sub(r"\1", text)),
    ("", "width", _compatible),
)
"""The same for texts in more than ASCII."""


_PLAIN = {
    code: became.strip() or " " if (became := _became(chr(code))) else None for code in range(128)
}
"""The same for ASCII with one character each, which is what ``translate`` does fastest."""


def tokens(cleaned: str) -> list[str]:
    """Words in lower case with their accents, and ``.``, ``?``, ``,`` where the text pauses."""
    plain = cleaned.isascii()
    text = cleaned.lower() if plain else cleaned.casefold()
    if "'" in text or not plain:
        text = _CONTRACTION.sub("", text)
    if "n?t" in text:
        text = _LOST.sub("nt", text)
    if " - " in text:
        text = text.replace(" - ", " , ")
    if not plain:
        return text.translate(_MARKS).split()
    text = text.translate(_PLAIN)
    for mark in PUNCTUATION:
        if mark in text:
            text = text.replace(mark, f" {mark} ")
    return text.split()


class WordCache(dict[str, _Value]):
    """What was worked out once for a word; it forgets all when it has too many."""

    def __init__(self, work_out: Callable[[str], _Value]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, word: str) -> _Value:
        found = self._work_out(word)
        if len(self) > _REMEMBERED:
            self.clear()
        if len(word) <= LONGEST:
            self[word] = found
        return found


def _without_accents(word: str) -> str:
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", word.translate(_LETTERS)))
    return unicodedata.normalize("NFC", bare).translate(_LETTERS)


_FOLDED = WordCache(_without_accents)


def fold(word: str) -> str:
    """One word without accents, in the plainest letters of its script."""
    return word if word.isascii() else _FOLDED[word]


def folded(words: list[str]) -> list[str]:
    """The words without accents; the same list where there are none, as in most texts."""
    return words if "".join(words).isascii() else list(map(_FOLDED.__getitem__, words))


UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uff66-\uff9f"
)
"""The scripts concerned, as the inside of a character class."""

has_unspaced = re.compile(f"[{UNSPACED}]").search
_RUN = re.compile(f"[{UNSPACED}]+|[^{UNSPACED}]+")


def letters(words: list[str]) -> list[str]:
    """The words, with those of unspaced scripts as one character each."""
    if not has_unspaced("".join(words)):
        return words
    found: list[str] = []
    for word in words:
        if len(word) == 1 or word.isascii() or not has_unspaced(word):
            found.append(word)
            continue
        for part in _RUN.findall(word):
            found += part if has_unspaced(part) else [part]
    return found
