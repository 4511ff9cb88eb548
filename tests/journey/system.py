"""A whole smsgate: its own Redis, web, worker, sender and clock, as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import requests

from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import build_services
from smsgate.providers import PROVIDERS
from smsgate.settings import Account
from tests.fakes.processes import PATIENCE_S
from tests.fakes.served import free_port
from tests.fakes.supervised import RUN

twilio = PROVIDERS["twilio"]

SID = "AC" + "7" * 32
TOKEN = "the-token-of-the-journey"
API_KEY = "the-key-of-the-journey-of-a-text"
SENDER = "+14155550999"
PROCESSES = ("web", "worker", "sender", "clock")

CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "${TWILIO_ACCOUNT_SID}"
auth_token  = "${TWILIO_AUTH_TOKEN}"
api_url     = "%s"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["en", "es"]
confirm  = "always"
region   = "US"
contact  = "help@acme.example"
"""


LONGEST_S = 180.0
"""How long a process may take to start or to end; what takes longer hangs."""
SLOW_S = 10.0
"""What takes longer is noted: it says how loaded the machine is, and decides nothing."""


def until(condition: Callable[[], object], timeout_s: float = PATIENCE_S) -> object:
    """Wait for a condition; gives what it gave."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {timeout_s} s")


def command_of(name: str) -> list[str]:
    """What starts a process, and starts a worker or a sender again whenever it ends."""
    start = ("-m", "tests.fakes.supervised") if name in ("worker", "sender") else RUN
    return [sys.executable, *start, name]


class System:
    """Starts and kills the processes; texts it as a provider would."""

    config = CONFIG

    def __init__(self, folder: Path, api_url: str, groups: ProcessGroups) -> None:
        self._folder = folder
        self._groups = groups
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._ids = iter(range(1, 1_000_000))
        self.slow: list[str] = []
        """Starts and ends that took long."""
        (folder / "config").mkdir()
        (folder / "config" / "smsgate.toml").write_text(self.config % api_url)
        self.redis = redis_server.start(folder / "redis", groups)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.services = build_services(load_configuration(self.environ))
        self.set_up()

    def set_up(self) -> None:
        """Make the tables and the store, as an operator does before the first start."""
        self.services.records.migrate()
        self.services.store.metadata.create(buckets=8)
        publish_programs(self.services.settings, self.services.store)

    @property
    def environ(self) -> Mapping[str, str]:
        return {
            "PATH": os.defpath,
            "SMSGATE_CONFIG": str(self._folder / "config"),
            "SMSGATE_PRIVATE_HOSTS": "127.0.0.1",
            "SMSGATE_DATA_DIR": str(self._folder / "var"),
            "SMSGATE_PUBLIC_URL": self.url,
            "SMSGATE_API_KEYS": API_KEY,
            "REDIS_URL": self.redis.url,
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "1",
        }

    @property
    def account(self) -> Account:
        return self.services.settings.accounts["twilio"]

    def start(self, *names: str) -> None:
        """Start processes; ``web`` answers then."""
        for name in names or PROCESSES:
            command = command_of(name)
            if name == "web":
                command += ["--host", "127.0.0.1"]
            with (self._folder / f"{name}.log").open("a") as log:
                self._running[name] = self._groups.start(command, env=self.environ, output=log)
        if "web" in (names or PROCESSES):
            began = time.monotonic()
            until(self._answers_or_ended, LONGEST_S)
            assert self._running["web"].poll() is None, self.log("web")
            self._note("web took {} to start", began)

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).ok
        except requests.RequestException:
            return False

    def _answers_or_ended(self) -> bool:
        return self.answers() or self._running["web"].poll() is not None

    def kill(self, *names: str) -> None:
        """End processes and all that they started as kill -9 does."""
        for name in names or [*self._running]:
            process = self._running.pop(name)
            self._groups.signal(process, signal.SIGKILL)
            self._groups.wait(process)

    def end(self, name: str) -> int:
        """End a process as a deployment does, by SIGTERM to it alone; gives its exit code."""
        process = self._running.pop(name)
        began = time.monotonic()
        process.terminate()
        process.wait(LONGEST_S)
        self._note(f"{name} took {{}} to end", began)
        return self._groups.wait(process)

    def _note(self, what: str, began: float) -> None:
        if (took_s := time.monotonic() - began) > SLOW_S:
            self.slow.append(what.format(f"{took_s:.0f} s"))

    def kill_redis(self) -> None:
        """Kill Redis with -9 and start it again on its data."""
        self._groups.signal(self.redis.process, signal.SIGKILL)
        self._groups.wait(self.redis.process)
        self.redis = redis_server.start(self._folder / "redis", self._groups)

    def close(self) -> None:
        """The test is over: what still runs need not take leave."""
        if self._running:
            self.kill()
        self.services.close()
        self._groups.end(self.redis.process)

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text()

    def signed(
        self, text: str, number: str, message_id: str = "", sender: str = SENDER
    ) -> WebhookRequest:
        message = InboundMessage(
            account="twilio",
            message_id=message_id or f"SM{next(self._ids):032x}",
            number=number,
            sender=sender,
            text=text,
        )
        return twilio.inbound(message, self.account, f"{self.url}/webhooks/twilio")

    def text(self, *message: str) -> requests.Response:
        """Post a correctly signed webhook over real HTTP."""
        return self.post(self.signed(*message))

    def post(self, request: WebhookRequest) -> requests.Response:
        return requests.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            timeout=PATIENCE_S,
        )

    def check(self, number: str) -> dict[str, object]:
        """Ask over HTTP, as a sender would: again while the gate cannot tell."""
        response = until(lambda: self._answer(number))
        response.raise_for_status()
        return response.json()["results"][0]

    def _answer(self, number: str) -> requests.Response | None:
        response = requests.post(
            f"{self.url}/v1/check",
            json={"program": "alerts", "numbers": [number]},
            headers={"Authorization": f"Bearer {API_KEY}"},
            timeout=PATIENCE_S,
        )
        return None if response.status_code == 503 else response

    def idle(self) -> bool:
        """Whether nothing waits in any inbox or outbox."""
        inboxes, outbox = self.services.store.inbox_reader, self.services.store.outbox
        return all(
            not inboxes.newest(partition) and not outbox.depth(partition) for partition in range(16)
        )
