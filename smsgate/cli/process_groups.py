"""Processes of ours that never outlive us, not even where we are killed with -9.

Beside each command, in its process group, a shell waits for the end of a pipe. The pipe ends with
this process, however that ends; then the shell asks the group to end, and kills what has not after
the grace. A pipe does this on every Unix and reaches grandchildren; Linux's parent-death signal
does neither.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import IO

import click

from smsgate.interface.commands import visible

GRACE_S = 10.0
"""How long processes have to end."""
PAUSE_S = 1.0
"""Before what ended starts again."""
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
        output: int | IO[str] = subprocess.PIPE,
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
    """Starts processes, starts again what ends, and shows what they say."""

    def __init__(self, groups: ProcessGroups) -> None:
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.stopping = threading.Event()
        """Set: nothing starts again."""
        self._groups = groups

    def run(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        process: subprocess.Popen[str] | None = None,
    ) -> None:
        """Start a process, unless it is given, and keep it running."""
        self.running[name] = process or self._groups.start(command, env=env)

        def supervise() -> None:
            while True:
                process = self.running[name]
                with process.stdout or nullcontext(()) as lines:
                    for line in lines:
                        click.echo(f"{name:>7} │ {readable(line)}")
                code = self._groups.wait(process)
                if self.stopping.is_set():
                    return
                ending = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                click.echo(f"{name:>7} │ ended ({ending}); starts again")
                if self.stopping.wait(PAUSE_S):
                    return
                self.running[name] = self._groups.start(command, env=env)

        threading.Thread(target=supervise, daemon=True).start()


def readable(line: str) -> str:
    """A structured log line as a person reads it: time, what happened, then the rest."""
    try:
        fields = {name: str(value) for name, value in json.loads(line).items()}
        words = [fields.pop("timestamp", "")[11:19], fields.pop("level", ""), fields.pop("event")]
    except (ValueError, AttributeError, KeyError):
        return visible(line.rstrip("\n"))
    words += [f"{name}={value}" for name, value in fields.items() if value]
    return visible(" ".join(filter(None, words)))
