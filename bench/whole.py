"""A whole smsgate for the benchmarks: web at once, the other processes when they are wanted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from smsgate.cli.process_groups import ProcessGroups
from smsgate.process.services import Services


@dataclass(frozen=True, slots=True)
class Server:
    """One server that runs and answers."""

    port: int
    groups: tuple[int, ...]
    """Process groups: its own, and that of its Redis if it has one."""
    stored: Callable[[], Mapping[str, int]] | None = None
    """Counts what it has stored; every count must be the number of accepted messages."""


@dataclass
class Whole:
    """Processes on one store."""

    folder: Path
    groups: ProcessGroups
    environ: Mapping[str, str]
    services: Services
    server: Server
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start one process of the Procfile."""
        command = [sys.executable, "-m", "smsgate.cli", "run", name]
        with (self.folder / f"{name}.log").open("a") as log:
            self.running[name] = self.groups.start(command, env=self.environ, output=log)

    def stop(self, name: str) -> None:
        """End it as a deployment does."""
        self.groups.end(self.running.pop(name))

    def mib(self, name: str) -> float:
        """Memory of a process, or of the largest process of web; MiB."""
        group = self.server.groups[0] if name == "web" else self.running[name].pid
        return max(_resident_kib(pid) for pid in of_group(group)) / 1024


def of_group(group: int) -> list[int]:
    """The processes of a process group."""
    said = subprocess.run(["ps", "-eo", "pid=,pgid="], capture_output=True, text=True, check=True)
    pairs = (line.split() for line in said.stdout.splitlines())
    return [int(pid) for pid, pgid in pairs if int(pgid) == group]


def _resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0
