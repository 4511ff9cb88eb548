"""Scrubs: a list split, before a send, into who may be texted and who may not, and why.

Where the gate cannot tell of a single row, there is no clean list at all.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from sqlalchemy import func, select

from smsgate.features.lists.columns import ColumnNames
from smsgate.features.lists.import_result import ColumnName, Region
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.rows import (
    BLANK,
    MOBILE,
    REASONS,
    UNKNOWN,
    RowReader,
    SeenNumbers,
    kind_of,
    region_of,
)
from smsgate.files import whole
from smsgate.interface.operation import Progress
from smsgate.pipeline.history import History
from smsgate.pipeline.services import Services
from smsgate.records.reader import stream_of
from smsgate.records.tables import events

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
WINDOW = 50_000
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


class ScrubOptions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to read a list, and who wants to text it."""

    program: Annotated[str, msgspec.Meta(max_length=100, description="Sending program.")]
    region: Region = ""
    column: ColumnName = ""
    types: Annotated[
        bool,
        msgspec.Meta(description="Block numbers that are not mobile in their country's plan."),
    ] = False


class ScrubResult(msgspec.Struct, tag=True):
    """What became of a list."""

    format: str
    encoding: str
    rows: int = 0
    clean: int = 0
    """Rows that may be texted."""
    outcomes: dict[str, int] = {}
    """Rows that may not, by the reason."""
    unknown_kind: int = 0
    """Clean rows of which it is unknown whether they are mobile numbers."""


def scrub_list(
    services: Services,
    options: ScrubOptions,
    file: BinaryIO,
    clean: Path,
    blocked: Path,
    progress: Progress,
) -> ScrubResult:
    """Read a list and write both parts, in order, with its columns and its encoding.

    Raises ``ListUnreadable``, ``UnknownProgram``, ``StoreUnavailable``, ``StoreNotReady``; then
    nothing is written.
    """
    services.gate.check([], program=options.program)  # an empty list of no program is a fault
    list_file = ListFile(file, ColumnNames(options.column))
    found = ScrubResult(list_file.format, list_file.encoding)
    blocker = _Blocker(services, options, list_file)
    reasons: Counter[str] = Counter()
    with whole(clean) as clean_out, whole(blocked) as blocked_out:
        write_clean = _writer(clean_out, list_file)
        write_blocked = _writer(blocked_out, list_file)
        if list_file.header:
            write_clean([list_file.header])
            write_blocked([[*list_file.header, *COLUMNS]])
        width = len(list_file.header)
        for rows in _windows(list_file):
            why = blocker.reasons(rows)
            write_clean(row for row, reason in zip(rows, why, strict=True) if not reason)
            write_blocked(
                [*row, *[""] * (width - len(row)), reason, BLOCK_REASONS.get(reason, "")]
                for row, reason in zip(rows, why, strict=True)
                if reason not in ("", BLANK)
            )
            reasons.update(why)
            progress("Scrubbing", min(list_file.read_bytes, list_file.size), list_file.size)
    found.clean = reasons.pop("", 0)
    reasons.pop(BLANK, 0)
    found.rows = found.clean + reasons.total()
    found.outcomes = dict(reasons.most_common())
    found.unknown_kind = blocker.unknown_kind
    return found


def _windows(file: ListFile) -> Iterator[list[list[str]]]:
    window: list[list[str]] = []
    for _, row in file.rows():
        window.append(row)
        if len(window) >= WINDOW:
            yield window
            window = []
    yield window


def _writer(out: BinaryIO, file: ListFile):  # type: ignore[no-untyped-def]  # noqa: ANN202
    out.write(file.order_mark)
    # A line at a time: nothing stays behind when the file is closed.
    text = io.TextIOWrapper(out, file.encoding, file.errors, newline="", write_through=True)
    return csv.writer(text, delimiter=file.delimiter, lineterminator=file.newline).writerows


class _Blocker:
    """Says of rows why they may not be texted."""

    def __init__(self, services: Services, options: ScrubOptions, file: ListFile) -> None:
        self._gate = services.gate
        self._program = options.program
        self._mobile_only = options.types
        self._unreachable = unreachable(services)
        self._reader = RowReader(file.columns, region=region_of(options.region))
        self._seen = SeenNumbers()
        self.unknown_kind = 0

    def reasons(self, rows: list[list[str]]) -> list[str]:
        """Of each row why it is blocked; empty where it may be texted."""
        read = [self._reader.number(row) for row in rows]
        reasons = [reason for _, reason in read]
        new = self._seen.add("", {number for number, reason in read if not reason})
        places: dict[str, int] = {}
        for at, (number, reason) in enumerate(read):
            if not reason and (number not in new or places.setdefault(number, at) != at):
                reasons[at] = "duplicate"
        numbers = [*places]
        for at, answer in self._gate.refused(numbers, program=self._program).items():
            reasons[places[numbers[at]]] = answer.reason
        if self._unreachable or self._mobile_only:
            for number, at in places.items():
                reasons[at] = reasons[at] or self._why_unreachable(number)
        return reasons

    def _why_unreachable(self, number: str) -> str:
        """What is known against a number that may be texted; empty where there is nothing."""
        reason = self._unreachable.get(number, "")
        if reason or not self._mobile_only:
            return reason
        kind = kind_of(number)
        self.unknown_kind += kind == UNKNOWN
        return "" if kind in (MOBILE, UNKNOWN) else "not_mobile"


def unreachable(services: Services) -> Mapping[str, str]:
    """By number why no text reaches it: ``landline`` or ``dead``.

    A number that texted us after the newest report is not among them. Raises
    ``StoreUnavailable``, ``RecordsUnavailable``.
    """
    why: dict[str, str] = {}
    others: dict[str, list[int]] = {}
    newest: dict[str, int] = {}
    for event in History(services.store, services.records).of_kind(_KIND):
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
    if not why:
        return why
    about = select(events.c.number).where(events.c.kind == _KIND)
    asked = (
        select(events.c.number, func.max(events.c.received_us))
        .where(events.c.source == "text", events.c.number.in_(about))
        .group_by(events.c.number)
    )
    texted = {row[0]: row[1] for row in stream_of(services.records.database, asked)}
    return {
        number: reason for number, reason in why.items() if texted.get(number, 0) <= newest[number]
    }


def _final(note: str) -> str:
    if any(words in note for words in _LANDLINES):
        return LANDLINE
    return DEAD if any(words in note for words in _DEAD) else ""


def scrub_text(result: ScrubResult) -> str:
    """A result for somebody at a terminal."""
    lines = [f"{result.format}, {result.encoding}; {result.rows:,} rows."]
    lines.append(f"{result.clean:>12,}  can be texted")
    lines += [
        f"{count:>12,}  {name}: {BLOCK_REASONS.get(name, '')}"
        for name, count in result.outcomes.items()
    ]
    if result.unknown_kind:
        lines.append(f"For {result.unknown_kind:,} it is unknown whether they are mobile numbers.")
    return "\n".join(lines)
