"""From the wordings found in a text's sentences to what the text asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from smsgate.messages import Intent
from smsgate.optout.phrases import Match, Phrases, Span
from smsgate.optout.reading import Sentence, chunks
from smsgate.optout.whole import Keyword, Keywords

_TAKES_OUT = frozenset({"none", "never", "mention", "help", "opt_in", "review"})
"""What takes an opt-out that it overlaps out of play."""
_OUT = ("opt_out", "opt_out_all")
_WEAKER = ("opt_in", "help", "review")
_ONLY_TAKES_OUT = ("none", "never", "mention")
_ORDER = (Intent.OPT_OUT_ALL, Intent.OPT_OUT, Intent.OPT_IN, Intent.HELP, Intent.REVIEW)
_CONFIDENCE = {"phrase": 0.95, "keyword_in_sentence": 0.9}


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

    @property
    def confidence(self) -> float:
        """How sure such a finding is."""
        return _CONFIDENCE.get(self.rule, 0.9)


class Said(NamedTuple):
    """All that a text says."""

    findings: list[Finding]
    automatic: Match | None
    laughs: bool
    all_scopes: bool


def said(sentences: Iterable[Sentence], phrases: Phrases, keywords: Keywords) -> Said:
    """Read every sentence and collect what it says."""
    findings: list[Finding] = []
    automatic: Match | None = None
    laughs = everything = False
    for sentence in sentences:
        seen = phrases.occurrences(sentence.exact, sentence.folded)
        matches = phrases.matches(seen)
        automatic = automatic or next((m for m in matches if m.pattern.means == "auto"), None)
        laughs = laughs or not phrases.signs_of_class["laugh"].isdisjoint(seen)
        here = _findings(sentence, matches, keywords)
        findings += here
        if any(finding.intent.stops for finding in here):
            everything = everything or _everything(phrases, seen)
    return Said(findings, automatic, laughs, everything)


def _everything(phrases: Phrases, seen: Mapping[int, list[Span]]) -> bool:
    """Whether a word such as ``all`` is there, and not only in ``not at all``."""
    others = [span for sign in phrases.signs_of_class["notall"] for span in seen.get(sign, ())]
    return any(
        not any(start <= at < end for start, end in others)
        for sign in phrases.signs_of_class["all"]
        for at, _ in seen.get(sign, ())
    )


def _findings(sentence: Sentence, matches: list[Match], keywords: Keywords) -> list[Finding]:
    matches = [match for match in matches if _placed(match, sentence, keywords)]
    blockers = [match for match in matches if match.pattern.means in _TAKES_OUT]
    doubted = any(match.pattern.means == "doubt" for match in matches)
    found = [
        Finding(
            Intent(match.pattern.means), "phrase", match.pattern.written, match.pattern.language,
            sentence.asked, doubted,
        )
        for match in sorted(matches, key=lambda match: (match.start, -match.end))
        if _stands(match, blockers)
    ]  # fmt: skip
    return found + list(_keywords_alone(sentence, blockers, keywords, doubted=doubted))


def _stands(match: Match, blockers: Sequence[Match]) -> bool:
    """Whether nothing takes the match out of play: see ``_blocks``."""
    means = match.pattern.means
    if means in _OUT:
        return not any(_blocks(blocker, match) for blocker in blockers)
    if means in _WEAKER:
        return not any(
            blocker.pattern.means in _ONLY_TAKES_OUT and _blocks(blocker, match)
            for blocker in blockers
        )
    return False


def _blocks(blocker: Match, match: Match) -> bool:
    """Whether they overlap, unless the match is the longer one and covers the blocker.

    ``don't stop`` takes ``stop texting`` out, but ``asking you to stop`` covers ``you to stop``.
    """
    if not _overlap((match.start, match.end), blocker):
        return False
    covered = match.start <= blocker.start and blocker.end <= match.end
    longer = match.end - match.start > blocker.end - blocker.start
    return blocker.pattern.means == "never" or not (covered and longer)


def _overlap(span: tuple[int, int], other: Match) -> bool:
    return span[0] < other.end and other.start < span[1]


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
    sentence: Sentence, blockers: Sequence[Match], keywords: Keywords, *, doubted: bool
) -> Iterable[Finding]:
    """Keywords that are all there is between two pauses: ``I already voted. Stop``."""
    for start, part in chunks(sentence.exact):
        keyword = _leading(keywords.bared(part), keywords)
        if keyword is None:
            continue
        if any(_overlap((start, start + len(part)), blocker) for blocker in blockers):
            continue
        yield Finding(
            Intent(keyword.entry.intent), "keyword_in_sentence", keyword.word, keyword.language,
            sentence.asked, doubted, bare=True,
        )  # fmt: skip


def _leading(words: list[str], keywords: Keywords) -> Keyword | None:
    keyword = keywords.find(words) if words else None
    if keyword is None and len(set(words)) == 1:
        keyword = keywords.find(words[:1])
    if keyword is None or keyword.entry.match != "lead" or not keyword.certain:
        return None
    return keyword


def strongest(findings: Sequence[Finding]) -> Finding | None:
    """The finding that counts most."""
    for intent in _ORDER:
        for finding in findings:
            if finding.intent is intent:
                return finding
    return None
