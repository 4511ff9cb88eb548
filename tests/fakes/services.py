"""Services without collaborators: they keep what they are given and answer what they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from smsgate.domain.messages import HttpReply, WebhookRequest
from smsgate.metrics.snapshot import SpoolDepth
from smsgate.monitoring.conditions import Condition
from smsgate.monitoring.monitor import SystemState
from smsgate.pipeline.gate import GateAnswer
from smsgate.pipeline.ingest import IngestResult
from smsgate.process.services import Services
from smsgate.settings import Account, Api, Programs, Settings

ACK = HttpReply(200, "text/xml", b"<Response/>", {"X-Provider": "yes"})
SIMULATED = Account(
    name="simulator",
    provider="twilio",
    options={"account_sid": "AC5151"},
    secrets={"auth_token": (SecretStr("token"),)},
    public_url="http://127.0.0.1:8000",
    simulated=True,
)


def settings(**changed: Any) -> Settings:
    """Settings with one account at https://sms.example.com, changed as said."""
    twilio = Account(name="twilio", provider="twilio", public_url="https://sms.example.com")
    return Settings(
        **{
            "redis_url": "redis://127.0.0.1:1/0",
            "queue_url": "redis://127.0.0.1:1/0",
            "database_url": "sqlite://",
            "config_dir": Path("config"),
            "data_dir": Path("var"),
            "public_url": "",
            "api_keys": (SecretStr("newer-key"), SecretStr("older-key")),
            "secret_keys": (),
            "port": 8000,
            "web_concurrency": 1,
            "accounts": {"twilio": twilio},
            "programs": Programs(),
            "api": Api(calls_per_second=0),
        }
        | changed
    )


@dataclass
class FakeGate:
    """Blocks the numbers that it is told to."""

    blocked: set[str] = field(default_factory=set)
    error: Exception | None = None
    asked: list[tuple[tuple[str, ...], str]] = field(default_factory=list)

    def check(self, numbers: Sequence[str], *, program: str) -> list[GateAnswer]:
        self.asked.append((tuple(numbers), program))
        if self.error:
            raise self.error
        return [self._answer(number) for number in numbers]

    def _answer(self, number: str) -> GateAnswer:
        if number in self.blocked:
            return GateAnswer(number, False, "opted_out", "2026-11-24T15:00:00Z", "keyword 'stop'")
        return GateAnswer(number, True)


class Uncounted:
    """Stands for ``store.metrics``."""

    def count(self, *_: object, **__: object) -> None:
        """Count nothing."""

    def requests(self) -> Callable[[object], None]:
        """What counts nothing."""
        return lambda _: None


@dataclass
class FakeStore:
    """The parts of the store that a door touches."""

    metrics: Uncounted = field(default_factory=Uncounted)
    client: None = None


class NoKeys:
    """Stands for records without a database, which have no API keys."""

    absent = True

    @property
    def database(self) -> NoKeys:
        return self


class FakeServices(Services):
    """What the endpoints ask of services. ``error`` is raised by whatever is called."""

    __setattr__ = object.__setattr__

    def __init__(self, given: Settings | None = None) -> None:
        self.settings, self.gate, self.store = given or settings(), FakeGate(), FakeStore()
        self.records = NoKeys()
        self.ingest = self.monitor = self
        """Nothing here asks the services behind the links' pages."""
        self.answer = ACK
        self.error: Exception | None = None
        self.unusable: dict[str, Condition] = {}
        self.received: list[tuple[str, WebhookRequest]] = []

    def receive(self, account: str, request: WebhookRequest) -> IngestResult:
        self.received.append((account, request))
        self._fail()
        return IngestResult(self.answer, "opt_out", "+1415•••0123", "SM1")

    def look(self, **_: object) -> SystemState:
        spool = SpoolDepth("host-1", 0, 0.0, 0.0)
        return SystemState([*self.unusable.values()], None, spool, self.unusable)

    def _fail(self) -> None:
        if self.error:
            raise self.error
