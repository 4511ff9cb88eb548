"""From the wordings found in a text's sentences to what the text asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from smsgate.classifier.keywords import Keyword, KeywordIndex
from smsgate.classifier.normalize import PAUSE
from smsgate.classifier.phrases import CONDITION, Match, Phrases, Span, overlap
from smsgate.classifier.sets.keyword_sets import ANY_LANGUAGE
from smsgate.classifier.text import Sentence, chunks
from smsgate.domain.messages import Intent

_NEGATIONS = ("{no}", "{donot}", "{laststopnot}", "{othersense}")
_CONDITION_REACH = 3
"""Words that may stand between an ``if`` and its negation."""


class SentenceMatches:
    """A sentence, and where each symbol stands in it."""

    __slots__ = ("_phrases", "_silent", "sentence", "symbol_spans")

    def __init__(
        self, sentence: Sentence, phrases: Phrases, active_languages: frozenset[str]
    ) -> None:
        self.sentence = sentence
        self.symbol_spans = phrases.occurrences(sentence.exact, sentence.folded, active_languages)
        self._phrases = phrases
        self._silent: list[Match] | None = None

    @property
    def silent(self) -> list[Match]:
        """Every pattern that only bears on what others say."""
        if self._silent is None:
            ifs = [
                span
                for symbol in self._phrases.symbols(CONDITION).values()
                for span in self.symbol_spans.get(symbol, ())
            ]
            found = self._phrases.silent.found(self.symbol_spans)
            self._silent = [
                match
                for match in found
                if not _negates(match) or not (_conditional(match, ifs) or self._paused(match))
            ]
        return self._silent

    def _paused(self, match: Match) -> bool:
        """Whether a pause stands within it: ``no, stop`` denies nothing."""
        return PAUSE in self.sentence.exact[match.start : match.end]


def _negates(match: Match) -> bool:
    return match.pattern.means == "never" and match.pattern.written.startswith(_NEGATIONS)


def _conditional(match: Match, ifs: Iterable[Span]) -> bool:
    """Whether a negation stands behind an ``if``: ``if you don't stop`` wants them to stop."""
    return any(end <= match.start <= end + _CONDITION_REACH for _, end in ifs)


_OUT = ("opt_out", "opt_out_all")
_WEAKER = ("opt_in", "help", "review")
TAKES_OUT = ("none", "never", "mention")
"""What takes any other wording that it overlaps out of play."""


class IntentFinding(NamedTuple):
    """One thing that a sentence says."""

    intent: Intent
    rule: str
    keyword: str
    language: str
    asked: bool = False
    doubted: bool = False
    bare: bool = False
    """Only a keyword that stands alone in its sentence."""
    shared: tuple[str, ...] = ()
    """The languages where that keyword means the same."""


@dataclass(slots=True)
class TextFindings:
    """All that a text says."""

    sentence_matches: list[SentenceMatches]
    """The sentences with their symbols."""
    laughs: bool
    findings: list[IntentFinding] = field(default_factory=list)
    automatic: Match | None = None
    everything: set[str] = field(default_factory=set)
    """Languages in which a word such as ``all`` stands beside an opt-out."""
    weight: Counter[str] = field(default_factory=Counter)
    """How much of the text each language explains."""


def collect_findings(
    sentences: Iterable[Sentence],
    phrases: Phrases,
    keywords: KeywordIndex,
    active_languages: frozenset[str],
) -> TextFindings:
    """Read every sentence in some languages and collect what it says."""
    sentence_matches = [
        SentenceMatches(one, phrases, active_languages) for one in distinct(sentences)
    ]
    what = TextFindings(
        sentence_matches,
        laughs=any(not phrases.laughter.isdisjoint(one.symbol_spans) for one in sentence_matches),
    )
    for one in sentence_matches:
        _add_findings(one, what, phrases, keywords)
    return what


def _add_findings(
    sentence_matches: SentenceMatches, what: TextFindings, phrases: Phrases, keywords: KeywordIndex
) -> None:
    """Add what one sentence says."""
    symbol_spans = sentence_matches.symbol_spans
    matches = phrases.loud.found(symbol_spans)
    if not matches and phrases.leads.isdisjoint(symbol_spans):
        return
    what.automatic = what.automatic or min(
        (match for match in matches if match.pattern.means == "auto"),
        key=lambda match: (match.start, -match.end, match.pattern.written),
        default=None,
    )
    found = _findings(sentence_matches.sentence, [*matches, *sentence_matches.silent], keywords)
    findings = [
        one for one in found if not _denied(one, sentence_matches.sentence, keywords, phrases)
    ]
    what.findings += findings
    what.weight.update(phrases.languages(symbol_spans))
    if any(finding.intent.stops for finding in findings):
        what.everything |= _everything(phrases, symbol_spans)


def _denied(
    finding: IntentFinding, sentence: Sentence, keywords: KeywordIndex, phrases: Phrases
) -> bool:
    """Whether the sentence denies a keyword that stands alone in it but for politeness."""
    keyword = keywords.find(finding.keyword.casefold().split()) if finding.bare else None
    return (
        keyword is not None
        and finding.intent.stops
        and keyword.denied(sentence.exact, phrases.negates)
    )


