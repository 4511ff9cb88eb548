"""Whose list a text wants to leave: ``take me off Verizon's mailing list`` may not be ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from smsgate.classifier.concepts import Concepts
from smsgate.classifier.features import Passage
from smsgate.classifier.normalize import PAUSE, PUNCTUATION, fold

_LISTS, _YOURS = frozenset({"said-mailing", "list"}), "second"
"""The concepts of lists and newsletters, and of what is called yours."""
_REGISTRY = "regist"
"""How a list begins that nobody leaves: the National Do Not Call Registry."""
_CAPITAL = re.compile(r"(?<=[^\W_])[,;:]? +[\"“‘']?([^\W\d_][\w’'&-]+)")
"""Words within a sentence, with what is written onto them: ``d'Acme``, ``Verizon's``."""
_LATIN = re.compile(
    "(?<=[\u3040-\u9fff\uac00-\ud7af])[A-Z][A-Za-z&-]+"
    "|(?<![A-Za-z&-])[A-Z][A-Za-z&-]++(?=[\u3040-\u9fff\uac00-\ud7af])"
)
"""Latin words written onto Chinese, Japanese or Korean ones."""
_OWNER = re.compile(r"(?<= (?:off|rom) )[\w&-]+['’]s(?= )")
"""Who owns a list, however it is written: ``take me off verizon's list``."""
_APOSTROPHE, _JOINT = re.compile("['’:]"), re.compile("[&-]")
_PREPOSITIONS = frozenset({"from", "of", "off", "that", "the", "this"})
_OURS = frozenset({
    "deres", "din", "er", "euer", "eure", "eurem", "eurer", "ihr", "ihrem", "ihrer", "jeres",
    "jullie", "su", "sua", "sus", "tu", "tua", "ur", "uw", "vos", "vostra", "votre", "vuestra",
    "waszej", "your", "вашей", "вашего",
})  # fmt: skip
_BEFORE, _BEHIND = 3, 4
"""Words before and behind a list among which is the name of whose it is."""


def owners(cleaned: str, passage: Passage, concepts: Concepts) -> set[str]:
    """The names beside a list; none where it is called yours."""
    lists = [
        at
        for at, names in passage.concepts
        if not _LISTS.isdisjoint(names) and not passage.words[at].startswith(_REGISTRY)
    ]
    names = set(_names(cleaned)) if lists else set()
    yours = {at for at, about in passage.concepts if _YOURS in about}
    yours |= {at for at, word in enumerate(passage.words) if word in _OURS}
    found: set[str] = set()
    for at in lists if names else ():
        start = max(0, at - _BEFORE)
        if yours.isdisjoint(range(start, at)):
            # but ``ICA:s nyhetsbrev`` has a pause before the ending
            gaps = {one for one in range(start, at - 1) if len(passage.words[one + 1]) > 1}
            pauses = [one for one in gaps if passage.words[one] == PAUSE]
            before = passage.words[max([start, *pauses]) : at][::-1]
            found.update(takewhile(lambda word: word not in _PREPOSITIONS, before))
            behind = passage.words[at + 1 : at + 1 + _BEHIND]
            found.update(takewhile(lambda word: word != PAUSE, behind))
    german = passage.language == "de"  # which writes all nouns so
    return {
        word
        for word in found & names - PUNCTUATION
        if not (concepts.lists(word, passage.language) or (german and concepts.knows(word)))
    }


def _names(text: str) -> Iterator[str]:
    """The words within its sentences that may be names, as the model sees words."""
    found = [] if text.isupper() else _CAPITAL.findall(text)
    capitals = (word for word in found if any(one[:1].isupper() for one in word.split("'")))
    for word in (*capitals, *_LATIN.findall(text), *_OWNER.findall(text.casefold())):
        for part in _JOINT.split(word):
            spelt = (*_APOSTROPHE.split(part), _APOSTROPHE.sub("", part))
            yield from (fold(one.casefold()) for one in spelt if len(one) > 1)
