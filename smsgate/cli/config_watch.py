"""``smsgate dev`` applies what is changed in ``config/`` by itself, and says what is wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from smsgate.domain.errors import ConfigurationError, SmsGateError
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.configuration_rollout import apply_configuration
from smsgate.pipeline.services import build_store
from smsgate.settings import Settings

PERIOD_S = 0.1
FileVersions = frozenset[tuple[str, int, int, int]]
"""Name, inode, time of the last write and size of each file."""


class ConfigWatch:
    """Looks at the files of a folder, in a thread of its own, until it is closed."""

    def __init__(
        self,
        folder: Path,
        prepare: Callable[[], None],
        apply: Callable[[], str],
        say: Callable[[str], None],
    ) -> None:
        """``prepare()`` makes ready what takes long, whatever is there, and raises nothing.

        ``apply()`` raises what is wrong, or returns what is to be said then.
        """
        self._folder = folder
        self._prepare = prepare
        self._apply = apply
        self._say = say
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="config watch", daemon=True)
        self._applied = self._seen = file_versions(folder)
        self._problem = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._ending.set()
        self._thread.join(10)

    def check(self) -> None:
        """Apply the files if one of them has changed and none is being written.

        Of a file that is half written, what is there may be a configuration without a fault. While
        it is seen whether one is being written, what is there is made ready.
        """
        found = file_versions(self._folder)
        if found == self._applied or not self._is_complete(found):
            return
        try:
            said = self._apply()
        except ConfigurationError as error:
            said = f"{error}\nNothing has changed: mend it, and it is applied."
        except SmsGateError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                self._say(f"{error}\nNothing has changed: it is tried again.")
            return
        self._applied, self._problem = found, ""
        self._say(said)

    def _is_complete(self, found: FileVersions) -> bool:
        """Whether these have been the same for a moment."""
        if found == self._seen:
            return True
        self._seen = found
        began = time.monotonic()
        self._prepare()
        return time.monotonic() - began >= PERIOD_S and file_versions(self._folder) == found

    def _run(self) -> None:
        while not self._ending.wait(PERIOD_S):
            self.check()


def config_watch_of(
    settings: Settings, environ: Mapping[str, str], say: Callable[[str], None]
) -> ConfigWatch:
    """A watch that hands a change to the processes as ``smsgate config apply`` does."""
    store = build_store(settings)

    def prepare() -> None:
        with suppress(SmsGateError):  # the compiled sets are kept, faults are told when applying
            load_configuration(environ)

    def apply() -> str:
        applied = apply_configuration(environ, store, "smsgate dev")
        return f"{settings.config_dir} has changed: version {applied.version} is applied."

    return ConfigWatch(settings.config_dir, prepare, apply, say)


def file_versions(folder: Path) -> FileVersions:
    """What changes when one of the files of a configuration does."""
    found = set()
    for file in (folder / "smsgate.toml", *(folder / "keywords").glob("*.toml")):
        with suppress(OSError):  # gone, which changes what is found
            about = file.stat()
            found.add((file.name, about.st_ino, about.st_mtime_ns, about.st_size))
    return frozenset(found)
