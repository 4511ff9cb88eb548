"""Which texts of ours an opt-out names: all of them, this program's, or none in particular."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from smsgate.classifier.normalize import clean, fold, tokens
from smsgate.classifier.sets.tables import parted
from smsgate.messages import ALL, Intent
from smsgate.settings import Program

KINDS = {"marketing": "promotions", "service": "reminders"}
"""By kind of program, the class with the words that people call its texts."""


class Topics:
    """The words that name this program or what it sends."""

    __slots__ = ("_full", "_names", "_stems", "_words")

    def __init__(self, program: Program, classes: Mapping[str, str]) -> None:
        """Collect the program's own names and what people call texts of its kind."""
        own = {program.name, *program.formerly}
        self._full = [
            [fold(word) for word in tokens(clean(name)[0])]
            for name in (program.title, program.name)
        ]
        self._names = [words for words in self._full if len(words) > 1]
        written = parted(classes[KINDS[program.kind]])
        self._words = {word for word in written if not word.endswith("*")}
        self._words |= {fold(name.casefold()) for name in own}
        self._words |= {words[0] for words in self._full if len(words) == 1}
        self._stems = tuple(word[:-1] for word in written if word.endswith("*"))

    def scope(self, intent: Intent, words: Iterable[str]) -> str:
        """``all``, ``program`` where the text names it, or nothing: the program's own scope."""
        if intent is Intent.OPT_OUT_ALL:
            return ALL
        if intent is not Intent.OPT_OUT:
            return ""
        return "program" if self._named([fold(word) for word in words]) else ""

    def nameless(self, words: Sequence[str]) -> list[str]:
        """Words without the name of the program, or the first word of it; else nothing."""
        plain = [fold(word) for word in words]
        for name in self._full:
            for length in {len(name), 1}:
                at = next(
                    (at for at in range(len(plain)) if plain[at : at + length] == name[:length]), -1
                )
                if at >= 0:
                    return [*words[:at], *words[at + length :]]
        return []

    def _named(self, words: list[str]) -> bool:
        if any(word in self._words or word.startswith(self._stems) for word in words):
            return True
        text = f" {' '.join(words)} "
        return any(f" {' '.join(name)} " in text for name in self._names)
