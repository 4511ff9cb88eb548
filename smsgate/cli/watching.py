"""``smsgate dev`` applies what is changed in ``config/`` by itself, and says what is wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from smsgate.domain.errors import ConfigurationError, SmsGateError
from smsgate.pipeline.configuration import load_configuration
from smsgate.pipeline.configuration_rollout import apply_configuration
from smsgate.pipeline.services import build_store
from smsgate.settings import Settings

PERIOD_S = 0.1
Stamps = tuple[tuple[str, int, int, int], ...]


class Watching:
    """Looks at the files of a folder, in a thread of its own, until it is told to end."""

    def __init__(
        self,
        folder: Path,
        prepare: Callable[[], None],
        apply: Callable[[], str],
        say: Callable[[str], None],
    ) -> None:
        """``prepare()`` makes ready what takes long, whatever is there, and raises nothing.

        ``apply()`` raises what is wrong, or gives what is to be said then.
        """
        self._folder = folder
        self._prepare = prepare
        self._apply = apply
        self._say = say
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)
        self._known = self._seen = stamps(folder)
        self._waits = ""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._ending.set()
        self._thread.join(10)

    def turn(self) -> None:
        """Apply the files if one of them has changed and none is being written.

        Of a file that is half written, what is there may be a configuration without a fault. While
        it is seen whether one is being written, what is there is made ready.
        """
        found = stamps(self._folder)
        if found == self._known or not self._at_rest(found):
            return
        try:
            said = self._apply()
        except ConfigurationError as error:
            said = f"{error}\nNothing has changed: mend it, and it is applied."
        except SmsGateError as error:
            self._wait(str(error))
            return
        self._known, self._waits = found, ""
        self._say(said)

    def _at_rest(self, found: Stamps) -> bool:
        """Whether these have stood for a moment."""
        if found == self._seen:
            return True
        self._seen = found
        began = time.monotonic()
        self._prepare()
        return time.monotonic() - began >= PERIOD_S and stamps(self._folder) == found

    def _wait(self, problem: str) -> None:
        if problem != self._waits:
            self._waits = problem
            self._say(f"{problem}\nNothing has changed: it is tried again.")

    def _run(self) -> None:
        while not self._ending.wait(PERIOD_S):
            self.turn()


def watching_of(settings: Settings, environ: Mapping[str, str], console: Console) -> Watching:
    """What hands a change to the processes as ``smsgate config apply`` does."""
    store = build_store(settings)

    def prepare() -> None:
        with suppress(SmsGateError):  # the compiled sets are kept, faults are told when applying
            load_configuration(environ)

    def apply() -> str:
        applied = apply_configuration(environ, store, "smsgate dev")
        return f"{settings.config_dir} has changed: version {applied.version} is applied."

    def say(text: str) -> None:
        console.print(Text(text, style="bold yellow"), soft_wrap=True)

    return Watching(settings.config_dir, prepare, apply, say)


def stamps(folder: Path) -> Stamps:
    """What changes when one of the files of a configuration does."""
    return tuple(_stamps([folder / "smsgate.toml", *sorted((folder / "keywords").glob("*.toml"))]))


def _stamps(files: Iterable[Path]) -> Iterator[tuple[str, int, int, int]]:
    for file in files:
        try:
            about = file.stat()
        except OSError:
            continue  # gone, which changes what is found
        yield file.name, about.st_ino, about.st_mtime_ns, about.st_size
