"""Scrubs: a list parted, before a send, into who may be texted and who may not, and why.

Where the gate cannot tell of a single row, there is no clean list at all.
"""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from smsgate.features.lists.list_file import Block, ListFile
from smsgate.features.lists.rows import MOBILE, REASONS, UNKNOWN, NumberSet, kind_of, numbers_of
from smsgate.features.lists.shapes import Shape, with_values
from smsgate.features.lists.storage import ListStorage
from smsgate.pipeline.gate import Gate
from smsgate.pipeline.history import History
from smsgate.records import Records
from smsgate.store import Store

LANDLINE, DEAD = "landline", "dead"
_KIND = "unreachable"
_LANDLINES = ("landline", "no mobile number")
_DEAD = (
    "no longer in use", "unknown", "no such number", "not allocated", "not valid",
    "no phone number", "no number that can be texted", "out of service for good",
    "no network has such", "does not know the number", "for good",
)  # fmt: skip
"""What our adapters note of reports that are final; a handset that is off is no such thing."""
_OFTEN = 3
"""So many other reports, over ``_SPAN_US`` at least, are final too."""
_SPAN_US = 7 * 86_400_000_000


def unreachable(store: Store, records: Records) -> Mapping[int, str]:
    """By number (digits of E.164) why no text reaches it: ``landline`` or ``dead``.

    A number that texted us after the newest report is not among them. Raises
    ``StoreUnavailable``, ``RecordsUnavailable``.
    """
    why: dict[str, str] = {}
    others: dict[str, list[int]] = {}
    newest: dict[str, int] = {}
    for event in History(store, records).of_kind(_KIND):
        note = event.entry.decision.note if event.entry is not None else ""
        newest[event.number] = event.received_us
        found = _final(note)
        if found:
            why[event.number] = found
            continue
        times = others.setdefault(event.number, [])
        times.append(event.received_us)
        if len(times) >= _OFTEN and times[-1] - times[0] >= _SPAN_US:
            why.setdefault(event.number, DEAD)
    texted = ListStorage(records.database).texted_us(_KIND) if why else {}
    return {
        int(number[1:]): reason
        for number, reason in why.items()
        if number[1:].isdigit() and texted.get(number, 0) <= newest[number]
    }


def _final(note: str) -> str:
    if any(words in note for words in _LANDLINES):
        return LANDLINE
    return DEAD if any(words in note for words in _DEAD) else ""


def with_columns(raw: str, shape: Shape, added: dict[str, str]) -> str:
    """A record with columns (keys) behind its own; it ends as it did, or with a line's end."""
    body = raw.rstrip("\r\n")
    end = raw[len(body) :] or shape.newline
    if shape.kind == "ndjson":
        return with_values(body, added) + end
    missing = 0
    if shape.header and shape.kind == "csv":
        missing = len(shape.header) - len(_row(body, shape.delimiter))
    cells = [*[""] * max(missing, 0), *added.values()]
    return shape.delimiter.join([body, *(_quoted(one, shape.delimiter) for one in cells)]) + end


def _row(body: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(body.splitlines(keepends=True), delimiter=delimiter), [])
    except csv.Error:
        return []


def _quoted(cell: str, delimiter: str) -> str:
    bare = not any(one in cell for one in (delimiter, '"', "\n"))
    return cell if bare else '"' + cell.replace('"', '""') + '"'


_BLANK = ""
"""Of a line without anything in it, which is in neither part."""
WINDOW = 150_000
"""Rows about which the gate is asked together: the more, the less for each."""
BLOCK_REASONS = {
    **REASONS,
    "duplicate": "same number as an earlier row",
    "opted_out": "opted out of this program",
    "opted_out_all": "opted out of everything",
    "hold": "opt-out being applied",
    "review": "a text from the number is in review",
    "locked": "locked, never to be texted",
    "no_consent": "no consent on record, and the program requires one",
    "landline": "a landline, according to a provider",
    "dead": "not in use, according to a provider",
    "not_mobile": "not a mobile number in its country",
    "invalid": "not a phone number",
}
"""Why a row is blocked."""
COLUMNS = ("blocked_reason", "blocked_why")
Progress = Callable[[int], None]


@dataclass(slots=True)
class ScrubSummary:
    """What became of a list."""

    shape: str
    encoding: str = ""
    """What its bytes were, as the whole list shows."""
    rows: int = 0
    clean: int = 0
    blocked: Counter[str] = field(default_factory=Counter)
    unknown_kind: int = 0
    """Clean rows of which it cannot be said whether they are mobile numbers."""


