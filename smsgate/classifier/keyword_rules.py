"""Texts that are a keyword and nothing else: as it stands, spelt otherwise, politely wrapped."""

from __future__ import annotations

import re

import msgspec

from smsgate.classifier.concepts import NEGATION
from smsgate.classifier.decision import DecisionFactory
from smsgate.classifier.keyword_variants import EVERYTHING
from smsgate.classifier.keywords import Keyword, key_of
from smsgate.classifier.normalize import fold, folded, tokens
from smsgate.classifier.sets.compiled_sets import CompiledSets
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.signature import Signature, signatures
from smsgate.classifier.text import InspectedText, tokenize, words_of
from smsgate.classifier.typos import looks_leet, replace_leet
from smsgate.domain.messages import ALL, Decision, Intent
from smsgate.settings import Program

_EVERYBODYS = "en"
"""The language whose words people understand in any."""
_SHORT_CHARACTERS = 24
_LAUGHTER = frozenset("😂🤣")
_CONTRADICTING = 4
"""Words up to which keywords beside each other are looked at for what they contradict."""
_SIGNED = 2
"""Words of a keyword that a name may stand below; what is longer is read as sentences."""
_SIGNED_TEXT = 12
"""Words of the longest line that may be a keyword with a name and an address behind it."""
_LETTERS = 24
"""Letters of the longest keyword that is written with blanks between them."""
_TORN = 3
"""Words of a text that was cut which may be torn: where it was cut, and at its end."""
_NUMBERED = re.compile(r"(?<=\D\D)\d{1,11}")
"""A word with a number written behind it: ``STOP2``."""
_CAPITALS_FIRST = re.compile(r"[^\w\n]*STOP(?![\w-])(?!\W*(?:[A-Z]{2}|it\b|at\b|by\b|in\b))")
_IN_CAPITALS = re.compile(r"(?<![\w-])STOP(?![\w-])")
_CAPITALS_LAST = re.compile(r"(?<![\w-])STOP[^\w?]*\Z")
_MAX_WORDS_BESIDE_CAPITALS = 8
"""Words of the longest text in which the printed keyword in capitals counts."""
_NOT_OURS = frozenset({
    "bus", "didnt", "dont", "he", "her", "him", "jamais", "mai", "ne", "never", "nicht", "no",
    "non", "not", "nunca", "não", "pas", "said", "says", "she", "sign", "them", "they", "who",
    "why",
})  # fmt: skip
"""Words beside which it may be somebody else's, or be denied."""
_SHORT_CODE = 5
"""Digits of the shortest number that is one of ours, or of the sender's."""
_SHORT = 6
"""Words up to which a text is tried as a keyword with typos, echoes and politeness."""


