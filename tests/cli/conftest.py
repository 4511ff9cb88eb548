"""The terminal as tests use it: commands in this process, ``smsgate dev`` as a real one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smsgate.cli.main import run
from tests.fakes.processes import wait_until
from tests.fakes.served import free_port

CONFIG = Path(__file__).parents[2] / "config"


@dataclass
class Terminal:
    """Runs commands; ``output`` and ``errors`` are those of the last one."""

    environ: Mapping[str, str]
    capture: pytest.CaptureFixture[str]
    output: str = field(default="", init=False)
    errors: str = field(default="", init=False)

    def run(self, *arguments: str) -> int:
        """Run one command and give its exit code."""
        code = run(arguments, self.environ)
        self.output, self.errors = self.capture.readouterr()
        return code

    def json(self, *arguments: str) -> object:
        """Run one command that prints JSON."""
        self.run(*arguments, "--json")
        return json.loads(self.output)


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str]) -> Callable[..., Terminal]:
    def make(**environ: str) -> Terminal:
        return Terminal({"SMSGATE_CONFIG": str(CONFIG), **environ}, capsys)

    return make


class Dev:
    """A ``smsgate dev`` as a process of its own."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.log = directory.with_name(f"{directory.name}.log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environ: str) -> None:
        """Start it and wait until it says that it is ready."""
        self.launch(**environ)
        assert wait_until(lambda: "smsgate is ready" in self.said or self.ended, 180), self.said
        assert not self.ended, self.said

    def launch(self, **environ: str) -> None:
        """Start it."""
        command = [sys.executable, "-m", "smsgate.cli", "dev", "--port", str(self.port)]
        command += ["--data-dir", str(self.directory)]
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                env={**kept, "SMSGATE_CONFIG": str(CONFIG), **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self) -> str:
        """Everything it printed since it was started."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.process is None or self.process.poll() is not None

    @property
    def listens(self) -> bool:
        """Whether its web server takes connections."""
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self, number: signal.Signals) -> int:
        """Send it a signal, wait for its end and give its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    made = Dev(tmp_path / "var", free_port())
    yield made
    if not made.ended:
        made.kill(signal.SIGTERM)
