"""``smsgate dev`` applies what is changed in ``config/`` by itself, and says what is wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from smsgate.domain.errors import ConfigurationError, SmsGateError
from smsgate.pipeline.background_thread import BackgroundThread
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.configuration_rollout import apply_configuration
from smsgate.pipeline.services import build_store
from smsgate.settings import Settings

PERIOD_S = 0.1


class ConfigWatch(BackgroundThread):
    """Looks at the files of a folder until it is closed."""

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
        super().__init__("config watch", first_pause_s=PERIOD_S, close_timeout_s=10.0)
        self._folder = folder
        self._prepare = prepare
        self._apply = apply
        self._say = say
        self._applied = self._seen = file_versions(folder)
        self._problem = ""

    def run_once(self) -> float:
        """Check for changes."""
        self.check()
        return PERIOD_S

    def check(self) -> None:
        """Apply the files if one of them has changed and none is being written.

        Of a file that is half written, what is there may be a configuration without a fault. So the
        files have to stay the same for a moment, in which what is there is made ready.
        """
        found = file_versions(self._folder)
        if found == self._applied:
            return
        if found != self._seen:
            self._seen, began = found, time.monotonic()
            self._prepare()
            if time.monotonic() - began < PERIOD_S or file_versions(self._folder) != found:
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


def file_versions(folder: Path) -> frozenset[tuple[str, int, int, int]]:
    """Name, inode, last write and size of each file of a configuration."""
    found = set()
    for file in (folder / "smsgate.toml", *(folder / "keywords").glob("*.toml")):
        with suppress(OSError):  # gone, which changes what is found
            about = file.stat()
            found.add((file.name, about.st_ino, about.st_mtime_ns, about.st_size))
    return frozenset(found)
