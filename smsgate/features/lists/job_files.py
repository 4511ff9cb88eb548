"""The folders of list jobs in the data directory: uploads, results, and how each job stands.

They hold people's numbers: only their owner may read them, and they are removed after days. The
names of files are ours; nothing of what was uploaded goes into a path.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import msgspec

from smsgate.domain.errors import Unfit
from smsgate.features.lists.errors import ListsUnavailable, NoSuchList
from smsgate.features.lists.import_record import ImportChange
from smsgate.files import whole

MAX_UPLOAD_BYTES = 1 << 30
KEPT_DAYS = 7
"""How long after its last change a folder stays."""
_ARRIVAL_S = 24 * 3600
"""How long after its last change a folder stays in which nothing has arrived yet."""
_RESERVE_BYTES = 256 << 20
"""Stay free: the data directory is also where opt-outs wait for a store that is away."""
_LOCK_WAIT_S = 0.5
_ID = re.compile(r"[0-9a-f]{32}")
_STATE, _LOCK = "job.json", "lock"

Kind = Literal["import", "scrub", "export", "undo"]
Step = Literal["", "rehearse", "apply", "part", "export", "look", "undo"]


class ListUser(NamedTuple):
    """Who looks at lists: their own, or an admin at everybody's."""

    name: str
    sees_all: bool = False

    def may_see(self, owner: str) -> bool:
        """Whether a list of that operator is shown to them."""
        return self.sees_all or self.name == owner


class ListRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an operator asks for, as the options of the command line."""

    program: str = ""
    """A program, or ``all``; of an import also empty: then each row says its program."""
    state: str = ""
    """Of an import: ``opted_out`` or ``subscribed`` for every row; empty as the file says."""
    region: str = ""
    column: str = ""
    since_column: str = ""
    state_column: str = ""
    program_column: str = ""
    source_column: str = ""
    """Of an import: the columns of date, state, program and source; empty where there is none."""
    allowed: tuple[str, ...] = ()
    """Of an import: the programs that rows may be for; empty: every program."""
    form: str = "auto"
    words: str = ""
    medium: str = "other"
    types: bool = False
    """Of a scrub: whether to block numbers that are not mobile."""
    states: tuple[str, ...] = ()
    """Of an export: only these."""
    since_us: int = 0
    list_id: str = ""
    """Of an undo: the import that is undone."""
    reason: str = ""


class UnusedRow(msgspec.Struct, frozen=True):
    """A row that could not be used, as it can be shown."""

    line: int
    cell: str
    outcome: str


class StepResult(msgspec.Struct, frozen=True, omit_defaults=True):
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
    by_program: dict[str, int] = {}
    """Of an import: rows by what its program column says."""
    programs: dict[str, dict[str, int]] = {}
    """Of an import: by program what became of its rows."""
    unknown_programs: dict[str, int] = {}
    """Of an import: rows whose program there is not, by what they say."""
    undated: int = 0
    """Of an import: rows with a date that cannot be read."""
    changes: tuple[ImportChange, ...] = ()
    """Of an import: what it would change, or did, by state."""
    first: tuple[UnusedRow, ...] = ()
    unused: int = 0
    """Rows that could not be used."""
    clean: int = 0
    """Of a scrub: rows that may be texted. Of an export: its numbers."""
    unknown_kind: int = 0


class ListJob(msgspec.Struct, frozen=True, omit_defaults=True):
    """A list job with its newest step, as stored in ``job.json``."""

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
    state: Literal["waiting", "working", "done", "failed"] = "done"
    """Of the step."""
    request: ListRequest = ListRequest()
    read: int = 0
    """How far the step is: bytes that were read, or numbers that were written."""
    problem: str = ""
    """Of a step that failed: what would be right."""
    result: StepResult | None = None
    v: int = 1
    rq_id: str = ""
    """Of the RQ job that runs the step; empty where none was enqueued."""
    restarts: int = 0
    """How often a worker took the step up again by itself."""

    @property
    def is_busy(self) -> bool:
        """Whether a step has begun and not ended, be it interrupted or not."""
        return bool(self.step) and self.state in ("waiting", "working")

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.step in ("apply", "part", "export", "undo") and self.state == "done"


class JobFolder:
    """The folder of one list job."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.id = path.name

    def file(self, name: str) -> Path:
        """Where a file of the job is, of a name that is ours."""
        return self._path / name

    @property
    def upload(self) -> Path:
        """What was uploaded."""
        return self._path / "upload"

    def read(self) -> ListJob:
        """How the job stands. Raises ``NoSuchList``."""
        try:
            return msgspec.json.decode((self._path / _STATE).read_bytes(), type=ListJob)
        except (OSError, msgspec.MsgspecError) as error:
            raise _unknown() from error

    def write(self, job: ListJob) -> None:
        """Write down how the job stands; only while the lock is held. Raises ``NoSuchList``."""
        try:
            with whole(self._path / _STATE) as out:
                out.write(msgspec.json.encode(job))
        except FileNotFoundError as error:
            raise _unknown() from error

    @contextmanager
    def lock(self, wait_s: float = _LOCK_WAIT_S) -> Iterator[bool]:
        """Lock the job while the block runs; gives False if another process holds it.

        It ends with the process, however that ends. Raises ``NoSuchList``.
        """
        until, pause = time.monotonic() + wait_s, threading.Event()
        while (handle := self._locked(fcntl.LOCK_EX)) is None and time.monotonic() < until:
            pause.wait(0.02)  # somebody may be in ``is_locked``
        try:
            yield handle is not None
        finally:
            if handle is not None:
                os.close(handle)

    def is_locked(self) -> bool:
        """Whether a process works on it. Raises ``NoSuchList``."""
        handle = self._locked(fcntl.LOCK_SH)
        if handle is not None:
            os.close(handle)
        return handle is None

    def remove(self) -> None:
        """Remove everything; only while the lock is held."""
        shutil.rmtree(self._path, ignore_errors=True)

    def _locked(self, kind: int) -> int | None:
        try:
            handle = os.open(self._path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unknown() from error
        try:
            fcntl.flock(handle, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle


class JobFolders:
    """All folders of list jobs in a data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / "lists"

    def queue_name(self) -> str:
        """The RQ queue of this data directory, whose worker alone finds its files.

        Raises ``ListsUnavailable``.
        """
        file = self._data_dir / "lists.id"
        with _usable():
            if not file.exists():
                self._data_dir.mkdir(parents=True, exist_ok=True)
                own = file.with_name(f"lists.id.{secrets.token_hex(8)}")
                own.write_text(secrets.token_hex(8), encoding="ascii")
                try:
                    os.link(own, file)  # the first of two processes names it
                except FileExistsError:
                    pass
                except OSError:  # a file system without hard links
                    own.replace(file)
                own.unlink(missing_ok=True)
            return f"lists-{file.read_text(encoding='ascii').strip()}"

    def make(self) -> JobFolder:
        """A new folder, empty. Raises ``ListsUnavailable``."""
        path = self._path / secrets.token_hex(16)
        with _usable():
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
        return JobFolder(path)

    def find(self, id_: str) -> JobFolder:
        """The folder of that id. Raises ``NoSuchList``."""
        if not _ID.fullmatch(id_) or not (self._path / id_).is_dir():
            raise _unknown()
        return JobFolder(self._path / id_)

    def all(self) -> Iterator[JobFolder]:
        """Every folder, in no order. Raises ``ListsUnavailable``."""
        with _usable(), suppress(FileNotFoundError):
            paths = [*self._path.iterdir()]
            yield from (JobFolder(path) for path in paths if _ID.fullmatch(path.name))

    def tidy(self) -> None:
        """Remove expired jobs, unless a process works on them."""
        now = time.time()
        for folder in self.all():
            with suppress(NoSuchList, OSError):
                if now > _expires_at(folder) and not folder.is_locked():
                    folder.remove()

    def check_room(self, wanted_bytes: int) -> None:
        """Raise ``Unfit`` unless the disk has room for so much more, ``ListsUnavailable``."""
        with _usable():
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(self._path).free
        if free < wanted_bytes + _RESERVE_BYTES:
            raise Unfit(
                f"There is no space for this on the server's disk: {free >> 20:,} MiB are free. "
                "Remove lists that are done, or ask your administrator."
            )


class Upload:
    """A file that arrives in a folder."""

    def __init__(self, folder: JobFolder, operator: str) -> None:
        self._folder = folder
        self._operator = operator
        self._file: BinaryIO | None = None
        self.job: ListJob | None = None

    def file(self) -> BinaryIO:
        """Where its bytes go; there is one file. Raises ``Unfit`` where another one came."""
        if self._file is not None:
            raise Unfit("Give one file at a time.")
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        self._file = os.fdopen(os.open(self._folder.upload, flags, 0o600), "w+b")
        return self._file

    def keep(self, kind: str, name: str) -> ListJob:
        """Keep the file, which is whole now. Raises ``Unfit`` where it is empty."""
        if kind not in ("import", "scrub"):
            raise Unfit("Say what the list is for: import or scrub.")
        size = self._file.seek(0, os.SEEK_END) if self._file is not None else 0
        if not size:
            raise Unfit("Choose a file that is not empty.")
        self.job = ListJob(
            id=self._folder.id,
            kind="import" if kind == "import" else "scrub",
            operator=self._operator,
            name=_printable(name),
            made_us=time.time_ns() // 1000,
            size=size,
        )
        self._folder.write(self.job)
        return self.job

    def close(self) -> None:
        """End the upload; what was not kept is removed."""
        if self._file is not None:
            self._file.close()
        if self.job is None:
            self._folder.remove()


def _printable(name: str) -> str:
    """The last part of a file's name, as it can be shown in one line."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(one for one in last if one.isprintable())[:100].strip() or "list"


def _expires_at(folder: JobFolder) -> float:
    """When a folder is too old, in seconds since 1970."""
    state = folder.file(_STATE)
    if state.exists():
        return state.stat().st_mtime + KEPT_DAYS * 24 * 3600
    return folder.file("").stat().st_mtime + _ARRIVAL_S


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ListsUnavailable(
            f"The data directory cannot be used ({error.strerror}): your administrator must make "
            "SMSGATE_DATA_DIR writable, with free space."
        ) from error


def _unknown() -> NoSuchList:
    return NoSuchList(
        "There is no such list, or it is gone: lists are removed when they are "
        f"{KEPT_DAYS} days old."
    )
