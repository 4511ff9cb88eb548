"""A file of numbers on its way in: rehearsed whole, then entered window by window.

Nothing is entered before the whole file was read once without a fault that makes it no list. The
id of the list is made of its contents and of what was asked for, and each window has a part of its
own; so the same file has one effect, however often it comes and wherever the first try ended. Once
that was undone, the same file is another list: its id has a dot and how often it was undone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import BinaryIO, NamedTuple

from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.domain.messages import ALL
from smsgate.features.lists.errors import ListUnreadable
from smsgate.features.lists.import_record import State, scope_of
from smsgate.features.lists.import_summary import (
    DUPLICATE,
    NOT_COUNTED,
    SHOWN,
    ImportRow,
    ImportSummary,
    Result,
    count_programs,
)
from smsgate.features.lists.list_file import ListFile
from smsgate.features.lists.number_import import ImportRequest, NumberImport
from smsgate.features.lists.rows import ListRows, NumberSet, rows_of
from smsgate.features.lists.shapes import NO_COLUMNS, ColumnChoice, plain
from smsgate.features.lists.storage import ListStorage
from smsgate.pipeline.manual import check_program
from smsgate.pipeline.services import Services
from smsgate.settings import Settings

WINDOW = 8_000
"""Rows that are entered together: some hundreds for each partition."""
REMEMBERED = 4_000_000
"""Numbers among which duplicates are told apart; later ones are repeats of what is applied."""
_STATES: tuple[State, ...] = ("opted_out", "subscribed")
"""In this order: beside an opt-out of the same window a consent is refused."""
Progress = Callable[[int], None]
"""Takes how many bytes more were read."""


class RowGroup(NamedTuple):
    """What rows say alike of their numbers."""

    state: State
    program: str
    """A program, or ``all``."""


@dataclass(slots=True)
class ImportWindow:
    """Rows that are entered together."""

    rows: list[tuple[int, str, str, str, RowGroup | None, str]] = field(default_factory=list)
    """Line, cell, number; why the row is not used; its group where it could be; its program."""
    numbers: dict[RowGroup, dict[str, tuple[int, str]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    """By group the numbers, since when and from where."""


class FileImport:
    """One file, and what is to be done with its rows."""

    def __init__(
        self,
        services: Services,
        request: ImportRequest,
        file: BinaryIO,
        *,
        region: str = "",
        form: str = "auto",
        column: str = "",
        columns: ColumnChoice = NO_COLUMNS,
        forced: bool = False,
        allowed: Collection[str] = (),
    ) -> None:
        """Recognise the file.

        Args:
            services: enter the numbers, and know which parts were entered once.
            request: what all rows have in common; its state is that of rows that do not say.
            file: can be read twice.
            region: for numbers without a country.
            form: one of ``shapes.FORMATS``.
            column: the column of the numbers.
            columns: those of date, state, program and source. Where one says the program, a request
                without a program enters each row for its own; one with a program enters only the
                rows of that, and one about all programs enters every row.
            forced: whether the request's state holds even where the rows say another.
            allowed: the programs that rows may be for; empty: every program.

        Raises ``ListUnreadable``, ``UnknownProgram``, ``Unfit``.
        """
        check_request(services.settings, request, columns)
        self._number_import = NumberImport(services)
        self._settings = services.settings
        self._storage = ListStorage(services.records.database)
        self._request = request
        self._bytes = file
        self._file = ListFile(file, form, column, columns)
        self._names = _names_of(services.settings, request.program, allowed)
        self._seen: dict[RowGroup, NumberSet] = {}
        """By state and scope the numbers of the rows that were read so far."""
        self._region = region
        self._forced = forced
        self._options = [request.program, request.state, region, form, column, str(forced)]
        if columns != NO_COLUMNS:  # else the id of a list stays what it was
            self._options += [columns.since, columns.state, columns.program]
        if columns.source:
            self._options.append(columns.source)

    def rehearse(self, progress: Progress, result: Result | None = None) -> ImportSummary:
        """Read the whole file and say what would become of it; nothing is entered.

        Raises ``ListUnreadable``, ``StoreUnavailable``, ``StoreNotReady``.
        """
        return self._through(progress, result, self._rehearsed)

    def apply(
        self, rehearsed: ImportSummary, progress: Progress, result: Result | None
    ) -> ImportSummary:
        """Enter what was rehearsed, and wait until all of it is applied. Raises as ``rehearse``."""
        id_, known = self._known(rehearsed.list_id)
        request = replace(self._request, id=id_)

        def enter(group: RowGroup, numbers: dict[str, tuple[int, str]], part: str) -> list[str]:
            part += group.state[0]
            return self._number_import.enter(
                [*numbers],
                replace(request, state=group.state, program=group.program),
                [since_us for since_us, _ in numbers.values()],
                [source for _, source in numbers.values()],
                part=part if self._request.program else f"{part}-{group.program}",
                known=known,
            )

        summary = self._through(progress, result, enter)
        if summary.list_id != rehearsed.list_id:
            raise ListUnreadable("the file was changed while it was imported: import it again")
        summary.list_id = request.id
        if summary.outcomes["applied"]:
            counts = ", ".join(f"{count} {name}" for name, count in summary.outcomes.most_common())
            self._number_import.conclude(request, f"{summary.rows} rows: {counts}", summary.changes)
        return summary

    def _known(self, list_id: str) -> tuple[str, Collection[str]]:
        """The id that the list is entered under, and its parts that were entered before."""
        with suppress(RecordsUnavailable):  # then the store's 48 hours have to do
            undone = self._storage.undone(list_id)
            list_id = f"{list_id}.{undone}" if undone else list_id
            return list_id, self._storage.parts(list_id)
        return list_id, ()

    def needs_words(self, summary: ImportSummary) -> bool:
        """Whether rows would record a consent without the words that were agreed to."""
        return summary.subscribed > 0 and self._request.consent is None

    def _rehearsed(self, group: RowGroup, numbers: dict[str, tuple[int, str]], _: str) -> list[str]:
        request = replace(self._request, state=group.state, program=group.program)
        outcomes = self._number_import.rehearse([*numbers], request)
        # By then the opt-outs of earlier rows of this file will have been applied.
        scope = scope_of(self._settings, group.program)
        is_consent = group.state == "subscribed"
        scopes = {ALL, scope} if is_consent else {ALL} - {scope}
        keys = [RowGroup("opted_out", one) for one in scopes]
        opted_out = [self._seen[key] for key in keys if key in self._seen]
        if not opted_out:
            return outcomes
        return [
            ("refused" if is_consent else "repeat")
            if outcome == "new" and any(int(number) in some for some in opted_out)
            else outcome
            for number, outcome in zip(numbers, outcomes, strict=True)
        ]

    def _scoped(self, group: RowGroup) -> RowGroup:
        """The state and where it holds: rows of programs with one scope do the same."""
        if group.state == "subscribed":
            return group
        return RowGroup(group.state, scope_of(self._settings, group.program))

    def _through(
        self,
        progress: Progress,
        result: Result | None,
        work: Callable[[RowGroup, dict[str, tuple[int, str]], str], list[str]],
    ) -> ImportSummary:
        summary, self._seen = ImportSummary(self._file.shape.name), {}
        changed: Counter[RowGroup] = Counter()
        digest = sha256("\n".join(self._options).encode())
        for part, window in enumerate(self._windows(summary, digest.update, progress)):
            outcomes: dict[RowGroup, dict[str, str]] = {}
            for group in sorted(window.numbers, key=self._order):
                some = window.numbers[group]
                outcomes[group] = dict(zip(some, work(group, some, f"{part}"), strict=True))
                found = Counter(outcomes[group].values())
                changed[self._scoped(group)] += found["new"] + found["applied"]
            _count(summary, window, outcomes)
            if result is not None:
                for line, cell, number, reason, used, program in window.rows:
                    if used is None or reason:
                        result(ImportRow(line, cell, number, reason, program=program))
                    else:
                        outcome = outcomes[used][number]
                        result(ImportRow(line, cell, number, outcome, used.state, program))
        summary.changes = [
            self._number_import.change(
                replace(self._request, program=group.program), group.state, count
            )
            for group, count in changed.items()
        ]
        summary.encoding = self._file.detector.name
        summary.list_id = f"import-{digest.hexdigest()[:32]}"
        return summary

    def _windows(
        self, summary: ImportSummary, update: Callable[[bytes], None], progress: Progress
    ) -> Iterator[ImportWindow]:
        window, at = ImportWindow(), 0
        for block in self._file.blocks():
            rows = rows_of(
                block,
                self._file.shape,
                self._region,
                self._names,
                others_are_wrong=not self._request.program,
            )
            count_programs(summary.by_program, block.programs)
            unknown = [
                block.programs[place]
                for place, reason in rows.problems.items()
                if reason == "unknown_program"
            ]
            count_programs(summary.unknown_programs, unknown)
            summary.undated += sum(
                not since_us and bool(text.strip())
                for since_us, text in zip(rows.since_us, block.sinces, strict=True)
            )
            update("".join(block.raws).encode("utf-8", "surrogatepass"))
            self._gather(rows, window, summary)
            now = self._bytes.tell()
            progress(now - at)
            at = now
            if len(window.rows) >= WINDOW:
                yield window
                window = ImportWindow()
        yield window

    def _gather(self, rows: ListRows, window: ImportWindow, summary: ImportSummary) -> None:
        block, problems = rows.block, rows.problems
        groups: dict[tuple[State, str], tuple[RowGroup, NumberSet]] = {}
        program, since_us, source = self._request.program, 0, ""
        for place, (number, cell) in enumerate(zip(rows.numbers, block.cells, strict=True)):
            reason = problems.get(place, "") if problems else ""
            if rows.programs:
                program = rows.programs[place]
            group = None
            if not reason:
                said = self._state(rows, place), program
                if said not in groups:
                    new = RowGroup(*said)
                    groups[said] = new, self._seen.setdefault(self._scoped(new), NumberSet())
                group, seen = groups[said]
                if seen.add(int(number)):
                    since_us = rows.since_us[place] if rows.since_us else 0
                    source = rows.sources[place] if rows.sources else ""
                    window.numbers[group][number] = since_us, source
                else:
                    reason = DUPLICATE
            window.rows.append((block.line_of(place), cell, number, reason, group, program))
        if sum(one.count for one in self._seen.values()) >= REMEMBERED:
            self._seen = {}
        summary.rows += len(block.cells)

    def _order(self, group: RowGroup) -> tuple[int, bool, str]:
        """Of the groups of a window those that may decide others come first."""
        state = _STATES.index(group.state)
        return state, self._scoped(group).program != ALL, group.program

    def _state(self, rows: ListRows, place: int) -> State:
        if rows.states and not self._forced:
            return "subscribed" if rows.states[place] == "subscribed" else "opted_out"
        return self._request.state


def check_request(settings: Settings, request: ImportRequest, columns: ColumnChoice) -> None:
    """Raise ``UnknownProgram`` or ``Unfit`` where it does not say for which program rows are."""
    if not request.program and not columns.program:
        raise Unfit(
            "Say for which program the list is, or which column names the program of each row.",
            field="program",
        )
    if request.program and (request.program != ALL or request.state == "subscribed"):
        check_program(settings, request.program)


def _names_of(settings: Settings, name: str, allowed: Collection[str]) -> dict[str, str] | None:
    """By what a file may call it the program that is meant; None where every row is.

    ``name`` is the one program that is meant, or empty for every one of ``allowed``. What two
    programs are called is none of them, unless it is the very name of one.
    """
    if name == ALL:
        return None
    programs = [one for one in settings.programs if one.name == name or not name]
    programs = [one for one in programs if not allowed or one.name in allowed]
    titles: dict[str, set[str]] = defaultdict(set)
    for program in programs:
        for title in (program.title, *program.formerly):
            titles[plain(title)].add(program.name)
    names = {title: found.pop() for title, found in titles.items() if title and len(found) == 1}
    return names | {plain(one.name): one.name for one in programs}


def _count(
    summary: ImportSummary, window: ImportWindow, outcomes: Mapping[RowGroup, Mapping[str, str]]
) -> None:
    for group, some in outcomes.items():
        found = Counter(some.values())
        summary.outcomes.update(found)
        summary.programs.setdefault(group.program, Counter()).update(found)
        summary.subscribed += len(some) if group.state == "subscribed" else 0
    if len(window.rows) == sum(map(len, outcomes.values())):
        return  # every row is one of them
    for line, cell, number, reason, _, program in window.rows:
        if not reason:
            continue
        if program and reason not in NOT_COUNTED:
            summary.programs.setdefault(program, Counter())[reason] += 1
        if reason == DUPLICATE:
            summary.outcomes[reason] += 1
            continue
        summary.problems[reason] += 1
        if len(summary.first) < SHOWN and reason not in (*NOT_COUNTED, "other_program"):
            summary.first.append(ImportRow(line, cell, number, reason, program=program))
