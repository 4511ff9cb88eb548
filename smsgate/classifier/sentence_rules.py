"""The rules that read sentences: wordings, typos in them, and the model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from smsgate.classifier.arbiter import Arbiter, Opinion, settle_finding, strongest, takes_out
from smsgate.classifier.decision import DecisionFactory
from smsgate.classifier.findings import IntentFinding, TextFindings, collect_findings
from smsgate.classifier.keywords import Keyword
from smsgate.classifier.normalize import PAUSE, fold, folded, letters, tokens
from smsgate.classifier.phrases import Span
from smsgate.classifier.quoted_text import is_advert, prints_opt_in
from smsgate.classifier.sets.compiled_sets import CompiledSets
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.text import InspectedText, chunks, count_words
from smsgate.domain.messages import Decision, Intent

_WEIGHED = ("phrase", "keyword_in_sentence", "long_text", "stop_and_start", "doubt")
"""The rules whose findings the model may change."""
_CAPITAL = re.compile(r"(?<=[^\W_])[,;:]? +[\"“‘']?([^\W\d_][\w’'&-]+)")
"""Words within a sentence, with what is written onto them: ``d'Acme``, ``Verizon's``."""
_LATIN = re.compile(
    "(?<=[\u3040-\u9fff\uac00-\ud7af])[A-Z][A-Za-z&-]+"
    "|(?<![A-Za-z&-])[A-Z][A-Za-z&-]++(?=[\u3040-\u9fff\uac00-\ud7af])"
)
"""Latin words written onto Chinese, Japanese or Korean ones."""
_OWNER = re.compile(r"(?<= (?:off|rom) )[\w&-]+['’]s(?= )")
"""Who owns a list, however it is written: ``take me off verizon's list``."""
_APOSTROPHE, _JOINT = re.compile("['’]"), re.compile("[&-]")
_OWNER_FIRST = frozenset({
    "af", "da", "en", "et", "fi", "hu", "ja", "ko", "lt", "lv", "nb", "sv", "tr",
    "zh-Hans", "zh-Hant",
})  # fmt: skip
"""Languages that put the owner before what is owned; in all of them it may stand behind."""
_PREPOSITIONS = frozenset({"from", "of", "off", "that", "the", "this"})
_BEFORE_LIST, _BEHIND_LIST = 3, 3
"""Words before and behind a list among which is the name of whose it is."""


