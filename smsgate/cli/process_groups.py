"""Processes of ours that never outlive us, not even where we are killed with -9.

Beside each command, in its process group, a shell waits for the end of a pipe. The pipe ends with
this process, however that ends; then the shell asks the group to end, and kills what has not after
the grace. A pipe does this on every Unix and reaches grandchildren; Linux's parent-death signal
does neither.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO

import click

GRACE_S = 10.0
"""How long processes have to end."""
_GUARDED = """
exec 3<&0 </dev/null
tenths=$1; shift
( ( trap '' TERM; read -r _ <&3; kill -TERM 0
    while kill -0 $$ && [ $((tenths -= 1)) -ge 0 ]; do sleep 0.1; done
    kill -KILL 0 ) >/dev/null 2>&1 & )
exec "$@" 3<&-
"""
"""Becomes the command ($$); the shell beside it is no child of it, which might count children."""


class ProcessGroups(AbstractContextManager["ProcessGroups"]):
    """Starts processes, each in its own group, and makes them end with this one."""

    def __init__(self, keep: Sequence[int] = ()) -> None:
        """``keep``: open files that they hold too, such as a lock of the last that ends."""
        self._keep = tuple(keep)
        self._running: dict[int, subprocess.Popen[str]] = {}
        self._watched, self._held = os.pipe()

    def start(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        output: int | IO[str] | None = subprocess.PIPE,
    ) -> subprocess.Popen[str]:
        """Start a command in a process group of its own; its errors go where its output goes."""
        process = subprocess.Popen(  # noqa: S603 - commands are ours, never a user's text
            ["/bin/sh", "-c", _GUARDED, "sh", str(round(GRACE_S * 10)), *command],
            env=env,
            cwd=cwd,
            stdin=self._watched,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=self._keep,
            process_group=0,
            text=True,
            errors="replace",
        )
        self._running[process.pid] = process
        return process

    def end(self, process: subprocess.Popen[str], grace_s: float = GRACE_S) -> int:
        """End a process and its whole group: SIGTERM, and SIGKILL after the grace. Its code."""
        self.signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
        self.signal(process, signal.SIGKILL)
        return self.wait(process)

    def wait(self, process: subprocess.Popen[str]) -> int:
        """Wait for a process to end, kill what it left of its group, and return its code."""
        code = process.wait()
        self.signal(process, signal.SIGKILL)
        self._running.pop(process.pid, None)
        return code

    @staticmethod
    def signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
        """Send a signal to the whole group of a process, if any of it is left."""
        # macOS answers PermissionError for a group of zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)

    def __exit__(self, *_: object) -> None:
        """End what still runs: the first that was started, which the others need, as the last."""
        for process in [*self._running.values()][1:]:
            self.signal(process, signal.SIGTERM)
        while self._running:
            self.end([*self._running.values()][-1])
        for pipe_end in (self._watched, self._held):
            os.close(pipe_end)


class Supervisor:
    """Keeps processes running, which write where this process writes."""

    def __init__(self, groups: ProcessGroups) -> None:
        self.running: dict[str, subprocess.Popen[str]] = {}
        self._groups = groups
        self._starts: dict[str, Callable[[], subprocess.Popen[str]]] = {}

    def run(self, name: str, start: Callable[[], subprocess.Popen[str]]) -> None:
        """Start a process and keep it running."""
        self._starts[name] = start
        self.running[name] = start()

    def look(self) -> None:
        """Start again what has ended. It is to be called every now and then."""
        for name, process in self.running.items():
            if process.poll() is not None:
                code = self._groups.wait(process)
                ending = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                click.echo(f"{name} ended ({ending}); starts again")
                self.running[name] = self._starts[name]()
