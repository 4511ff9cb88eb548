"""Texts that are a keyword: exact, misspelt, with courtesy words, or with a name."""

from __future__ import annotations

import re

from msgspec.structs import replace

from smsgate.classifier.concepts import NEGATION, Concepts
from smsgate.classifier.decisions import Decisions, Text, tokenize, words_of
from smsgate.classifier.keywords import Keyword, key_of, parted
from smsgate.classifier.near import EVERYTHING, NearKeywords
from smsgate.classifier.normalize import clean, fold, folded, tokens
from smsgate.classifier.own_words import Signature, signatures
from smsgate.classifier.sets import ANY_LANGUAGE
from smsgate.domain.messages import ALL, Decision, Intent
from smsgate.domain.program import ProgramProfile

RULES = {
    "politeness": "keyword_politely",
    EVERYTHING: "keyword_politely",
    "repetition": "keyword_repeated",
    "typo": "keyword_typo",
    "spelling": "keyword_spelt",
}
"""The rule by the first step that led to a keyword; any other step is one of spelling."""
_SIGNED = 4
"""Words of a keyword with courtesy that a name may follow."""
_NUMBERED = re.compile(r"(?<=\D\D)\d{1,11}")
"""A word with a number written behind it: ``STOP2``."""
_LAUGHTER = frozenset("😂🤣")
_LINKS = frozenset({
    "a", "ai", "al", "an", "au", "auf", "aan", "do", "ke", "na", "naar", "no", "para", "på", "til",
    "till", "to", "vers",
})  # fmt: skip
"""Words between a keyword and the number that it is sent to: ``STOP au 36111``."""
_SHORT_CODE = 5
"""Digits of the shortest number that is one of ours, or of the sender's."""
_CONTRADICTING = 4
"""Words up to which a text of several keywords is checked for contradictions."""