def distinct(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Each sentence once, however often it is repeated."""
    known: set[str] = set()
    for sentence in sentences:
        key = " ".join(sentence.exact)
        if key not in known:
            known.add(key)
            yield sentence


def _everything(phrases: Phrases, symbol_spans: Mapping[int, list[Span]]) -> set[str]:
    """Languages in which ``all`` is said, and not only as in ``not at all``."""
    others = phrases.symbols("notall")
    return {
        language
        for language, symbol in phrases.symbols("all").items()
        for at, _ in symbol_spans.get(symbol, ())
        if not any(start <= at < end for start, end in symbol_spans.get(others.get("en", -1), ()))
    }


def _findings(
    sentence: Sentence, matches: list[Match], keywords: KeywordIndex
) -> list[IntentFinding]:
    matches = [match for match in matches if _placed(match, sentence, keywords)]
    matches = [match for match in matches if not _undone(match, matches, sentence.exact)]
    outranking = [match for match in matches if match.pattern.means in TAKES_OUT + _WEAKER]
    doubts = {match.pattern.language for match in matches if match.pattern.means == "doubt"}
    found = [
        IntentFinding(
            intent=Intent(match.pattern.means),
            rule="phrase",
            keyword=match.pattern.written,
            language=match.pattern.language,
            asked=sentence.asked,
            doubted=together(match.pattern.language, doubts),
        )
        for match in sorted(matches, key=lambda match: (match.start, -match.end))
        if _stands(match, outranking)
    ]
    return found + list(_keywords_alone(sentence, matches, keywords, doubts))


def _undone(match: Match, matches: Sequence[Match], words: Sequence[str]) -> bool:
    """Whether a wish for texts is part of a longer wording that refuses them without a pause."""
    length = match.end - match.start
    return match.pattern.means == "opt_in" and any(
        other.pattern.means in _OUT
        and other.start <= match.start < other.end
        and (other.start < match.start or other.end - other.start >= length)
        and PAUSE not in words[other.start : match.start]
        for other in matches
    )


def _stands(match: Match, outranking: Sequence[Match]) -> bool:
    """Whether none of those that may outrank it takes the match out of play: see ``_blocks``."""
    means = match.pattern.means
    if means not in _OUT and means not in _WEAKER:
        return False
    return not any(
        _outranks(other, match)
        and _blocks(other, match)
        and (other.pattern.means in TAKES_OUT or _stands(other, outranking))
        for other in outranking
        if other is not match
    )


def _outranks(other: Match, match: Match) -> bool:
    if other.pattern.means in TAKES_OUT:
        return True
    if match.pattern.means not in _OUT or other.pattern.means not in _WEAKER:
        return False
    longer = other.end - other.start > match.end - match.start
    return (
        other.pattern.means == "help"
        or other.pattern.language == match.pattern.language
        or (longer and other.start <= match.start and match.end <= other.end)
    )


def _blocks(blocker: Match, match: Match) -> bool:
    """Whether they overlap, unless the match is the longer one and covers the blocker.

    ``don't stop`` takes ``stop texting`` out, but ``asking you to stop`` covers ``you to stop``.
    """
    if not overlap((match.start, match.end), blocker):
        return False
    if match.pattern.firm and blocker.pattern.means == "none":
        return False
    if blocker.pattern.means in ("never", "help"):
        return True
    covered = match.start <= blocker.start and blocker.end <= match.end
    longer = match.end - match.start > blocker.end - blocker.start
    return not (covered and longer)


def together(language: str, others: Iterable[str]) -> bool:
    """Whether a language is among the others, or either is the one for all languages."""
    return any(language == other or ANY_LANGUAGE in (language, other) for other in others)


def _placed(match: Match, sentence: Sentence, keywords: KeywordIndex) -> bool:
    """Whether a pattern that wants the beginning or the end of a sentence stands there."""
    if match.pattern.first and not keywords.polite(_near(sentence.exact[: match.start], last=True)):
        return False
    return not match.pattern.last or keywords.polite(_near(sentence.exact[match.end :], last=False))


def _near(words: Sequence[str], *, last: bool) -> list[str]:
    """The words of the same part of the sentence, up to the next pause."""
    parts = [part for _, part in chunks(words)]
    if not parts or (words[-1] == "," if last else words[0] == ","):
        return []
    return parts[-1] if last else parts[0]


def _keywords_alone(
    sentence: Sentence, matches: Sequence[Match], keywords: KeywordIndex, doubts: set[str]
) -> Iterator[IntentFinding]:
    """Keywords that are all there is between two pauses: ``I already voted. Stop``."""
    blockers = [other for other in matches if other.pattern.means in TAKES_OUT + _WEAKER]
    for start, part in chunks(sentence.exact):
        keyword = _leading(keywords.strip_politeness(part), keywords)
        if keyword is None:
            continue
        if any(overlap((start, start + len(part)), blocker) for blocker in blockers):
            continue
        yield IntentFinding(
            intent=Intent(keyword.entry.intent),
            rule="keyword_in_sentence",
            keyword=keyword.word,
            language=keyword.language,
            asked=sentence.asked,
            doubted=together(keyword.language, doubts),
            bare=True,
            shared=keyword.shared,
        )


def _leading(words: list[str], keywords: KeywordIndex) -> Keyword | None:
    keyword = keywords.find(words) if words else None
    if keyword is None and len(set(words)) == 1:
        keyword = keywords.find(words[:1])
    if keyword is None or keyword.entry.match != "lead" or not keyword.certain:
        return None
    return keyword
