"""Keeps the processes of ``smsgate dev`` running, and shows what they say."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext

import click

from smsgate.cli.process_groups import GRACE_S, ProcessGroups
from smsgate.interface.commands import visible

PAUSE_S = 1.0
"""Before what ended by itself starts again."""


class Supervisor:
    """Starts processes, starts again what ends, and ends them all."""

    def __init__(self, groups: ProcessGroups) -> None:
        self.running: dict[str, subprocess.Popen[str]] = {}
        """By name. The others need the first one."""
        self._groups, self._stopping = groups, threading.Event()
        self._restarting: set[str] = set()
        self._threads: list[threading.Thread] = []

    def run(
        self,
        name: str,
        command: Sequence[str],
        colour: str,
        env: Mapping[str, str] | None = None,
        process: subprocess.Popen[str] | None = None,
    ) -> None:
        """Start a process, unless it is given, and keep it running; its lines have a colour."""
        prefix = click.style(f"{name:>7} │ ", fg=colour)

        def supervise() -> None:
            while True:
                process = self.running[name]
                with process.stdout or nullcontext(()) as lines:
                    for line in lines:
                        click.echo(prefix + readable(line.rstrip("\n")))
                code = self._groups.wait(process)
                if name in self._restarting:
                    self._restarting.discard(name)
                elif not self._stopping.is_set():
                    ending = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                    click.echo(f"{prefix}ended ({ending}); starts again")
                    self._stopping.wait(PAUSE_S)
                if self._stopping.is_set():
                    return
                self.running[name] = self._groups.start(command, env=env)

        self.running[name] = process or self._groups.start(command, env=env)
        self._threads.append(threading.Thread(target=supervise, daemon=True))
        self._threads[-1].start()

    def restart(self, names: Iterable[str]) -> None:
        """End the processes of these names, so that they start again at once."""
        for name in names:
            self._restarting.add(name)
            self._groups.signal(self.running[name], signal.SIGTERM)

    def stop(self, grace_s: float = GRACE_S) -> None:
        """End all processes; the first one, which the others need, as the last."""
        self._stopping.set()
        names = [*self.running]
        for batch in (names[1:], names[:1]):
            for name in batch:
                self._groups.signal(self.running[name], signal.SIGTERM)
            until = time.monotonic() + grace_s
            for name in batch:
                self._groups.end(self.running[name], max(0.0, until - time.monotonic()))
        for thread in self._threads:
            thread.join(grace_s)


def readable(line: str) -> str:
    """A structured log line as a person reads it: time, what happened, then the rest."""
    try:
        fields = {name: str(value) for name, value in json.loads(line).items()}
        words = [fields.pop("timestamp", "")[11:19], fields.pop("level", ""), fields.pop("event")]
    except (ValueError, AttributeError, KeyError):
        return visible(line)
    words += [f"{name}={value}" for name, value in fields.items() if value]
    return visible(" ".join(filter(None, words)))
