"""Ends the processes of a parent that is gone. ``process_groups.py`` starts it as a script.

It reads a line for each process group, ``+<pgid>`` when one was started and ``-<pgid>`` when it
has ended. The pipe closes when the parent ends, however it ends (kill -9 included); then every
group that is still on the list gets SIGTERM, and after the grace SIGKILL.

A pipe does this on every Unix and reaches grandchildren; Linux's parent-death signal does
neither. Standard library only, so that it is small and starts at once.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

GRACE_S = 10.0
"""How long processes have to end."""


def follow(lines: Iterable[str]) -> set[int]:
    """Read the parent's lines to their end; the groups that are left."""
    groups: set[int] = set()
    for line in lines:
        sign, group = line[:1], line[1:].strip()
        if group.isdigit():
            (groups.add if sign == "+" else groups.discard)(int(group))
    return groups


def send(group: int, number: int) -> bool:
    """Signal a process group; false where nothing is left of it."""
    # macOS answers PermissionError for a group of zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


def end(groups: Iterable[int], grace_s: float = GRACE_S) -> None:
    """Ask every group to end, and kill what has not after ``grace_s`` seconds."""
    left = {group for group in groups if send(group, signal.SIGTERM)}
    deadline = time.monotonic() + grace_s
    while (left := {group for group in left if send(group, 0)}) and time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: TID251 - they are not our children, so none can be waited for
    for group in left:
        send(group, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends when its parent has, not before
    end(follow(sys.stdin))
