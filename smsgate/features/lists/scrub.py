"""Scrubs: a list parted, before a send, into who may be texted and who may not, and why.

Where the gate cannot tell of a single row, there is no clean list at all.
"""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from smsgate.features.lists.list_file import Block, ListFile
from smsgate.features.lists.rows import MOBILE, REASONS, UNKNOWN, Seen, kind_of, numbers_of
from smsgate.features.lists.shapes import Shape, with_values
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
    ``StoreUnavailable``, ``RecordsUnavailable``, ``RecordsNotReady``.
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
    texted = records.lists.texted_us(_KIND) if why else {}
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


WINDOW = 150_000
"""Rows about which the gate is asked together: the more, the less for each."""
BLOCKED = {
    **REASONS,
    "duplicate": "the same number stands in an earlier row",
    "opted_out": "opted out of this program",
    "opted_out_all": "opted out of everything",
    "hold": "an opt-out is being applied",
    "review": "a text of the number waits for a person's decision",
    "locked": "never to be texted again",
    "no_consent": "the program requires a consent, and none is on record",
    "landline": "a provider said that it is a landline",
    "dead": "a provider said that the number is not in use",
    "not_mobile": "by its country's numbering plan it is no mobile number",
    "invalid": "this is no phone number",
}
"""Why a row is blocked."""
COLUMNS = ("blocked_reason", "blocked_why")
Progress = Callable[[int], None]


@dataclass(slots=True)
class Scrubbed:
    """What became of a list."""

    shape: str
    encoding: str = ""
    """What its bytes were, as the whole list shows."""
    rows: int = 0
    clean: int = 0
    blocked: Counter[str] = field(default_factory=Counter)
    unknown_kind: int = 0
    """Clean rows of which it cannot be said whether they are mobile numbers."""


class Scrubbing:
    """Parts one list."""

    def __init__(
        self,
        gate: Gate,
        program: str,
        file: ListFile,
        unreachable: Mapping[int, str],
        *,
        region: str = "",
        kinds: bool = False,
    ) -> None:
        """``unreachable``: by digits why no text reaches a number. ``kinds``: look at them too."""
        self._gate = gate
        self._program = program
        self._file = file
        self._unreachable = unreachable
        self._region = region
        self._kinds = kinds
        self._seen = Seen()

    def part(
        self, source: BinaryIO, clean: BinaryIO, blocked: BinaryIO, progress: Progress
    ) -> Scrubbed:
        """Read the list from its source and write both parts, in order.

        Raises ``ListUnreadable``, ``UnknownProgram``, ``StoreUnavailable``, ``StoreNotReady``;
        what was written by then must not be used.
        """
        done = Scrubbed(self._file.shape.name)
        started, at = False, 0
        for blocks in self._windows():
            if not started:
                self._begin(clean, blocked)
                started = True
            self._write(blocks, clean, blocked, done)
            now = source.tell()
            progress(now - at)
            at = now
        if not started:
            self._gate.check([], program=self._program)  # an empty list of no program is a fault
            self._begin(clean, blocked)
        done.encoding = self._file.found.name
        return done

    def _windows(self) -> Iterator[list[Block]]:
        window: list[Block] = []
        rows = 0
        for block in self._file.blocks():
            window.append(block)
            rows += len(block.raws)
            if rows >= WINDOW:
                yield window
                window, rows = [], 0
        if window:
            yield window

    def _begin(self, clean: BinaryIO, blocked: BinaryIO) -> None:
        encoding, header = self._file.encoding, self._file.header
        for out in (clean, blocked):
            out.write(encoding.mark)
        if header:
            clean.write(encoding.encode(header))
            names = dict(zip(COLUMNS, COLUMNS, strict=True))
            blocked.write(encoding.encode(with_columns(header, self._file.shape, names)))

    def _write(
        self, blocks: list[Block], clean: BinaryIO, blocked: BinaryIO, done: Scrubbed
    ) -> None:
        raws = [raw for block in blocks for raw in block.raws]
        reasons = self._reasons(blocks, done)
        encode, shape = self._file.encoding.encode, self._file.shape
        if reasons:
            said = [
                with_columns(raws[at], shape, dict(zip(COLUMNS, _why(one), strict=True)))
                for at, one in sorted(reasons.items())
                if one != _BLANK
            ]
            blocked.write(encode("".join(said)))
            raws = [raw for at, raw in enumerate(raws) if at not in reasons]
        clean.write(encode("".join(raws)))
        counts = Counter(reasons.values())
        blank = counts.pop(_BLANK, 0)
        done.blocked.update(counts)
        done.clean += len(raws)
        done.rows += len(raws) + len(reasons) - blank

    def _reasons(self, blocks: list[Block], done: Scrubbed) -> dict[int, str]:
        """By place in the window why a row is blocked."""
        reasons: dict[int, str] = {}
        asked: list[str] = []
        places, at = array("I"), 0
        for block in blocks:
            numbers, problems = numbers_of(block.cells, self._region)
            self._note_problems(reasons, block, problems, at)
            add = self._seen.add
            for place, number in enumerate(numbers, at):
                if not number:
                    continue
                if add(int(number)):
                    asked.append(number)
                    places.append(place)
                else:
                    reasons[place] = "duplicate"
            at += len(numbers)
        refused = self._gate.refused(asked, program=self._program)
        reasons.update((places[at], answer.reason) for at, answer in refused.items())
        self._look_at_numbers(reasons, asked, places, done)
        return reasons

    def _note_problems(
        self, reasons: dict[int, str], block: Block, problems: Mapping[int, str], at: int
    ) -> None:
        for place, reason in problems.items():
            blank = reason == "empty" and not block.raws[place].strip()
            reasons[at + place] = _BLANK if blank else reason
        reasons.update((at + place, "bad_row") for place in block.broken)

    def _look_at_numbers(
        self, reasons: dict[int, str], asked: list[str], places: Sequence[int], done: Scrubbed
    ) -> None:
        """What is known of the numbers themselves, of those that may be texted."""
        if not (self._unreachable or self._kinds):
            return
        for place, number in zip(places, asked, strict=True):
            if place in reasons:
                continue
            reason = self._unreachable.get(int(number))
            if reason is None and self._kinds:
                kind = kind_of(number)
                done.unknown_kind += kind == UNKNOWN
                reason = None if kind in (MOBILE, UNKNOWN) else "not_mobile"
            if reason is not None:
                reasons[place] = reason


_BLANK = ""
"""Of a line without anything in it, which is in neither part."""


def _why(reason: str) -> tuple[str, str]:
    return reason, BLOCKED.get(reason, "")
