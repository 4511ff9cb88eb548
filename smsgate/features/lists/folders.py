"""The folders of errands. They hold people's numbers: their owner's only, and gone after days.

The names of files in them are ours; nothing of what was uploaded goes into a path.
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
from typing import BinaryIO

import msgspec

from smsgate.domain.errors import ListsUnavailable, NoSuchList, Unfit
from smsgate.features.lists.values import Errand

LIMIT = 1 << 30
"""Bytes of a file that is uploaded."""
KEPT_DAYS = 7
"""How long after its last change a folder stays."""
_ARRIVES_S = 24 * 3600
"""How long after its last change a folder stays in which nothing has arrived yet."""
_ROOM = 256 << 20
"""Bytes that stay free: the data directory is also where opt-outs wait for a store that is away."""
_PATIENCE_S = 0.5
_ID = re.compile(r"[0-9a-f]{32}")
_STATE, _LOCK, _UPLOAD = "errand.json", "lock", "upload"

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Errand).decode


class Folder:
    """The folder of one errand."""

    def __init__(self, path: Path) -> None:
        """Touch nothing yet."""
        self._path = path
        self.id = path.name

    def file(self, name: str) -> Path:
        """Where a file of the errand is, of a name that is ours."""
        return self._path / name

    @property
    def upload(self) -> Path:
        """What was uploaded."""
        return self._path / _UPLOAD

    def read(self) -> Errand:
        """How the errand stands. Raises ``NoSuchList``."""
        try:
            return _decode((self._path / _STATE).read_bytes())
        except (OSError, msgspec.MsgspecError) as error:
            raise _unknown() from error

    def write(self, errand: Errand) -> None:
        """Note how the errand stands; for whoever holds the lock. Raises ``NoSuchList``."""
        new = self._path / f".{_STATE}"
        new.unlink(missing_ok=True)
        try:
            with private(new) as out:
                out.write(_encode(errand))
            new.replace(self._path / _STATE)
        except FileNotFoundError as error:
            raise _unknown() from error

    def hold(self) -> int | None:
        """Take the errand for oneself; a handle for ``let_go``, None where somebody has it.

        The lock ends with the process. Raises ``NoSuchList``.
        """
        pause = threading.Event()
        until = time.monotonic() + _PATIENCE_S  # somebody may be looking, see ``held``
        while True:
            handle = self._locked(fcntl.LOCK_EX)
            if handle is not None or time.monotonic() > until:
                return handle
            pause.wait(0.02)

    def held(self) -> bool:
        """Whether somebody is at work on it."""
        handle = self._locked(fcntl.LOCK_SH)
        if handle is None:
            return True
        os.close(handle)
        return False

    def remove(self) -> None:
        """Take everything away; for whoever holds the lock."""
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


class Folders:
    """All folders of errands in a data directory."""

    def __init__(self, data_dir: Path) -> None:
        """Touch nothing yet."""
        self._path = data_dir / "lists"

    def make(self) -> Folder:
        """A new folder, empty. Raises ``ListsUnavailable``."""
        path = self._path / secrets.token_hex(16)
        with _usable():
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
        return Folder(path)

    def find(self, id_: str) -> Folder:
        """The folder of that id. Raises ``NoSuchList``."""
        if not _ID.fullmatch(id_) or not (self._path / id_).is_dir():
            raise _unknown()
        return Folder(self._path / id_)

    def all(self) -> Iterator[Folder]:
        """Every folder, in no order. Raises ``ListsUnavailable``."""
        with _usable(), suppress(FileNotFoundError):
            paths = [*self._path.iterdir()]
            yield from (Folder(path) for path in paths if _ID.fullmatch(path.name))

    def tidy(self) -> None:
        """Take away what is too old, unless somebody is at work on it."""
        now = time.time()
        for folder in self.all():
            with suppress(NoSuchList, OSError):
                if now > _ends_s(folder) and not folder.held():
                    folder.remove()

    def room(self, wanted: int) -> None:
        """Raise ``Unfit`` unless the disk has room for so many bytes more.

        Raises ``ListsUnavailable``.
        """
        with _usable():
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            free = shutil.disk_usage(self._path).free
        if free < wanted + _ROOM:
            raise Unfit(
                f"There is no room for this on the server's disk: {free >> 20:,} MiB are free. "
                "Remove lists that are done, or ask whoever runs the server."
            )


def _ends_s(folder: Folder) -> float:
    """When a folder is too old, in seconds since 1970."""
    state = folder.file(_STATE)
    if state.exists():
        return state.stat().st_mtime + KEPT_DAYS * 24 * 3600
    return folder.file("").stat().st_mtime + _ARRIVES_S


def private(path: Path) -> BinaryIO:
    """A new file that only its owner may read, open for writing. Raises ``FileExistsError``."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


def let_go(handle: int) -> None:
    """Let others have what ``Folder.hold`` took."""
    os.close(handle)


@contextmanager
def _usable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ListsUnavailable(
            f"The data directory cannot be used ({error.strerror}): whoever runs the server has "
            "to make SMSGATE_DATA_DIR writable, with room."
        ) from error


def _unknown() -> NoSuchList:
    return NoSuchList(
        "There is no such list, or it is gone: lists are removed when they are "
        f"{KEPT_DAYS} days old."
    )
