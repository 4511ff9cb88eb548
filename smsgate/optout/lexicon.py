"""Which signs a word may stand for.

A sign is a number: one per language and class of words (``es`` ``stop``), and one per literal
wording of a phrase. The lexicon maps the words of a text to signs, by whole word, by the
beginning of a word (``unsubscri*``), and for entries of several words by the first of them.
What a word stands for is worked out once and remembered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from smsgate.optout.normalise import clean, fold, tokens

Start = tuple[int, tuple[str, ...], bool]
"""A sign, the words that must follow, and whether those are compared with their accents."""

_REMEMBERED = 50_000
_SHORTEST = 2


class Lexicon:
    """Words to signs."""

    __slots__ = ("_exact", "_folded", "_lengths", "_plain", "_stems", "_trigger_stems", "_triggers",
                 "alarms", "starts")  # fmt: skip

    def __init__(self) -> None:
        """Start empty."""
        self._folded: defaultdict[str, list[Start]] = defaultdict(list)
        self._exact: defaultdict[str, list[Start]] = defaultdict(list)
        self._plain: defaultdict[str, list[Start]] = defaultdict(list)
        self._stems: defaultdict[str, list[Start]] = defaultdict(list)
        self._lengths: set[int] = set()
        self._triggers: set[str] = set()
        self._trigger_stems: set[str] = set()
        self.starts = _Starts(self)
        self.alarms = _Alarms(self)

    def add(self, wording: Sequence[str], sign: int, *, tones: bool, alarm: bool) -> None:
        """Let a wording (words, each perhaps ending in ``*``) stand for a sign.

        Args:
            wording: the words, with their accents.
            sign: what they stand for.
            tones: whether accents tell words apart, as in Vietnamese. Then a word written
                without any matches only as part of a longer wording.
            alarm: whether a text without this wording may be passed over.
        """
        if tones:
            self._exact[wording[0]].append((sign, tuple(wording[1:]), True))
        plain = tuple(fold(word) for word in wording)
        if not tones:
            self._put(self._folded, plain, sign)
        elif len(wording) > 1 or plain == tuple(wording):
            self._put(self._plain, plain, sign)
        if alarm:
            self._alarm(plain)

    def _put(self, table: defaultdict[str, list[Start]], plain: tuple[str, ...], sign: int) -> None:
        first = plain[0]
        if first.endswith("*"):
            table = self._stems
            first = first[:-1]
            self._lengths.add(len(first))
        table[first].append((sign, plain[1:], False))

    def _alarm(self, plain: tuple[str, ...]) -> None:
        longest = max(plain, key=len)
        if longest.endswith("*"):
            self._trigger_stems.add(longest[:-1])
            self._lengths.add(len(longest) - 1)
        else:
            self._triggers.add(longest)

    def starts_of(self, word: str) -> tuple[Start, ...]:
        """All signs that a word may begin, the longest wordings first."""
        plain = fold(word)
        found = [*self._folded.get(plain, ()), *self._exact.get(word, ())]
        if word == plain:
            found += self._plain.get(word, ())
        for stem in self._stems_of(plain):
            found += self._stems.get(stem, ())
        return tuple(dict.fromkeys(found))

    def alarms_of(self, word: str) -> bool:
        """Whether a text with this word must be looked at."""
        plain = fold(word)
        return plain in self._triggers or any(
            stem in self._trigger_stems for stem in self._stems_of(plain)
        )

    def _stems_of(self, plain: str) -> Iterable[str]:
        return (plain[:size] for size in self._lengths if _SHORTEST <= size <= len(plain))


class _Starts(dict[str, tuple[Start, ...]]):
    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__()
        self._lexicon = lexicon

    def __missing__(self, word: str) -> tuple[Start, ...]:
        if len(self) > _REMEMBERED:
            self.clear()
        self[word] = found = self._lexicon.starts_of(word)
        return found


class _Alarms(dict[str, bool]):
    def __init__(self, lexicon: Lexicon) -> None:
        super().__init__()
        self._lexicon = lexicon

    def __missing__(self, word: str) -> bool:
        if len(self) > _REMEMBERED:
            self.clear()
        self[word] = found = self._lexicon.alarms_of(word)
        return found


def wording(text: str) -> list[str]:
    """A wording of a keyword set as words; a ``*`` at the end of one stays."""
    cleaned, _ = clean(text)
    if "*" not in cleaned:
        return tokens(cleaned)
    # a letter that nobody writes stands in for the star, which is no part of a word
    return [word.replace("ˬ", "*") for word in tokens(cleaned.replace("*", "ˬ"))]