class SentenceRules:
    """Reads the sentences of texts for one program."""

    def __init__(self, known: CompiledSets, decisions: DecisionFactory, arbiter: Arbiter) -> None:
        self._phrases = known.phrases
        self._keywords = known.keywords
        self._decisions = decisions
        self._arbiter = arbiter
        self._spelling = known.spelling
        self._concepts = known.models.concepts

    def find(self, text: InspectedText) -> TextFindings:
        """Read the sentences in the likeliest languages."""
        sentences = text.sentences()
        likely = self._phrases.likely(sentences, text.active_languages)
        return collect_findings(sentences, self._phrases, self._keywords, likely)

    def match_wordings(self, text: InspectedText) -> Decision | None:
        """What the wordings say, as the model sees it."""
        text.findings = what = self.find(text)
        if what.automatic is not None:
            pattern = what.automatic.pattern
            return self._decisions.decided(
                text, Intent.NONE, "auto_reply", pattern.written, pattern.language
            )
        finding = strongest(what)
        if finding is None:
            return None
        if _printed(text, finding.intent):
            own = self._on_its_line(text)
            if own is not None:
                return self._by_its_keyword(text, own)
            return self._decisions.decided(
                text, Intent.NONE, "advert", finding.keyword, finding.language
            )
        return self._weighed(text, what, finding)

    def _on_its_line(self, text: InspectedText) -> Keyword | None:
        """The keyword that the first or the last line is: above a text of ours, or below it."""
        lines = [line for line in text.cleaned.split("\n") if line.strip()]
        for line in (lines[0], lines[-1]) if len(lines) > 1 else ():
            keyword = self._keywords.find(self._keywords.strip_politeness(tokens(line)))
            if keyword is not None and keyword.stops:
                return keyword
        return None

    def _weighed(self, text: InspectedText, what: TextFindings, finding: IntentFinding) -> Decision:
        intent, rule = settle_finding(finding, what, count_words(text.words))
        owners = self._owners_of_lists(text, what) if finding.intent.stops else set()
        ours = any(map(self._decisions.topics.names_program, owners))
        if owners and not ours:
            intent, rule = Intent.REVIEW, "doubt"
        opinion = Opinion(intent, rule)
        if rule in _WEIGHED:
            opinion = self._arbiter.arbitrate(what, (intent, rule), named=ours)
        if owners and not ours and opinion.intent.stops:
            opinion = Opinion(Intent.REVIEW, "doubt")
        if owners and opinion.rule == "doubt":
            opinion = opinion._replace(
                reasons=f"names a list of others: {' '.join(sorted(owners))}"
            )
        asks = opinion.intent is Intent.HELP or opinion.rule == "how_to_leave"
        if asks and (keyword := self._before_a_question(text)):
            return self._by_its_keyword(text, keyword)
        return self._decisions.by_finding(text, finding, opinion)

    def _by_its_keyword(self, text: InspectedText, keyword: Keyword) -> Decision:
        intent, rule = Intent(keyword.entry.intent), "keyword_in_sentence"
        finding = IntentFinding(
            intent, rule, keyword.word, keyword.language, bare=True, shared=keyword.shared
        )
        return self._decisions.by_finding(text, finding, Opinion(intent, rule))

    def _owners_of_lists(self, text: InspectedText, what: TextFindings) -> set[str]:
        """Names beside a list or a newsletter: ``verizons`` in ``off Verizon's mailing list``."""
        names = set(_names(text.cleaned))
        return {
            owner
            for one in what.sentence_matches
            for language, symbol in self._phrases.symbols("mailing").items()
            for span in one.symbol_spans.get(symbol, ())
            for owner in names & self._owners(one.sentence.folded, span, language)
        }

    def _owners(self, words: list[str], list_at: Span, language: str) -> set[str]:
        """The words around a list that may name whose it is; none where it is called yours."""
        start, end = list_at
        before: list[str] = []
        for word in reversed(words[max(0, start - _BEFORE_LIST) : start]):
            if self._concepts.means(word, "second", {language}):
                return set()
            if word in _PREPOSITIONS or language not in _OWNER_FIRST:
                break
            if word != PAUSE:
                before.append(word)
            elif any(len(one) > 1 for one in before):  # but not in ``ICA:s nyhetsbrev``
                break
        behind = list(takewhile(lambda word: word != PAUSE, words[end : end + _BEHIND_LIST]))
        known = (language, ANY_LANGUAGE)
        return {
            word
            for word in (*before, *behind)
            if not self._phrases.known(word, known) and not self._keywords.polite([word])
        }

    def _before_a_question(self, text: InspectedText) -> Keyword | None:
        """The keyword that stands first by itself, as in ``Cancel. Who is this?``."""
        first = next(iter(text.sentences()), None)
        parts = [part for _, part in chunks(first.exact)] if first and not first.asked else []
        keyword = self._keywords.find(self._keywords.strip_politeness(parts[0])) if parts else None
        return keyword if keyword is not None and keyword.stops else None

    def match_corrected(self, text: InspectedText) -> Decision | None:
        """``unsubcribe me pls``, ``r3move me``: short texts once more, as they were meant."""
        findings = text.findings
        if findings is None:
            return None
        corrected, steps = self._spelling.corrected(folded(text.tokens))
        if not steps or takes_out(findings):
            return None
        before = text.tokens, text.words, text.steps, text.active_languages
        text.read_as(corrected, *steps)
        text.active_languages = self._phrases.active_languages(letters(corrected))
        decision = self.match_wordings(text)
        if decision is None:
            # what is no typo for a wording counts as it was typed
            text.tokens, text.words, text.steps, text.active_languages = before
            text.findings = findings
        return decision

    def match_by_model(self, text: InspectedText) -> Decision | None:
        """What the model makes of a text that no rule knows."""
        what = text.findings
        if what is None or len(text.words) < 2 or self._keywords.polite(text.words):
            return None
        opinion = self._arbiter.arbitrate(what, (Intent.NONE, "nothing_known"))
        if opinion.intent.stops:
            owners = self._owners_of_lists(text, what)
            if owners and not any(map(self._decisions.topics.names_program, owners)):
                opinion = opinion._replace(intent=Intent.REVIEW)
        if opinion.intent is Intent.NONE or (opinion.intent is Intent.HELP and text.quoted):
            return None
        if is_advert(text.cleaned, text.words) or prints_opt_in(text.cleaned):
            return None
        language = opinion.language or ANY_LANGUAGE
        finding = IntentFinding(opinion.intent, opinion.rule, "", language)
        return self._decisions.by_finding(text, finding, opinion)


def _names(text: str) -> Iterator[str]:
    """The words within its sentences that may be names, as the rules see words."""
    found = [] if text.isupper() else _CAPITAL.findall(text)
    owners = _OWNER.findall(text.casefold())
    for word in (*filter(_has_capital, found), *_LATIN.findall(text), *owners):
        for part in _JOINT.split(word):
            spelt = (*_APOSTROPHE.split(part), _APOSTROPHE.sub("", part))
            yield from (fold(one.casefold()) for one in spelt if len(one) > 1)


def _has_capital(word: str) -> bool:
    """Whether it begins with a capital, or a part behind an apostrophe does; ``I'm`` does not."""
    return any(part[:1].isupper() and len(part) > 1 for part in _APOSTROPHE.split(word))


def _printed(text: InspectedText, intent: Intent) -> bool:
    """Whether what was found is what a business prints: how to stop, or how to sign up again."""
    if intent is Intent.OPT_IN:
        return prints_opt_in(text.cleaned)
    return intent.stops and is_advert(text.cleaned, text.words)
