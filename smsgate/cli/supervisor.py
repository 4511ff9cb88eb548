"""Keeps the processes of ``smsgate dev`` running, and shows what they say."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text

from smsgate.cli.process_groups import GRACE_S, ProcessGroups

STEADY_S = 10.0
"""A process that ran this long starts again without delay."""
MIN_WAIT_S, MAX_WAIT_S = 0.2, 5.0
"""Before a new start; the wait doubles from start to start."""


@dataclass(slots=True)
class SupervisedProcess:
    """One process that is to run: its command, and the colour of its lines."""

    name: str
    command: Sequence[str]
    colour: str
    env: Mapping[str, str] | None = None
    process: subprocess.Popen[str] | None = None
    """The current process; given where it was started already."""
    starts: int = field(default=0, init=False)
    is_restarting: bool = field(default=False, init=False)
    thread: threading.Thread = field(init=False)


class Supervisor:
    """Starts processes, starts again what ends, and ends them all."""

    def __init__(self, groups: ProcessGroups, console: Console) -> None:
        self._groups = groups
        self._console = console
        self._supervised: list[SupervisedProcess] = []
        self._stopping = threading.Event()

    def run(self, one: SupervisedProcess) -> None:
        """Start a process and keep it running from now on."""
        one.thread = threading.Thread(target=self._supervise, args=(one,), daemon=True)
        self._supervised.append(one)
        one.thread.start()

    def restart(self, names: Collection[str]) -> None:
        """End the processes of these names, so that they start again at once."""
        for one in self._supervised:
            if one.name in names:
                one.is_restarting = True
                self._signal(one, signal.SIGTERM)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End all processes; the first one, which the others need, as the last."""
        self._stopping.set()
        for batch in (self._supervised[1:], self._supervised[:1]):
            for number in (signal.SIGTERM, signal.SIGKILL):
                for one in batch:
                    self._signal(one, number)
                until = time.monotonic() + grace_s
                for one in batch:
                    one.thread.join(max(0.0, until - time.monotonic()))

    def _signal(self, one: SupervisedProcess, number: signal.Signals) -> None:
        if one.process is not None and one.process.returncode is None:
            self._groups.signal(one.process, number)

    def _supervise(self, one: SupervisedProcess) -> None:
        wait_s = MIN_WAIT_S
        while not self._stopping.is_set():
            if one.starts or one.process is None:
                one.process = self._groups.start(one.command, env=one.env)
            one.starts += 1
            if self._stopping.is_set():  # and `stop` may not have seen it
                self._signal(one, signal.SIGTERM)
            began = time.monotonic()
            reader = threading.Thread(target=self._show_output, args=(one,), daemon=True)
            reader.start()
            # Not its output is waited for: children of its own may hold that open.
            code = self._groups.wait(one.process)
            reader.join()
            if self._stopping.is_set():
                return
            if one.is_restarting:
                one.is_restarting = False
                continue
            if time.monotonic() - began >= STEADY_S:
                wait_s = MIN_WAIT_S
            ending = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            self._show(one.name, "bold red", f"ended ({ending}); starts again")
            self._stopping.wait(wait_s)
            wait_s = min(wait_s * 2, MAX_WAIT_S)

    def _show_output(self, one: SupervisedProcess) -> None:
        if one.process is not None and one.process.stdout is not None:
            with one.process.stdout as output:
                for line in output:
                    self._show(one.name, one.colour, readable(line.rstrip("\n")))

    def _show(self, name: str, colour: str, line: str) -> None:
        prefix = Text(f"{name:>7} │ ", style=colour)
        self._console.print(prefix + Text.from_ansi(line), soft_wrap=True)


def readable(line: str) -> str:
    """A structured log line as a person reads it: time, what happened, then the rest."""
    try:
        fields = dict(json.loads(line))
        event = str(fields.pop("event"))
    except (ValueError, TypeError, KeyError):
        return line
    level = str(fields.pop("level", "")).upper().replace("INFO", "").replace("DEBUG", "")
    words = [str(fields.pop("timestamp", ""))[11:19], level, event]
    for name, value in fields.items():
        text = str(value)  # anybody may call us with any name, line breaks and all
        words.append(text and f"{name}={text if text.isprintable() else repr(text)}")
    return " ".join(filter(None, words))
