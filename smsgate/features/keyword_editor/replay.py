"""What another keyword set would change: keywords, and decisions about received texts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import msgspec

from smsgate.classifier import Classifier
from smsgate.domain.messages import Decision, Entry
from smsgate.interface.operation import Progress
from smsgate.records import Records
from smsgate.store.keys import PARTITIONS
from smsgate.store.store import Store

PAGE_SIZE = 500
MAX_RECORDED = 40_000
"""Texts of the records that are read at most."""
MAX_LISTED = 200
"""Different texts that are listed; the others are only counted."""
_ALARMING_SHARE = 0.02
"""From this share of all texts on, new opt-outs look like a mistake."""
_FEW = 10
"""So many new opt-outs are no alarm yet, however few texts there are."""


class ChangedText(msgspec.Struct):
    """A text that would be decided differently."""

    text: str
    program: str
    before: str
    after: str
    rule: str
    """Of the decision after, as its keyword."""
    keyword: str
    count: int = 1
    """How many such texts there are."""


class DraftEffect(msgspec.Struct):
    """What a change of a keyword set would do."""

    added: list[str]
    """Keywords that come, and what each asks for; one that changes its meaning is gone, too."""
    removed: list[str]
    """Keywords that go."""
    looked: int = 0
    """Received texts to those programs that were read."""
    differ: int = 0
    stops: int = 0
    """Texts that would newly opt somebody out."""
    frees: int = 0
    """Texts that would not opt anybody out any more."""
    is_complete: bool = False
    """Whether every text that is kept was read, in the time that there was."""
    changes: list[ChangedText] = []
    """The first 200 that differ."""

    @property
    def is_alarming(self) -> bool:
        """Whether so many new opt-outs among so many texts look like a mistake."""
        return self.stops > _FEW and self.stops > _ALARMING_SHARE * self.looked


def find_effect(
    store: Store,
    records: Records,
    classifiers: Mapping[str, tuple[Classifier, Classifier]],
    timeout_s: float,
    progress: Progress,
) -> DraftEffect:
    """Compare keywords, and decide received texts again, for so many seconds at most.

    ``classifiers``: by program the active one, and the one that is tried. Raises
    ``StoreUnavailable``.
    """
    ends = time.monotonic() + timeout_s
    # By program: what one loses another may have from another set.
    both = [({*_meanings(old)}, {*_meanings(new)}) for old, new in classifiers.values()]
    added = {one for old, new in both for one in new - old}
    removed = {one for old, new in both for one in old - new}
    result = DraftEffect(sorted(added), sorted(removed))
    listed: dict[tuple[str, str, str, str], ChangedText] = {}
    for page in read_texts(store, records):
        for entry in (one for one in page if one.program in classifiers):
            result.looked += 1
            before, after = _decide(entry, *classifiers[entry.program])
            if _effect(before) == _effect(after):
                continue
            result.differ += 1
            result.stops += after.intent.stops and not before.intent.stops
            result.frees += before.intent.stops and not after.intent.stops
            key = entry.text, entry.program, label_of(before), label_of(after)
            if key in listed:
                listed[key].count += 1
            elif len(listed) < MAX_LISTED:
                listed[key] = ChangedText(*key, after.rule, after.keyword)
        progress("Texts compared", result.looked, 0)
        if time.monotonic() >= ends:
            break
    else:
        result.is_complete = True
    result.changes = [*listed.values()]
    return result


def _meanings(classifier: Classifier) -> Iterator[str]:
    """Yield what each keyword means, with what people type."""
    for typed, one in classifier.keywords:
        yield f"{typed} ({one.entry.intent}, {one.entry.match}, {one.entry.risk} risk)"


def _decide(entry: Entry, before: Classifier, after: Classifier) -> tuple[Decision, Decision]:
    old = entry.decision
    if old.rule in ("provider_flag", "doubtful"):
        return old, old  # no keyword decided that
    new = after.classify(entry.text, entry.number)
    if old.version != before.version or _effect(old) != _effect(new):
        # The opt-out words of the program, and its region, may have changed since.
        old = before.classify(entry.text, entry.number)
    return old, new


def _effect(decision: Decision) -> tuple[str, str, str]:
    return decision.intent, decision.scope, decision.condition


def label_of(decision: Decision) -> str:
    """Return the decision's label: a conditional opt-in is ``none`` until it is settled."""
    return "none" if decision.condition else decision.intent.value


def read_texts(store: Store, records: Records) -> Iterator[list[Entry]]:
    """Yield pages of received texts. Sources take turns, so that the first are a fair sample.

    Raises ``StoreUnavailable`` and ``RecordsUnavailable``.
    """
    sources = [_recorded(records)]
    sources += [_ordinary(store, partition) for partition in range(PARTITIONS)]
    while sources:
        for source in [*sources]:
            page = next(source, None)
            if page is None:
                sources.remove(source)
                continue
            # What was erased since, and what was no text, is left out.
            yield [one for one in page if one.text and one.source == "text"]


def _ordinary(store: Store, partition: int) -> Iterator[list[Entry]]:
    """Yield the texts of a partition's sample log."""
    behind = ""
    while page := store.sample_log.page(partition, behind, PAGE_SIZE):
        yield [entry for _, entry in page]
        behind = page[-1][0]


def _recorded(records: Records) -> Iterator[list[Entry]]:
    """Yield the newest recorded texts: those that changed something."""
    behind = None
    for _ in range(MAX_RECORDED // PAGE_SIZE):
        page = records.reader.newest(PAGE_SIZE, source="text", before=behind)
        yield [one.event.entry for one in page if one.event.entry]
        if len(page) < PAGE_SIZE:
            return
        behind = page[-1].place
