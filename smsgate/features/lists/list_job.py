"""What is noted of a list job: whose it is, what was asked for, how far it is, and its result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import msgspec

from smsgate.domain.errors import SmsGateError
from smsgate.features.lists.import_record import NoSuchList
from smsgate.features.lists.import_result import ImportOptions, ImportResult
from smsgate.features.lists.import_undo import UndoResult
from smsgate.features.lists.scrub import ScrubOptions, ScrubResult

KEPT_DAYS = 7
"""How long after its last change a folder stays."""
Kind = Literal["import", "scrub", "undo"]


class ListsUnavailable(SmsGateError):
    """The place where uploaded lists are kept cannot be used."""

    status = 503


class ListUser(NamedTuple):
    """Who looks at lists: their own, or an admin at everybody's."""

    name: str
    sees_all: bool = False


class UndoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which import is undone, and why."""

    import_id: str
    reason: str = ""


class ListJob(msgspec.Struct, frozen=True, omit_defaults=True):
    """A list job with its newest step."""

    id: str
    kind: Kind
    actor: str
    """Whose it is."""
    name: str
    """Of the file, as it was given; only ever shown."""
    made_us: int
    size: int = 0
    """Bytes of the file."""
    step: Literal["", "preview", "apply"] = ""
    """The newest; empty while nothing was asked for yet. A scrub has no preview."""
    state: Literal["waiting", "working", "done", "failed"] = "done"
    """Of the step."""
    import_options: ImportOptions | None = None
    scrub_options: ScrubOptions | None = None
    undo_options: UndoOptions | None = None
    allowed: tuple[str, ...] = ()
    """Of an import: the programs that rows may be for; empty: every program."""
    done: int = 0
    """How far the step is, in bytes or numbers."""
    total: int = 0
    problem: str = ""
    """Of a step that failed: what would be right."""
    result: ImportResult | ScrubResult | UndoResult | None = None
    starts: int = 0
    """How often the step was begun."""

    @property
    def is_busy(self) -> bool:
        """Whether a step was asked for and has not ended."""
        return self.state in ("waiting", "working")

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.step == "apply" and self.state == "done"


def unknown_list() -> NoSuchList:
    """The error of a job that is not there."""
    return NoSuchList(
        "There is no such list, or it is gone: lists are removed when they are "
        f"{KEPT_DAYS} days old."
    )


@contextmanager
def usable_directory() -> Iterator[None]:
    """Turn errors of the file system into ``ListsUnavailable``."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ListsUnavailable(
            f"The data directory cannot be used ({error.strerror}): your administrator must make "
            "SMSGATE_DATA_DIR writable, with free space."
        ) from error
