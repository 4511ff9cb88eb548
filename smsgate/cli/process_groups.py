"""Processes of ours that never outlive us, not even where we are killed with -9.

A watchdog, which is this file run as a script, ends what a parent that is gone has left. It reads a
line for each process group, ``+<pgid>`` when one was started and ``-<pgid>`` when it has ended. The
pipe closes when the parent ends, however it ends; then every group that is still on the list gets
SIGTERM, and after the grace SIGKILL. A pipe does this on every Unix and reaches grandchildren;
Linux's parent-death signal does neither. Only the standard library is imported here, so that the
watchdog is small and starts at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

GRACE_S = 10.0
"""How long processes have to end."""


class ProcessGroups:
    """Starts processes, each in its own group, and makes them end with this one.

    ``keep`` are open files that the watchdog holds as well, such as a lock that must stay taken
    until the last process has ended.
    """

    def __init__(self, keep: Sequence[int] = ()) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, subprocess.Popen[str]] = {}
        self._watchdog = subprocess.Popen(  # noqa: S603 - our own file, our own interpreter
            [sys.executable, "-I", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=tuple(keep),
            start_new_session=True,
            text=True,
        )
        assert self._watchdog.stdin is not None  # noqa: S101 - it is a pipe
        self._pipe = self._watchdog.stdin

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            text=True,
            errors="replace",
        )
        self._running[process.pid] = process
        self._tell_watchdog(f"+{process.pid}")
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
        self._tell_watchdog(f"-{process.pid}")
        return code

    @staticmethod
    def signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
        """Send a signal to the whole group of a process, if any of it is left."""
        send_signal(process.pid, number)

    def close(self) -> None:
        """End what still runs, then the watchdog, which has nothing left to do."""
        for process in list(self._running.values()):
            self.end(process)
        with suppress(BrokenPipeError):
            self._pipe.close()
        self._watchdog.wait()

    def _tell_watchdog(self, line: str) -> None:
        with self._lock, suppress(BrokenPipeError):
            self._pipe.write(line + "\n")
            self._pipe.flush()


def groups_left(lines: Iterable[str]) -> set[int]:
    """The groups that are left when the parent's lines end."""
    groups: set[int] = set()
    for line in lines:
        sign, group = line[:1], line[1:].strip()
        if group.isdigit():
            (groups.add if sign == "+" else groups.discard)(int(group))
    return groups


def send_signal(group: int, number: int) -> bool:
    """Signal a process group; false where nothing is left of it."""
    # macOS answers PermissionError for a group of zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


def end_groups(groups: Iterable[int], grace_s: float = GRACE_S) -> None:
    """Ask every group to end, and kill what has not after ``grace_s`` seconds."""
    left = {group for group in groups if send_signal(group, signal.SIGTERM)}
    deadline = time.monotonic() + grace_s
    while (
        left := {group for group in left if send_signal(group, 0)}
    ) and time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: TID251 - they are not our children, so none can be waited for
    for group in left:
        send_signal(group, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when its parent has, not before
    end_groups(groups_left(sys.stdin))
