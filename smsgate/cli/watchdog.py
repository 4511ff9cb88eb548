"""Ends the processes of a parent that is gone. Run as a script of its own by ``leash.py``.

It reads a line for each process group, ``+<pgid>`` when one was started and ``-<pgid>`` when it
has ended. The pipe closes when the parent ends, however it ends (kill -9 included); then every
group that is still on the list gets SIGTERM, and after the grace SIGKILL.

A pipe does this on every Unix and reaches grandchildren; Linux's parent-death signal does
neither. Standard library only: it is started by its path, so that it is small and there at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_S = 10.0


def follow(lines: Iterable[str]) -> set[int]:
    """Read the parent's lines to their end; the groups that are left."""
    groups: set[int] = set()
    for line in lines:
        sign, group = line[:1], line[1:].strip()
        if group.isdigit():
            (groups.add if sign == "+" else groups.discard)(int(group))
    return groups


def alive(group: int) -> bool:
    """Whether the group still has a process."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says so of a group of zombies
        return False
    return True


def end(groups: Iterable[int], grace_s: float = GRACE_S) -> None:
    """Ask every group to end, and kill what has not after ``grace_s`` seconds."""
    left = set(groups)
    for group in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    while (left := {group for group in left if alive(group)}) and time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: TID251 - they are not our children, so none can be waited for
    for group in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    for deaf in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(deaf, signal.SIG_IGN)  # it ends when its parent has, not before
    end(follow(sys.stdin))
