"""Gateways that run in earnest between a simulated SMS centre and a real ``smsgate dev``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smsgate import Gate
from tests.cli.conftest import Dev
from tests.fakes.processes import wait_until
from tests.fakes.served import free_port
from tests.gateways.sms_centre import SmsCentre

SECRET = "a-secret-in-the-path-of-32-letters"
"""Of the webhook's address."""
_CONFIG = """
[accounts.gateway]
{account}
[programs.alerts]
name     = "Acme Alerts"
account  = "gateway"
senders  = ["*"]
keywords = ["*"]
region   = "US"
contact  = "help@example.com"
"""


@dataclass
class Site:
    """One smsgate, the gateway before it, and the telephone behind that."""

    dev: Dev
    centre: SmsCentre
    environ: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """Start smsgate."""
        self.dev.start(**self.environ)

    def stop(self) -> None:
        """Stop smsgate as a supervisor does."""
        self.dev.kill(signal.SIGTERM)

    def is_allowed(self) -> bool:
        """Whether the telephone may be texted."""
        running = json.loads((self.dev.directory / "run.json").read_text())
        gate = Gate.from_url(running["redis_url"])
        return gate.allows(f"+{self.centre.phone}", program="alerts")

    def reply(self) -> tuple[str, int]:
        """The next reply that arrives on the telephone, and its segments."""
        return self.centre.received.get(timeout=30)


def make_site(folder: Path, account: str) -> Site:
    """Configure an smsgate for an account; nothing runs yet."""
    config = folder / "config"
    config.mkdir()
    (config / "smsgate.toml").write_text(_CONFIG.format(account=account))
    dev = Dev(folder / "var", free_port())
    environ = {"SMSGATE_CONFIG": str(config), "SMSGATE_PRIVATE_HOSTS": "127.0.0.1"}
    return Site(dev, SmsCentre(free_port()), environ)


@contextmanager
def program(
    command: Sequence[str | Path], log: Path, environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of the gateway until the tests are over; what it prints goes to ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environ or {})},
            start_new_session=True,
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def required(path: str | None, package: str) -> str:
    """The path of a program of a Debian package; in CI it must be there."""
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"install {package}")
        pytest.skip(f"THE GATEWAY IS NOT TESTED: apt-get install {package}")
    return path


@contextmanager
def running(site: Site, start_gateway: Callable[[ExitStack], None]) -> Iterator[Site]:
    """Run smsgate and a gateway, and wait until the gateway is bound to the SMS centre."""
    with ExitStack() as stack:
        stack.callback(site.centre.close)
        site.start()
        stack.callback(lambda: site.dev.ended or site.stop())
        start_gateway(stack)
        assert wait_until(site.centre.is_bound, 60), "the gateway did not bind"
        yield site
