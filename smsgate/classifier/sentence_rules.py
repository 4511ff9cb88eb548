"""The rules that read sentences: wordings, slips in them, and the second reader."""

from __future__ import annotations

from smsgate.classifier import quoted_text
from smsgate.classifier.arbiter import settled, strongest, undone
from smsgate.classifier.decision import Decisions
from smsgate.classifier.findings import Finding, Said, said
from smsgate.classifier.keywords import Keyword
from smsgate.classifier.normalize import folded, tokens
from smsgate.classifier.sets.compiled_sets import Known
from smsgate.classifier.text import Reading, Text, chunks
from smsgate.domain.messages import Decision, Intent

_WEIGHED = ("phrase", "keyword_in_sentence", "long_text", "stop_and_start", "doubt")
"""The rules whose findings the second reader may change."""
_MANY = 80
"""Words beyond which a text is read once only."""
FEW = 8
"""Words up to which a text is read in all languages where it says nothing in the likely ones."""


class Sentences:
    """Reads the sentences of texts for one program."""

    __slots__ = ("_decisions", "_keywords", "_phrases", "_rereader", "_respeller")

    def __init__(self, known: Known, decisions: Decisions) -> None:
        """Take what the program knows."""
        self._phrases = known.phrases
        self._keywords = known.keywords
        self._decisions = decisions
        self._rereader = known.rereader
        self._respeller = known.respeller

    def listen(self, text: Text) -> Said:
        """Read the sentences in the likeliest languages, and where they say nothing in more."""
        sentences = text.reading.sentences()
        likely = self._phrases.likely(sentences, text.awake)
        what = said(sentences, self._phrases, self._keywords, likely)
        wider = self._phrases.everywhere if text.few else text.awake
        if what.findings or what.automatic or wider == likely or len(text.words) > _MANY:
            return what
        return said(sentences, self._phrases, self._keywords, wider)

    def read(self, text: Text) -> Decision | None:
        """What the wordings say, as the second reader sees it."""
        text.said = what = self.listen(text)
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

    def _on_its_line(self, text: Text) -> Keyword | None:
        """The keyword that the first or the last line is: above a text of ours, or below it."""
        lines = [line for line in text.cleaned.split("\n") if line.strip()]
        for line in (lines[0], lines[-1]) if len(lines) > 1 else ():
            keyword = self._keywords.find(self._keywords.bared(tokens(line)))
            if keyword is not None and keyword.stops:
                return keyword
        return None

    def _weighed(self, text: Text, what: Said, finding: Finding) -> Decision:
        found = settled(finding, what, len(text.words))
        note, score = "", None
        if found[1] in _WEIGHED:
            found, _, note, score = self._rereader.reread(what, found, respelt=text.respelt)
        if found[0] is Intent.HELP and (keyword := self._before_a_question(text)):
            return self._by_its_keyword(text, keyword)
        return self._decisions.by_finding(text, finding, found, note, score)

    def _by_its_keyword(self, text: Text, keyword: Keyword) -> Decision:
        intent, rule = Intent(keyword.entry.intent), "keyword_in_sentence"
        finding = Finding(intent, rule, keyword.word, keyword.language, bare=True)
        return self._decisions.by_finding(text, finding, (intent, rule))

    def _before_a_question(self, text: Text) -> Keyword | None:
        """The keyword that stands first by itself, as in ``Cancel. Who is this?``."""
        first = next(iter(text.reading.sentences()), None)
        parts = [part for _, part in chunks(first.exact)] if first and not first.asked else []
        keyword = self._keywords.find(self._keywords.bared(parts[0])) if parts else None
        return keyword if keyword is not None and keyword.stops else None

    def respelt(self, text: Text) -> Decision | None:
        """``unsubcribe me pls``, ``r3move me``: short texts once more, as they were meant."""
        said = text.said
        if said is None or undone(said):
            return None
        meant, steps = self._respeller.respelt(folded(text.reading.tokens))
        if not steps:
            return None
        before = text.reading, text.words, text.awake
        text.respelt = True
        text.reading = Reading(meant, (*text.reading.steps, *steps))
        text.words = text.reading.words
        text.awake = self._phrases.awake(text.reading.letters)
        decision = self.read(text)
        if decision is None:
            # what is no slip for a wording counts as it was typed
            text.reading, text.words, text.awake = before
            text.said, text.meant = said, text.said
        return decision

    def liken(self, text: Text) -> Decision | None:
        """What the second reader makes of a text that no rule knows, as typed, then as meant."""
        if len(text.words) < 2 or self._keywords.polite(text.words):
            return None
        readings = (what for what in (text.said, text.meant) if what is not None)
        return next((found for what in readings if (found := self._liken(text, what))), None)

    def _liken(self, text: Text, what: Said) -> Decision | None:
        nothing = Intent.NONE, "nothing_known"
        found, by, note, score = self._rereader.reread(what, nothing, respelt=False)
        if found[0] is Intent.NONE or (found[0] is Intent.HELP and text.quoted):
            return None
        if quoted_text.advert(text.cleaned, text.words) or quoted_text.invites(text.cleaned):
            return None
        finding = Finding(found[0], found[1], by.written, by.language)
        return self._decisions.by_finding(text, finding, found, note, score)


def _printed(text: Text, intent: Intent) -> bool:
    """Whether what was found is what a business prints: how to stop, or how to sign up again."""
    if intent is Intent.OPT_IN:
        return quoted_text.invites(text.cleaned)
    return intent.stops and quoted_text.advert(text.cleaned, text.words)