class KeywordRules:
    """Knows the keywords of one program, and what may stand around one."""

    def __init__(
        self, program: ProgramProfile, near: NearKeywords, concepts: Concepts, decisions: Decisions
    ) -> None:
        self._near = near
        self._keywords = near.keywords
        self._concepts = concepts
        self._decisions = decisions
        self.own_words = {key_of(tokenize(clean(word)[0])) for word in program.opt_out_words}
        """What the program's texts print, which is an opt-out there whatever it means elsewhere."""

    def exact(self, text: Text) -> Decision | None:
        """A keyword as it stands."""
        if len(text.words) > self._keywords.longest:
            return None
        key = key_of(text.words)
        if not key:
            return None
        keyword = self._keywords.find(text.words)
        if key in self.own_words and (keyword is None or keyword.entry.opts_out):
            return self._decisions.decided(text, Intent.OPT_OUT, "opt_out_word", key)
        return self._decisions.by_keyword(text, keyword, "keyword") if keyword else None

    def signed(self, text: Text) -> Decision | None:
        """A keyword with a name behind it: ``Quit, Bob``. A name below a short text is dropped."""
        for signed in signatures(text.cleaned):
            sure = self._is_name(signed)
            if sure is None:
                continue
            found = tokenize(signed.body)
            words = words_of(found)
            if sure and signed.below and not self._stops(text.cleaned.strip()[len(signed.body) :]):
                text.cleaned = signed.body
                text.read_as(found, "signature")
                return self.exact(text)
            keyword = self._keywords.stop(self._keywords.bare(words))
            if keyword is None or len(words) > _SIGNED:
                continue
            if sure:
                return self._decisions.by_keyword(text, keyword, "keyword_politely", ("signature",))
            text.fallback = self._decisions.decided(
                text, Intent.REVIEW, "keyword_with_name", keyword.word, keyword.language
            )
        return None

    def _stops(self, text: str) -> bool:
        """Whether a line of a text, or a word of one, is an opt-out anywhere."""
        rows = [words_of(tokenize(line)) for line in text.split("\n")]
        parts = [part for row in rows for part in (row, *([word] for word in row))]
        return any(map(self._keywords.stop, parts))

    def _is_name(self, signed: Signature) -> bool | None:
        """Whether it is surely somebody's name; nothing where it is no name at all.

        ``Mark`` and ``Dr Smith`` may be names or what is to be cancelled.
        """
        names = [word for word in signed.names if len(word) > 1]
        words = [fold(word.casefold()) for word in names]
        if not words:
            # letters one below the other may spell a word
            return None if signed.titled or signed.names else signed.below
        if any(self._keywords.find(part) for part in (words, *([word] for word in words))):
            return None
        first = words[0] in self._keywords.names or signed.dashed
        known = [self._concepts.knows(word) for word in words]
        if not first and all(known):
            return None
        if not all(word[0].isupper() for word in names):
            return False if first and not known[0] else None
        if signed.below:
            return first or not any(known)
        return not any(known) and not signed.titled and (first or len(signed.names) > 1)

    def anywhere(self, text: Text) -> Decision | None:
        """A keyword that counts in any text, or STOP on the first line or the last one."""
        keyword = self._keywords.within(folded(text.words)) if self._keywords.anywhere else None
        written = text.cleaned.split("\n") if "\n" in text.cleaned else ()
        lines = [tokenize(line) for line in written if line.strip()]
        if text.quoted:  # what is left of it may stand behind a pause
            lines = [words for words, _ in parted(text.tokens)]
        for line in (lines[0], lines[-1]) if len(lines) > 1 else ():
            found = self._keywords.stop(self._keywords.bare(words_of(line)))
            if found is not None and found.language == ANY_LANGUAGE:
                keyword = found
        return self._decisions.by_keyword(text, keyword, "keyword_in_sentence") if keyword else None

    def short(self, text: Text) -> Decision | None:
        """Echoes of instructions, and keywords with typos, courtesy, numbers or laughter."""
        if not text.short:
            first = text.words[0]
            torn = 3 if "cut" in text.steps else 0
            again = text.words.count(first) >= len(text.words) - torn and not text.asks
            keyword = self._keywords.stop([first]) if again else None
            if keyword is None:
                return None
            return self._decisions.by_keyword(text, keyword, "keyword_repeated", ("repetition",))
        if text.asks:
            keyword = self._keywords.find(self._keywords.bare(text.words))
            if keyword is None or keyword.entry.intent != "none":
                return None
            return self._decisions.by_keyword(text, keyword, "keyword_politely")
        if echo := self._near.echo(text.words):
            return self._decisions.decided(text, Intent.OPT_OUT, "instruction_echo", echo)
        if self._contradicts(text.words):
            return self._decisions.decided(text, Intent.REVIEW, "stop_and_start")
        if beside := self._with_signs(text):
            return beside
        if found := self._near.found(text.words):
            return self._wrapped(text, *found)
        named = self._keywords.find(self._keywords.bare(self._decisions.nameless(text.words)))
        if named is None or not named.certain:
            return None
        return self._decisions.by_keyword(text, named, "keyword_politely", ("name",))

    def _wrapped(self, text: Text, keyword: Keyword, steps: tuple[str, ...]) -> Decision | None:
        rule = RULES.get("typo" if "typo" in steps else steps[0], RULES["spelling"])
        decision = self._decisions.by_keyword(text, keyword, rule, steps)
        if decision is None or rule not in ("keyword_politely", "keyword_typo"):
            return decision
        own = {fold(word) for word in key_of(tokens(clean(keyword.word)[0])).split()}
        anybodys = keyword.language in ("en", ANY_LANGUAGE) and decision.intent is Intent.OPT_IN
        languages = () if anybodys else (keyword.language, "en")
        others = [word for word in folded(text.words) if word not in own]
        if any(self._concepts.means(word, NEGATION, languages) for word in others):
            if decision.intent is Intent.OPT_IN:
                word, language = decision.keyword, decision.language
                return self._decisions.decided(text, Intent.REVIEW, "refused_start", word, language)
            refused = decision.intent is Intent.HELP
            return self._decisions.decided(text, Intent.NONE, "nothing_known") if refused else None
        if decision.intent is Intent.REVIEW:
            text.fallback = decision
            return None
        if EVERYTHING in steps and decision.intent is Intent.OPT_OUT:
            return replace(decision, intent=Intent.OPT_OUT_ALL, scope=ALL)
        return decision

    def _with_signs(self, text: Text) -> Decision | None:
        """A keyword beside numbers or laughter.

        ``STOP to 22395``, as instructions with a short code are echoed, and ``END2`` are opt-outs.
        ``CANCEL 1`` may choose an appointment and ``END 😂`` be a joke: a person decides.
        """
        words = self._keywords.bare(text.words)
        numbers = [word for word in words if word.isdigit()]
        laughs = not _LAUGHTER.isdisjoint(words)
        worded = [word for word in words if not word.isdigit() and word not in _LAUGHTER]
        if numbers and len(worded) > 1 and words[-2] in _LINKS:
            worded.remove(words[-2])
        stuck = [_NUMBERED.sub("", word) for word in worded]
        keyword = self._keywords.stop(stuck) if stuck != words else None
        if keyword is None:
            return None
        long = all(len(number) >= _SHORT_CODE for number in numbers)
        if not laughs and (keyword.language == ANY_LANGUAGE or long):
            return self._decisions.by_keyword(text, keyword, "keyword_politely", ("numbers",))
        rule = "keyword_with_laughter" if laughs else "keyword_with_number"
        return self._decisions.decided(text, Intent.REVIEW, rule, keyword.word, keyword.language)

    def _contradicts(self, words: list[str]) -> bool:
        """Whether all words are keywords, and some ask for something else: ``help stop``."""
        if not 1 < len(words) <= _CONTRADICTING:
            return False
        asked = set[bool]()
        for word in words:
            keyword = self._keywords.find([word])
            if keyword is None or not keyword.certain:
                return False
            entry = keyword.entry
            if entry.opts_out or (entry.intent != "none" and self._keywords.bare([word])):
                asked.add(entry.opts_out)
        return len(asked) > 1
