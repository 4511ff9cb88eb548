"""The rules that read sentences: wordings, typos in them, and the model."""

from __future__ import annotations

from smsgate.classifier.arbiter import Arbiter, Opinion, settle_finding, strongest, takes_out
from smsgate.classifier.decision import DecisionFactory
from smsgate.classifier.findings import IntentFinding, TextFindings, collect_findings
from smsgate.classifier.keywords import Keyword
from smsgate.classifier.normalize import folded, tokens
from smsgate.classifier.quoted_text import is_advert, prints_opt_in
from smsgate.classifier.sets.compiled_sets import CompiledSets
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.text import InspectedText, TokenizedText, chunks, count_words
from smsgate.domain.messages import Decision, Intent

_WEIGHED = ("phrase", "keyword_in_sentence", "long_text", "stop_and_start", "doubt")
"""The rules whose findings the model may change."""


class SentenceRules:
    """Reads the sentences of texts for one program."""

    def __init__(self, known: CompiledSets, decisions: DecisionFactory, arbiter: Arbiter) -> None:
        self._phrases = known.phrases
        self._keywords = known.keywords
        self._decisions = decisions
        self._arbiter = arbiter
        self._spelling = known.spelling

    def find(self, text: InspectedText) -> TextFindings:
        """Read the sentences in the likeliest languages."""
        sentences = text.reading.sentences()
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
        opinion = Opinion(intent, rule)
        if rule in _WEIGHED:
            opinion = self._arbiter.arbitrate(what, (intent, rule))
        asks = opinion.intent is Intent.HELP or opinion.rule == "how_to_leave"
        if asks and (keyword := self._before_a_question(text)):
            return self._by_its_keyword(text, keyword)
        return self._decisions.by_finding(text, finding, opinion)

    def _by_its_keyword(self, text: InspectedText, keyword: Keyword) -> Decision:
        intent, rule = Intent(keyword.entry.intent), "keyword_in_sentence"
        finding = IntentFinding(intent, rule, keyword.word, keyword.language, bare=True)
        return self._decisions.by_finding(text, finding, Opinion(intent, rule))

    def _before_a_question(self, text: InspectedText) -> Keyword | None:
        """The keyword that stands first by itself, as in ``Cancel. Who is this?``."""
        first = next(iter(text.reading.sentences()), None)
        parts = [part for _, part in chunks(first.exact)] if first and not first.asked else []
        keyword = self._keywords.find(self._keywords.strip_politeness(parts[0])) if parts else None
        return keyword if keyword is not None and keyword.stops else None

    def match_corrected(self, text: InspectedText) -> Decision | None:
        """``unsubcribe me pls``, ``r3move me``: short texts once more, as they were meant."""
        findings = text.findings
        if findings is None or takes_out(findings):
            return None
        corrected, steps = self._spelling.corrected(folded(text.reading.tokens))
        if not steps:
            return None
        before = text.reading, text.words, text.active_languages
        text.reading = TokenizedText(corrected, (*text.reading.steps, *steps))
        text.words = text.reading.words
        text.active_languages = self._phrases.active_languages(text.reading.letters)
        decision = self.match_wordings(text)
        if decision is None:
            # what is no typo for a wording counts as it was typed
            text.reading, text.words, text.active_languages = before
            text.findings = findings
        return decision

    def match_by_model(self, text: InspectedText) -> Decision | None:
        """What the model makes of a text that no rule knows."""
        what = text.findings
        if what is None or len(text.words) < 2 or self._keywords.polite(text.words):
            return None
        opinion = self._arbiter.arbitrate(what, (Intent.NONE, "nothing_known"))
        if opinion.intent is Intent.NONE or (opinion.intent is Intent.HELP and text.quoted):
            return None
        if is_advert(text.cleaned, text.words) or prints_opt_in(text.cleaned):
            return None
        language = opinion.language or ANY_LANGUAGE
        finding = IntentFinding(opinion.intent, opinion.rule, "", language)
        return self._decisions.by_finding(text, finding, opinion)


def _printed(text: InspectedText, intent: Intent) -> bool:
    """Whether what was found is what a business prints: how to stop, or how to sign up again."""
    if intent is Intent.OPT_IN:
        return prints_opt_in(text.cleaned)
    return intent.stops and is_advert(text.cleaned, text.words)
