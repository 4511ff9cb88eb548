"""What another keyword set would have decided differently, of the texts that were received.

Received texts are in the sample log, the ledger and the records. A reader may stop after any page
and go on later, in another process. So that what was read until then is a fair sample, the sources
take turns: of the sample log one partition after the other (numbers are spread over partitions by
a hash), of the records the newest texts, up to a limit.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from smsgate.classifier import Classifier
from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.messages import Decision, Entry
from smsgate.features.keyword_editor.comparison import label_of
from smsgate.records import Records
from smsgate.records.history import TextPlace
from smsgate.store.keys import PARTITIONS
from smsgate.store.store import Store

PAGE_SIZE = 500
MAX_RECORDED = 40_000
"""Texts of the records that are read at most."""
MAX_LEDGER = 5_000
"""Events of a partition's ledger; it is longer only where the records have been away for long."""
MAX_LISTED = 200
"""Different texts that are listed; the others are only counted."""
_ALARMING_SHARE = 0.02
"""From this share of all texts on, new opt-outs look like a mistake."""
_FEW = 10
"""So many new opt-outs are no alarm yet, however few texts there are."""
_ALL = -1
_POSITION = re.compile(
    r"(\d{1,3})\|(\d{1,15}-\d{1,12})?\|(-1|\d{1,6})\|(?:(\d{1,17}):([A-Za-z0-9-]{1,64}))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ReadPosition:
    """How far the received texts were read."""

    partition: int = 0
    """Whose sample log and ledger come next; ``PARTITIONS`` where all were read."""
    behind: str = ""
    """Id of the last text of the partition's sample log that was read."""
    count: int = 0
    """Texts of the records that were read; -1 where they have no more."""
    records: TextPlace | None = None
    """The last of them."""

    def __str__(self) -> str:
        """Return it as a form keeps it."""
        at = f"{self.records.received_us}:{self.records.event_id}" if self.records else ""
        return f"{self.partition}|{self.behind}|{self.count}|{at}"

    @property
    def share(self) -> float:
        """How much of everything was read, from 0 to 1."""
        recorded = 1.0 if self.count == _ALL else min(1.0, self.count / MAX_RECORDED)
        return (min(1.0, self.partition / PARTITIONS) + recorded) / 2

    @property
    def ended(self) -> bool:
        """Whether nothing is left."""
        return self.partition >= PARTITIONS and self.count == _ALL


def parse_position(text: str) -> ReadPosition:
    """Parse ``str(position)``; anything else is the beginning."""
    found = _POSITION.fullmatch(text)
    if found is None:
        return ReadPosition()
    partition, behind, count, us, id_ = found.groups(default="")
    return ReadPosition(int(partition), behind, int(count), TextPlace(int(us), id_) if us else None)


class TextSource:
    """Reads the texts to all programs. Raises ``StoreUnavailable``.

    While the records are away, it reads what the store has.
    """

    def __init__(
        self, store: Store, records: Records, *, ledger: bool = True, sample_log: bool = True
    ) -> None:
        """``ledger``: read the texts that changed something; ``sample_log``: the ordinary ones."""
        self._store = store
        self._records = records
        self._ledger = ledger
        self._sample_log = sample_log

    def pages(self, position: ReadPosition) -> Iterator[tuple[list[Entry], ReadPosition]]:
        """Yield pages of texts, each with the position behind it."""
        while not position.ended:
            if position.partition < PARTITIONS:
                found, position = self._of_store(position)
                yield _texts(found), position
            if position.count != _ALL:
                found, position = self._of_records(position)
                yield _texts(found), position

    def _of_store(self, position: ReadPosition) -> tuple[list[Entry], ReadPosition]:
        """Read a page of a partition's sample log, then at its end the partition's ledger."""
        partition, log = position.partition, self._store.sample_log
        page = log.page(partition, position.behind, PAGE_SIZE) if self._sample_log else []
        if page:
            return [entry for _, entry in page], replace(position, behind=page[-1][0])
        entries = []
        if self._ledger:
            events = [*islice(self._store.ledger_reader.of_partition(partition), MAX_LEDGER)]
            try:
                known = self._records.reader.has([one.id for one in events]) if events else set()
            except RecordsUnavailable:
                known = set()
            entries = [one.entry for one in events if one.entry and one.id not in known]
        return entries, replace(position, partition=partition + 1, behind="")

    def _of_records(self, position: ReadPosition) -> tuple[list[Entry], ReadPosition]:
        try:
            page = (
                self._records.received_texts.page(position.records, PAGE_SIZE)
                if self._ledger
                else []
            )
        except RecordsUnavailable:
            page = []
        if not page:
            return [], replace(position, count=_ALL)
        last, count = page[-1].event, position.count + len(page)
        more = len(page) == PAGE_SIZE and count < MAX_RECORDED
        behind = TextPlace(last.received_us or last.applied_us, last.id)
        entries = [one.event.entry for one in page if one.event.entry]
        return entries, replace(position, count=count if more else _ALL, records=behind)


def _texts(entries: list[Entry]) -> list[Entry]:
    """Leave out what is no text to a program, and texts that were erased since."""
    return [one for one in entries if one.text and one.program and one.source == "text"]


class ChangedText(NamedTuple):
    """A text that would be decided differently."""

    text: str
    program: str
    before: str
    after: str
    scope: str
    """Of the decision after, where the text names one."""
    rule: str
    keyword: str


@dataclass(slots=True)
class ReplayResult:
    """The differences, as far as texts were read."""

    position: ReadPosition = field(default_factory=ReadPosition)
    looked: int = 0
    """Texts to the programs concerned."""
    differ: int = 0
    stops: int = 0
    """Texts that would newly opt somebody out."""
    frees: int = 0
    """Texts that would not opt anybody out any more."""
    changes: dict[ChangedText, int] = field(default_factory=dict)
    """How many texts each difference is."""

    @property
    def listed(self) -> int:
        """How many differences are listed."""
        return len(self.changes)

    @property
    def is_alarming(self) -> bool:
        """Whether it would opt out so many that it looks like a mistake."""
        return is_alarming(self.stops, self.looked)


def is_alarming(stops: int, looked: int) -> bool:
    """Whether so many new opt-outs among so many texts look like a mistake."""
    return stops > _FEW and stops > _ALARMING_SHARE * looked


class TextReplay:
    """Decides every text twice; what repeats, and what the same sets decided, only once."""

    def __init__(
        self, before: Callable[[str], Classifier | None], after: Callable[[str], Classifier | None]
    ) -> None:
        """By a program's name the active classifier, and the one that is tried.

        None where a program is not concerned.
        """
        self._before = before
        self._after = after
        self._known: dict[tuple[str, str, str], ChangedText | None] = {}
        self._code_lengths: dict[str, int] = {}

    def run(self, texts: TextSource, position: ReadPosition, timeout_s: float) -> ReplayResult:
        """Read from a position on, for so many seconds at most. Raises ``StoreUnavailable``."""
        ends = time.monotonic() + timeout_s
        result = ReplayResult(position)
        for entries, behind in texts.pages(position):
            for entry in entries:
                self._count(entry, result)
            result.position = behind
            if time.monotonic() >= ends:
                break
        return result

    def _count(self, entry: Entry, result: ReplayResult) -> None:
        before, after = self._before(entry.program), self._after(entry.program)
        if before is None or after is None:
            return
        result.looked += 1
        if entry.decision.rule in ("provider_flag", "doubtful"):
            return  # no keyword decided that
        key = entry.program, entry.text, self._country(entry, before, after)
        if key not in self._known:
            self._known[key] = _compare(entry, before, after)
        change = self._known[key]
        if change is None:
            return
        stopped, stops = (one.startswith("opt_out") for one in (change.before, change.after))
        result.differ += 1
        result.stops += stops and not stopped
        result.frees += stopped and not stops
        if change in result.changes or len(result.changes) < MAX_LISTED:
            result.changes[change] = result.changes.get(change, 0) + 1

    def _country(self, entry: Entry, before: Classifier, after: Classifier) -> str:
        """Return as much of the number as any keyword asks for."""
        if entry.program not in self._code_lengths:
            self._code_lengths[entry.program] = max(
                (
                    len(code)
                    for classifier in (before, after)
                    for _, keyword in classifier.keywords
                    for code in keyword.entry.countries
                ),
                default=0,
            )
        return entry.number[: self._code_lengths[entry.program]]


def _compare(entry: Entry, before: Classifier, after: Classifier) -> ChangedText | None:
    old, new = entry.decision, after.classify(entry.text, entry.number)
    if old.version == before.version and _effect(old) == _effect(new):
        return None
    # The opt-out words of the program, and its region, may have changed since.
    old = before.classify(entry.text, entry.number)
    if _effect(old) == _effect(new):
        return None
    return ChangedText(
        entry.text,
        entry.program,
        label_of(old),
        label_of(new),
        new.scope,
        new.rule,
        new.keyword,
    )


def _effect(decision: Decision) -> tuple[str, str, str]:
    return decision.intent, decision.scope, decision.condition
