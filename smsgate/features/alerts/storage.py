"""Which conditions somebody was told of, so that each is told once, whoever sees it."""

from __future__ import annotations

import time
import uuid

import msgspec

from smsgate.redis_address import Client
from smsgate.store.connection import translated
from smsgate.store.shared_keys import ALERT_TEST, ALERTS, alert_test_of


class Alerts:
    """One hash for all hosts. Everything here raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def take(self, condition: str) -> bool:
        """Whether it is for the caller to tell of a condition: nobody else did or does."""
        with translated():
            return bool(self._client.hsetnx(ALERTS, condition, int(time.time())))

    def give_back(self, condition: str) -> bool:
        """Forget that a condition was told: it is over, or telling failed. Whether it was told."""
        with translated():
            return bool(self._client.hdel(ALERTS, condition))

    def told(self) -> set[str]:
        """The conditions that were told and are not known to be over."""
        with translated():
            return {one.decode() for one in self._client.hkeys(ALERTS)}


ASKED_S = 60
"""For how long a test is asked for."""
_KEPT_S = 300


class ChannelOutcome(msgspec.Struct, frozen=True):
    """What came of a test message by one channel."""

    channel: str
    told: bool
    problem: str


_outcomes = msgspec.json.Decoder(list[ChannelOutcome]).decode


class AlertTests:
    """The newest test, and its outcome in each clock. Everything raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        """Use the client; nothing is asked yet."""
        self._client = client

    def ask(self) -> str:
        """Ask every clock for a test; gives its id."""
        id_ = uuid.uuid4().hex
        with translated():
            self._client.set(ALERT_TEST, id_, ex=ASKED_S)
        return id_

    def asked(self) -> str:
        """The id of the test that is asked for; empty where none is."""
        with translated():
            return (self._client.get(ALERT_TEST) or b"").decode()

    def answer(self, id_: str, clock: str, outcomes: list[ChannelOutcome]) -> None:
        """Tell what came of a test in the clock of that name, by each channel that it has."""
        with translated():
            self._client.hset(alert_test_of(id_), clock, msgspec.json.encode(outcomes))
            self._client.expire(alert_test_of(id_), _KEPT_S)

    def answers(self, id_: str) -> dict[str, list[ChannelOutcome]]:
        """By clock what came of a test so far."""
        with translated():
            found = self._client.hgetall(alert_test_of(id_))
        return {clock.decode(): _outcomes(said) for clock, said in found.items()}
