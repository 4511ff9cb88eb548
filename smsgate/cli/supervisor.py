"""Keeps the processes of ``smsgate dev`` running, and shows what they say."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
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


class Supervisor:
    """Starts processes, starts again what ends, and ends them all."""

    def __init__(self, groups: ProcessGroups, console: Console) -> None:
        self._groups = groups
        self._console = console
        self._lock = threading.Lock()
        self._supervised: list[tuple[SupervisedProcess, threading.Thread]] = []
        self._stopping = threading.Event()

    def run(self, one: SupervisedProcess) -> None:
        """Start a process and keep it running from now on."""
        thread = threading.Thread(target=self._supervise, args=(one,), name=one.name, daemon=True)
        self._supervised.append((one, thread))
        thread.start()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End all processes; the first one, which the others need, as the last."""
        with self._lock:
            self._stopping.set()
        for batch in (self._supervised[1:], self._supervised[:1]):
            deadline = time.monotonic() + grace_s
            for one, _ in batch:
                self._signal(one, signal.SIGTERM)
            for one, thread in batch:
                thread.join(max(0.0, deadline - time.monotonic()))
                if thread.is_alive():
                    self._signal(one, signal.SIGKILL)
                    thread.join()

    def _signal(self, one: SupervisedProcess, number: signal.Signals) -> None:
        if one.process is not None:
            self._groups.signal(one.process, number)

    def _supervise(self, one: SupervisedProcess) -> None:
        wait_s = MIN_WAIT_S
        while (process := self._start(one)) is not None:
            began = time.monotonic()
            reader = threading.Thread(target=self._show_output, args=(one, process), daemon=True)
            reader.start()
            # Not its output is waited for: children of its own may hold that open.
            code = self._groups.wait(process)
            reader.join()
            if self._stopping.is_set():
                return
            if time.monotonic() - began >= STEADY_S:
                wait_s = MIN_WAIT_S
            ending = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            self._show(one.name, "bold red", f"ended ({ending}); starts again")
            self._stopping.wait(wait_s)
            wait_s = min(wait_s * 2, MAX_WAIT_S)

    def _start(self, one: SupervisedProcess) -> subprocess.Popen[str] | None:
        """The process, started if it does not run; None where everything is ending."""
        with self._lock:
            if self._stopping.is_set():
                return None
            if one.starts or one.process is None:
                one.process = self._groups.start(one.command, env=one.env)
            one.starts += 1
            return one.process

    def _show_output(self, one: SupervisedProcess, process: subprocess.Popen[str]) -> None:
        if process.stdout is not None:
            with process.stdout as output:
                for line in output:
                    self._show(one.name, one.colour, readable(line.rstrip("\n")))

    def _show(self, name: str, colour: str, line: str) -> None:
        prefix = Text(f"{name:>7} │ ", style=colour)
        self._console.print(prefix + Text.from_ansi(line), soft_wrap=True)


def readable(line: str) -> str:
    """A structured log line as a person reads it: time, what happened, then the rest."""
    try:
        fields = json.loads(line) if line.startswith("{") else None
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or "event" not in fields:
        return line
    clock = str(fields.pop("timestamp", ""))[11:19]
    level, event = fields.pop("level", ""), fields.pop("event")
    rest = " ".join(f"{key}={_on_one_line(value)}" for key, value in fields.items() if value != "")
    loud = "" if level in ("info", "debug", "") else f"{level.upper()} "
    return f"{clock} {loud}{event} {rest}".strip()


def _on_one_line(value: object) -> str:
    """Anybody may call us with any name, line breaks and all."""
    text = str(value)
    return text if text.isprintable() else repr(text)