class KeywordRules:
    """Knows the keywords of one program, and what may stand around one."""

    def __init__(self, program: Program, known: CompiledSets, decisions: DecisionFactory) -> None:
        self._keywords = known.keywords
        self._variants = known.variants
        self._echoes = known.echoes
        self._first_names = known.first_names
        self._phrases = known.phrases
        self._concepts = known.models.concepts
        self._decisions = decisions
        self._segmenter = known.segmenter
        self.opt_out_words = {key_of(tokens(word)) for word in program.opt_out_words}
        """What the program's texts print, which is an opt-out there whatever it means elsewhere."""

    def match_leet(self, text: InspectedText) -> Decision | None:
        """``$TOP``: signs that stand for letters."""
        if len(text.cleaned) > _SHORT_CHARACTERS or not looks_leet(text.cleaned):
            return None
        words = words_of(tokenize(replace_leet(text.cleaned.lower()), self._segmenter))
        keyword = self._keywords.find(self._keywords.strip_politeness(words))
        if keyword is None or not keyword.entry.opts_out:
            return None
        return self._decisions.by_keyword(text, keyword, "keyword_spelt", ("letters for signs",))

    def match_exact(self, text: InspectedText) -> Decision | None:
        """A keyword as it stands."""
        if not 0 < len(text.words) <= self._keywords.longest:
            return None
        key = key_of(text.words)
        keyword = self._keywords.find(text.words)
        if key in self.opt_out_words and (keyword is None or keyword.entry.opts_out):
            return self._decisions.decided(text, Intent.OPT_OUT, "opt_out_word", key)
        if keyword is None:
            return None
        return self._decisions.by_keyword(text, keyword, "keyword")

    def match_signed(self, text: InspectedText) -> Decision | None:
        """A keyword with a name behind it: ``Quit, Bob``. A name below a short text is dropped."""
        if len(text.words) > _SIGNED_TEXT and "\n" not in text.cleaned:
            return None
        for signature in signatures(text.cleaned):
            sure = self._is_name(signature)
            if sure is None:
                continue
            found = tokenize(signature.body, self._segmenter)
            if (
                sure
                and signature.below
                and not self._stops(text.cleaned.strip()[len(signature.body) :])
            ):
                text.cleaned = signature.body
                text.read_as(found, "signature")
                return self.match_exact(text)
            words = self._keywords.strip_politeness(words_of(found))
            keyword = self._keywords.find(words) if 0 < len(words) <= _SIGNED else None
            if keyword is None or not keyword.stops:
                continue
            if sure:
                return self._decisions.by_keyword(text, keyword, "keyword_politely", ("signature",))
            text.fallback = self._decisions.decided(
                text, Intent.REVIEW, "keyword_with_name", keyword.word, keyword.language
            )
        return None

    def _stops(self, text: str) -> bool:
        """Whether a line of a text, or a word of one, is an opt-out anywhere."""
        rows = [words_of(tokenize(line, self._segmenter)) for line in text.split("\n")]
        parts = [part for row in rows for part in (row, *([word] for word in row))]
        return any(found is not None and found.stops for found in map(self._keywords.find, parts))

    def _is_name(self, signature: Signature) -> bool | None:
        """Whether it is surely somebody's name; nothing where it is no name at all.

        ``Mark`` and ``Dr Smith`` may be names or what is to be cancelled.
        """
        names = [word for word in signature.names if len(word) > 1]
        words = [fold(word.casefold()) for word in names]
        if not words:
            # letters one below the other may spell a word
            return None if signature.titled or signature.names else signature.below
        if any(self._keywords.find(part) for part in (words, *([word] for word in words))):
            return None
        first = words[0] in self._first_names
        known = [self._concepts.knows(word) for word in words]
        if not first and all(known):
            return None
        if not all(word[0].isupper() for word in names):
            return False if first and not known[0] else None
        if signature.below:
            return first or not any(known)
        return not any(known) and not signature.titled and (first or len(signature.names) > 1)

    def match_short(self, text: InspectedText) -> Decision | None:
        """Echoes of instructions, and keywords with typos or politeness."""
        apart = len(text.words) <= _LETTERS and all(len(word) == 1 for word in text.words)
        if len(text.words) > _SHORT and not apart:
            return self._again_and_again(text)
        if text.asks:
            return self._small_talk(text)
        echo = self._echoes.found(text.words)
        if echo:
            return self._decisions.decided(text, Intent.OPT_OUT, "instruction_echo", echo)
        if self._contradicts(text.words):
            return self._decisions.decided(text, Intent.REVIEW, "stop_and_start")
        beside = self._with_signs(text)
        if beside:
            return beside
        found = self._variants.found(text.words)
        if found:
            return _everything(self._short_keyword(text, *found))
        return self._with_name(text)

    def _small_talk(self, text: InspectedText) -> Decision | None:
        """``Hello, how are you?``: a question that is nothing to us, greetings around it."""
        keyword = self._keywords.find(self._keywords.strip_politeness(text.words))
        if keyword is None or keyword.entry.intent != "none":
            return None
        return self._decisions.by_keyword(text, keyword, "keyword_politely")

    def _with_signs(self, text: InspectedText) -> Decision | None:
        """A keyword beside numbers or laughter.

        ``STOP to 22395``, as instructions with a short code are echoed, and ``END2`` are opt-outs.
        ``CANCEL 1`` may choose an appointment and ``END 😂`` be a joke: a person decides.
        """
        words = self._keywords.strip_politeness(text.words)
        numbers = [word for word in words if word.isdigit()]
        laughs = not _LAUGHTER.isdisjoint(words)
        worded = [word for word in words if not word.isdigit() and word not in _LAUGHTER]
        if numbers and words[-2:-1] == ["to"]:
            worded.pop()
        bare = [_NUMBERED.sub("", word) for word in worded]
        keyword = self._keywords.find(bare) if bare and bare != words else None
        if keyword is None or not keyword.stops:
            return None
        long = all(len(number) >= _SHORT_CODE for number in numbers)
        if not laughs and (keyword.entry.match == "lead" or long):
            return self._decisions.by_keyword(text, keyword, "keyword_politely", ("numbers",))
        rule = "keyword_with_laughter" if laughs else "keyword_with_number"
        return self._decisions.decided(text, Intent.REVIEW, rule, keyword.word, keyword.language)

    def _again_and_again(self, text: InspectedText) -> Decision | None:
        """``stop stop stop`` … however often; of a text that was cut both ends may be torn."""
        first, second = text.words[:2]
        torn = _TORN if "cut" in text.steps else 0
        if first != second or text.asks or text.words.count(first) < len(text.words) - torn:
            return None
        keyword = self._keywords.find([first])
        if keyword is None or not keyword.stops:
            return None
        return self._decisions.by_keyword(text, keyword, "keyword_repeated", ("repetition",))

    def _with_name(self, text: InspectedText) -> Decision | None:
        """``Stop Acme``: a keyword beside the name of the program."""
        keyword = self._keywords.find(
            self._keywords.strip_politeness(self._decisions.topics.nameless(text.words))
        )
        if keyword is None or keyword.entry.match == "whole" or not keyword.certain:
            return None
        return self._decisions.by_keyword(text, keyword, "keyword_politely", ("name",))

    def _contradicts(self, words: list[str]) -> bool:
        """Whether all words are keywords, and some ask for something else: ``help stop``."""
        if not 1 < len(words) <= _CONTRADICTING:
            return False
        found = [self._keywords.find([word]) for word in words]
        if not all(one is not None and one.certain for one in found):
            return False
        asked = {
            one.entry.opts_out
            for word, one in zip(words, found, strict=True)
            if one is not None
            and one.entry.intent != "none"
            and (one.entry.opts_out or not self._keywords.polite([word]))
        }
        return len(asked) > 1

    def _short_keyword(
        self, text: InspectedText, keyword: Keyword, rule: str, steps: tuple[str, ...]
    ) -> Decision | None:
        decision = self._decisions.by_keyword(text, keyword, rule, steps)
        if decision is None or rule not in ("keyword_politely", "keyword_typo"):
            return decision
        if decision.intent.stops and keyword.denied(text.tokens, self._phrases.negates):
            return None
        if rule == "keyword_typo":
            return decision
        refused = self._refuses(text.words, keyword.language)
        if decision.intent is Intent.HELP and refused:
            return None
        if decision.intent is Intent.OPT_IN and refused:
            return self._decisions.decided(
                text, Intent.REVIEW, "refused_start", keyword.word, keyword.language
            )
        if decision.intent is Intent.REVIEW:
            text.fallback = decision
            return None
        return decision

    def _refuses(self, words: list[str], language: str) -> bool:
        """Whether a word says no, in English or in a keyword's language: ``no start``."""
        among = () if language in (_EVERYBODYS, ANY_LANGUAGE) else (_EVERYBODYS, language)
        return any(self._concepts.means(word, NEGATION, among) for word in folded(words))

    def match_capitals(self, text: InspectedText) -> Decision | None:
        """The printed keyword in capitals at an end of a short text, courtesy words behind it.

        ``Thanks but for the last time STOP`` does what our texts say. So a person decides where no
        other rule finds a request.
        """
        cleaned, words = text.cleaned, text.words
        if not _IN_CAPITALS.search(cleaned) or cleaned == cleaned.upper() or text.quoted:
            return None
        if len(words) > _MAX_WORDS_BESIDE_CAPITALS or "?" in text.tokens:
            return None
        at_an_end = (
            _CAPITALS_FIRST.match(cleaned)
            or _CAPITALS_LAST.search(cleaned)
            or self._keywords.strip_politeness(words)[-1:] == ["stop"]
        )
        if not at_an_end or not _NOT_OURS.isdisjoint(words):
            return None
        return self._decisions.decided(text, Intent.REVIEW, "keyword_in_capitals_alone", "STOP")


def _everything(decision: Decision | None) -> Decision | None:
    """An opt-out from everything where an ``all`` stands behind the keyword."""
    if decision is None or decision.intent is not Intent.OPT_OUT:
        return decision
    if EVERYTHING not in decision.steps:
        return decision
    return msgspec.structs.replace(decision, intent=Intent.OPT_OUT_ALL, scope=ALL)