class Scrub:
    """Parts one list."""

    def __init__(
        self,
        gate: Gate,
        program: str,
        file: ListFile,
        unreachable: Mapping[int, str],
        *,
        region: str = "",
        mobile_only: bool = False,
    ) -> None:
        """Prepare it.

        Args:
            gate: says who may be texted.
            program: that wants to text.
            file: the list.
            unreachable: by digits why no text reaches a number.
            region: for numbers without a country.
            mobile_only: block what its country's plan says is no mobile number.
        """
        self._gate = gate
        self._program = program
        self._file = file
        self._unreachable = unreachable
        self._region = region
        self._mobile_only = mobile_only
        self._seen = NumberSet()

    def run(
        self, source: BinaryIO, clean: BinaryIO, blocked: BinaryIO, progress: Progress
    ) -> ScrubSummary:
        """Read the list from its source and write both parts, in order.

        Raises ``ListUnreadable``, ``UnknownProgram``, ``StoreUnavailable``, ``StoreNotReady``;
        what was written by then must not be used.
        """
        self._gate.check([], program=self._program)  # an empty list of no program is a fault
        summary, at = ScrubSummary(self._file.shape.name), 0
        for place, window in enumerate(self._windows()):
            if place == 0:
                self._write_header(clean, blocked)
            self._write(window, clean, blocked, summary)
            now = source.tell()
            progress(now - at)
            at = now
        summary.encoding = self._file.detector.name
        return summary

    def _windows(self) -> Iterator[Block]:
        """The records in large blocks; at least one, which may be empty."""
        window = Block(0)
        for block in self._file.blocks():
            window.broken.update(len(window.raws) + place for place in block.broken)
            window.raws += block.raws
            window.cells += block.cells
            if len(window.raws) >= WINDOW:
                yield window
                window = Block(0)
        yield window

    def _write_header(self, clean: BinaryIO, blocked: BinaryIO) -> None:
        encoding, header = self._file.encoding, self._file.header
        for out in (clean, blocked):
            out.write(encoding.mark)
        if header:
            clean.write(encoding.encode(header))
            names = dict(zip(COLUMNS, COLUMNS, strict=True))
            blocked.write(encoding.encode(with_columns(header, self._file.shape, names)))

    def _write(
        self, window: Block, clean: BinaryIO, blocked: BinaryIO, summary: ScrubSummary
    ) -> None:
        reasons = self._reasons(window, summary)
        encode, shape, raws = self._file.encoding.encode, self._file.shape, window.raws
        rows = []
        for place, reason in sorted(reasons.items()):
            if reason != _BLANK:
                columns = dict(zip(COLUMNS, (reason, BLOCK_REASONS.get(reason, "")), strict=True))
                rows.append(with_columns(raws[place], shape, columns))
        blocked.write(encode("".join(rows)))
        allowed = [raw for place, raw in enumerate(raws) if place not in reasons]
        clean.write(encode("".join(allowed)))
        summary.blocked.update(reason for reason in reasons.values() if reason != _BLANK)
        summary.clean += len(allowed)
        summary.rows += len(allowed) + len(rows)

    def _reasons(self, window: Block, summary: ScrubSummary) -> dict[int, str]:
        """By place in the window why a row is blocked."""
        numbers, reasons = numbers_of(window.cells, self._region)
        for place in [place for place, reason in reasons.items() if reason == "empty"]:
            if not window.raws[place].strip():
                reasons[place] = _BLANK
        reasons.update(dict.fromkeys(window.broken, "bad_row"))
        fresh: list[str] = []
        places, add = array("I"), self._seen.add
        for place, number in enumerate(numbers):
            if number and add(int(number)):
                fresh.append(number)
                places.append(place)
            elif number:
                reasons[place] = "duplicate"
        refused = self._gate.refused(fresh, program=self._program)
        reasons.update((places[at], answer.reason) for at, answer in refused.items())
        if self._unreachable or self._mobile_only:
            for place, number in zip(places, fresh, strict=True):
                reason = "" if place in reasons else self._why_unreachable(number, summary)
                if reason:
                    reasons[place] = reason
        return reasons

    def _why_unreachable(self, number: str, summary: ScrubSummary) -> str:
        """What is known against a number that may be texted; empty where there is nothing."""
        reason = self._unreachable.get(int(number), "")
        if reason or not self._mobile_only:
            return reason
        kind = kind_of(number)
        summary.unknown_kind += kind == UNKNOWN
        return "" if kind in (MOBILE, UNKNOWN) else "not_mobile"
