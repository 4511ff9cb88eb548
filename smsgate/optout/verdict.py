"""From the wordings found in a text's sentences to what the text asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from smsgate.messages import Intent
from smsgate.optout.keywords import ANY_LANGUAGE
from smsgate.optout.patterns import Match, Span
from smsgate.optout.phrases import LEAD, Phrases
from smsgate.optout.reading import Sentence, chunks
from smsgate.optout.whole import Keyword, Keywords

_OUT = ("opt_out", "opt_out_all")
_WEAKER = ("opt_in", "help", "review")
_TAKES_OUT = ("none", "never", "mention")
"""What takes any other wording that it overlaps out of play."""
_ORDER = (Intent.OPT_OUT_ALL, Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP, Intent.REVIEW)


_LONG = 40
"""Words from which an opt-out somewhere in a text is left to a person."""


class Finding(NamedTuple):
    """One thing that a sentence says."""

    intent: Intent
    rule: str
    keyword: str
    language: str
    asked: bool = False
    doubted: bool = False
    bare: bool = False
    """Only a keyword that stands alone in its sentence."""


class Said(NamedTuple):
    """All that a text says."""

    findings: list[Finding]
    automatic: Match | None
    laughs: bool
    everything: frozenset[str]
    """Languages in which a word such as ``all`` stands beside an opt-out."""
    weight: Counter[str]
    """How much of the text each language explains."""


def said(
    sentences: Iterable[Sentence], phrases: Phrases, keywords: Keywords, awake: frozenset[str]
) -> Said:
    """Read every sentence in some languages and collect what it says."""
    findings: list[Finding] = []
    automatic: Match | None = None
    laughs = False
    everything: set[str] = set()
    weight: Counter[str] = Counter()
    leading = set(phrases.signs(LEAD).values())
    laughter = set(phrases.signs("laugh").values())
    for sentence in _different(sentences):
        seen = phrases.occurrences(sentence.exact, sentence.folded, awake)
        laughs = laughs or not laughter.isdisjoint(seen)
        matches = phrases.matches(seen)
        if not matches and leading.isdisjoint(seen):
            continue
        automatic = automatic or next((m for m in matches if m.pattern.means == "auto"), None)
        here = _findings(sentence, [*matches, *phrases.silent(seen)], keywords)
        findings += here
        weight.update(phrases.languages(seen))
        if any(finding.intent.stops for finding in here):
            everything |= _everything(phrases, seen)
    return Said(findings, automatic, laughs, frozenset(everything), weight)


def _different(sentences: Iterable[Sentence]) -> Iterator[Sentence]:
    """Each sentence once, however often it is repeated."""
    seen: set[str] = set()
    for sentence in sentences:
        key = " ".join(sentence.exact)
        if key not in seen:
            seen.add(key)
            yield sentence


def _everything(phrases: Phrases, seen: Mapping[int, list[Span]]) -> set[str]:
    """Languages in which ``all`` is said, and not only as in ``not at all``."""
    others = phrases.signs("notall")
    return {
        language
        for language, sign in phrases.signs("all").items()
        for at, _ in seen.get(sign, ())
        if not any(start <= at < end for start, end in seen.get(others.get("en", -1), ()))
    }


def _findings(sentence: Sentence, matches: list[Match], keywords: Keywords) -> list[Finding]:
    matches = [match for match in matches if _placed(match, sentence, keywords)]
    matches = [match for match in matches if not _undone(match, matches)]
    doubts = {match.pattern.language for match in matches if match.pattern.means == "doubt"}
    found = [
        Finding(
            intent=Intent(match.pattern.means),
            rule="phrase",
            keyword=match.pattern.written,
            language=match.pattern.language,
            asked=sentence.asked,
            doubted=_together(match.pattern.language, doubts),
        )
        for match in sorted(matches, key=lambda match: (match.start, -match.end))
        if _stands(match, matches)
    ]
    return found + list(_keywords_alone(sentence, matches, keywords, doubts))


def _undone(match: Match, matches: Sequence[Match]) -> bool:
    """Whether a wish for texts is part of a longer wording that refuses them."""
    return match.pattern.means == "opt_in" and any(
        other.pattern.means in _OUT and other.start < match.start < other.end for other in matches
    )


def _stands(match: Match, matches: Sequence[Match]) -> bool:
    """Whether nothing takes the match out of play: see ``_blocks``."""
    means = match.pattern.means
    if means not in _OUT and means not in _WEAKER:
        return False
    return not any(_outranks(other, match) and _blocks(other, match) for other in matches)


def _outranks(other: Match, match: Match) -> bool:
    if other.pattern.means in _TAKES_OUT:
        return True
    if match.pattern.means not in _OUT or other.pattern.means not in _WEAKER:
        return False
    return other.pattern.means == "help" or other.pattern.language == match.pattern.language


def _blocks(blocker: Match, match: Match) -> bool:
    """Whether they overlap, unless the match is the longer one and covers the blocker.

    ``don't stop`` takes ``stop texting`` out, but ``asking you to stop`` covers ``you to stop``.
    """
    if not _overlap((match.start, match.end), blocker):
        return False
    if match.pattern.firm and blocker.pattern.means == "none":
        return False
    if blocker.pattern.means in ("never", "help"):
        return True
    covered = match.start <= blocker.start and blocker.end <= match.end
    longer = match.end - match.start > blocker.end - blocker.start
    return not (covered and longer)


def _overlap(span: Span, other: Match) -> bool:
    return span[0] < other.end and other.start < span[1]


def _together(language: str, others: Iterable[str]) -> bool:
    """Whether a language is among the others, or either is the one for all languages."""
    return any(language == other or ANY_LANGUAGE in (language, other) for other in others)


def _placed(match: Match, sentence: Sentence, keywords: Keywords) -> bool:
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
    sentence: Sentence, matches: Sequence[Match], keywords: Keywords, doubts: set[str]
) -> Iterator[Finding]:
    """Keywords that are all there is between two pauses: ``I already voted. Stop``."""
    blockers = [
        other for other in matches if other.pattern.means in _TAKES_OUT + _WEAKER
    ]  # fmt: skip
    for start, part in chunks(sentence.exact):
        keyword = _leading(keywords.bared(part), keywords)
        if keyword is None:
            continue
        if any(_overlap((start, start + len(part)), blocker) for blocker in blockers):
            continue
        yield Finding(
            intent=Intent(keyword.entry.intent),
            rule="keyword_in_sentence",
            keyword=keyword.word,
            language=keyword.language,
            asked=sentence.asked,
            doubted=_together(keyword.language, doubts),
            bare=True,
        )


def _leading(words: list[str], keywords: Keywords) -> Keyword | None:
    keyword = keywords.find(words) if words else None
    if keyword is None and len(set(words)) == 1:
        keyword = keywords.find(words[:1])
    if keyword is None or keyword.entry.match != "lead" or not keyword.certain:
        return None
    return keyword


def strongest(what: Said) -> Finding | None:
    """The finding that counts most, in the language that explains most of the text."""
    for intent in _ORDER:
        found = [finding for finding in what.findings if finding.intent is intent]
        if found:
            return max(found, key=lambda finding: what.weight[finding.language])
    return None


def settled(finding: Finding, what: Said, words: int) -> tuple[Intent, str]:
    """A finding, or a review where something in a text of so many words speaks against acting."""
    if not finding.intent.stops:
        return finding.intent, finding.rule
    if finding.doubted:
        return Intent.REVIEW, "doubt"
    if finding.bare and finding.asked:
        return Intent.REVIEW, "keyword_as_question"
    if finding.bare and what.laughs:
        return Intent.REVIEW, "keyword_with_laughter"
    if words > _LONG:
        return Intent.REVIEW, "long_text"
    starts = [other.language for other in what.findings if other.intent is Intent.OPT_IN]
    if _together(finding.language, starts):
        return Intent.REVIEW, "stop_and_start"
    if finding.intent is Intent.OPT_OUT and _together(finding.language, what.everything):
        return Intent.OPT_OUT_ALL, finding.rule
    return finding.intent, finding.rule
