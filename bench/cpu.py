"""CPU time, from Linux's ``/proc``: what servers spend on a request, and what others take away.

Throughput falls when anything else runs on the machine; CPU time a request hardly does.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

_PROC = Path("/proc")


def spent(groups: Collection[int]) -> float:
    """Return the CPU seconds that the processes of some process groups have used so far."""
    ticks = 0
    for path in _PROC.glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # It ended meanwhile.
            continue
        if int(fields[2]) in groups:
            ticks += int(fields[11]) + int(fields[12])
    return _seconds(ticks)


def of_children(parent: int) -> float:
    """Return the CPU seconds that the children of a process have used, those that ended too."""
    ticks = 0
    for path in _PROC.glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # It ended meanwhile.
            continue
        if path.parent.name == str(parent):
            ticks += int(fields[13]) + int(fields[14])
        if int(fields[1]) == parent:
            ticks += int(fields[11]) + int(fields[12])
    return _seconds(ticks)


def parent_of(pid: int) -> int:
    """Return the parent of a process."""
    return int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])


def busy() -> float:
    """Return the CPU seconds that the machine has not been idle, all cores together."""
    try:
        first = (_PROC / "stat").read_text().partition("\n")[0].split()[1:9]
    except OSError:
        return 0.0
    user, nice, system, _idle, _waiting, interrupts, soft, stolen = (int(ticks) for ticks in first)
    return _seconds(user + nice + system + interrupts + soft + stolen)


def _seconds(ticks: int) -> float:
    return ticks / os.sysconf("SC_CLK_TCK")
