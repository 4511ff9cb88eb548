"""What is known of an errand, as its folder keeps it."""

from __future__ import annotations

from typing import Literal

import msgspec

from smsgate.features.lists.import_record import ImportChange

Kind = Literal["import", "scrub", "export", "undo"]
Step = Literal["", "rehearse", "apply", "part", "export", "look", "undo"]
State = Literal["waiting", "working", "done", "failed"]


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an operator asks for, as the options of the command line."""

    program: str = ""
    """A program, or ``all``."""
    state: str = ""
    """Of an import: ``opted_out`` or ``subscribed`` for every row; empty as the file says."""
    region: str = ""
    column: str = ""
    form: str = "auto"
    words: str = ""
    medium: str = "other"
    types: bool = False
    """Of a scrub: whether to block what is no mobile number."""
    states: tuple[str, ...] = ()
    """Of an export: only these."""
    since_us: int = 0
    list_id: str = ""
    """Of an undo: the import that is undone."""
    reason: str = ""


class Line(msgspec.Struct, frozen=True):
    """A row that could not be used, as it can be shown."""

    line: int
    cell: str
    outcome: str


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a step found."""

    shape: str = ""
    encoding: str = ""
    list_id: str = ""
    rows: int = 0
    subscribed: int = 0
    """Rows that say that somebody subscribed."""
    outcomes: dict[str, int] = {}
    """What became of numbers, or why rows of a scrub are blocked."""
    note: str = ""
    """Of an undo: what it did, or would do, in a sentence."""
    problems: dict[str, int] = {}
    changes: tuple[ImportChange, ...] = ()
    """Of an import: what it would change, or did, by state."""
    first: tuple[Line, ...] = ()
    unused: int = 0
    """Rows that could not be used."""
    clean: int = 0
    """Of a scrub: rows that may be texted. Of an export: its numbers."""
    unknown_kind: int = 0


class Errand(msgspec.Struct, frozen=True, omit_defaults=True):
    """One errand."""

    id: str
    kind: Kind
    operator: str
    """Whose it is."""
    name: str
    """Of the file, as it was given; only ever shown."""
    made_us: int
    size: int = 0
    """Bytes of the file."""
    step: Step = ""
    """The newest; empty while nothing was asked for yet."""
    state: State = "done"
    """Of the step."""
    asked: Asked = Asked()
    read: int = 0
    """How far the step is: bytes that were read, or numbers that were written."""
    problem: str = ""
    """Of a step that failed: what would be right."""
    told: Told | None = None
    v: int = 1

    @property
    def busy(self) -> bool:
        """Whether a step has begun and not ended, be it interrupted or not."""
        return bool(self.step) and self.state in ("waiting", "working")

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.step in ("apply", "part", "export", "undo") and self.state == "done"
