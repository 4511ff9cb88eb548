"""Keeps the processes of ``smsgate dev`` running, and shows what they say."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from rich.console import Console
from rich.text import Text

from smsgate.cli.leash import Leash

STEADY_S = 10.0
"""A process that ran this long starts again without delay."""
WAIT_S = (0.2, 5.0)
"""The first wait before a new start, and the longest; it doubles from start to start."""
GRACE_S = 10.0
"""How long the processes have to end."""


@dataclass(slots=True)
class Part:
    """One process that is to run: its command, and the colour of its lines."""

    name: str
    command: Sequence[str]
    colour: str
    env: Mapping[str, str] | None = None
    process: subprocess.Popen[str] | None = None
    """The process, where it was started already; then the current one."""
    starts: int = field(default=0, init=False)


class Supervisor:
    """Starts parts, starts again what ends, and ends them all."""

    def __init__(self, leash: Leash, console: Console) -> None:
        self._leash = leash
        self._console = console
        self._lock = threading.Lock()
        self._tended: list[tuple[Part, threading.Thread]] = []
        self._stopping = threading.Event()

    def run(self, part: Part) -> None:
        """Start a part and keep it running from now on."""
        thread = threading.Thread(target=self._tend, args=(part,), name=part.name, daemon=True)
        self._tended.append((part, thread))
        thread.start()

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End all parts; the first one, on which the others stand, as the last."""
        with self._lock:
            self._stopping.set()
        self._end(self._tended[1:], grace_s)
        self._end(self._tended[:1], grace_s)

    def say(self, name: str, colour: str, line: str) -> None:
        """Show one line of a part."""
        prefix = Text(f"{name:>7} │ ", style=colour)
        self._console.print(prefix + Text.from_ansi(line), soft_wrap=True)

    def _end(self, tended: Sequence[tuple[Part, threading.Thread]], grace_s: float) -> None:
        deadline = time.monotonic() + grace_s
        for part, _ in tended:
            self._signal(part, signal.SIGTERM)
        for part, thread in tended:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                self._signal(part, signal.SIGKILL)
                thread.join()

    def _signal(self, part: Part, number: signal.Signals) -> None:
        if part.process is not None:
            self._leash.signal(part.process, number)

    def _tend(self, part: Part) -> None:
        wait_s = WAIT_S[0]
        while (process := self._started(part)) is not None:
            began = time.monotonic()
            code = self._follow(part, process)
            if self._stopping.is_set():
                return
            ran_s = time.monotonic() - began
            wait_s = WAIT_S[0] if ran_s >= STEADY_S else wait_s
            self.say(part.name, "bold red", f"ended ({_ending(code)}); starts again")
            self._stopping.wait(wait_s)
            wait_s = min(wait_s * 2, WAIT_S[1])

    def _started(self, part: Part) -> subprocess.Popen[str] | None:
        """The part's process, started if it does not run; none where everything is ending."""
        with self._lock:
            if self._stopping.is_set():
                return None
            if part.starts or part.process is None:
                part.process = self._leash.start(part.command, env=part.env)
            part.starts += 1
            return part.process

    def _follow(self, part: Part, process: subprocess.Popen[str]) -> int:
        """Show what the process says until it ends; its exit code.

        The process is waited for, not its output: children of its own may hold that open.
        """
        reader: threading.Thread | None = None
        if process.stdout is not None:
            reader = threading.Thread(target=self._show, args=(part, process.stdout), daemon=True)
            reader.start()
        process.wait()
        code = self._leash.ended(process)
        if reader is not None:
            reader.join()
        return code

    def _show(self, part: Part, output: IO[str]) -> None:
        with output:
            for line in output:
                self.say(part.name, part.colour, readable(line.rstrip("\n")))


def readable(line: str) -> str:
    """A structured log line as a person reads it: time, what happened, then the rest."""
    try:
        found = json.loads(line) if line.startswith("{") else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or "event" not in found:
        return line
    clock = str(found.pop("timestamp", ""))[11:19]
    level, event = found.pop("level", ""), found.pop("event")
    rest = " ".join(f"{key}={_printable(value)}" for key, value in found.items() if value != "")
    loud = "" if level in ("info", "debug", "") else f"{level.upper()} "
    return f"{clock} {loud}{event} {rest}".strip()


def _printable(value: object) -> str:
    """A value on one line: anybody may call us with any name, line breaks and all."""
    text = str(value)
    return text if text.isprintable() else repr(text)


def _ending(code: int) -> str:
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"
