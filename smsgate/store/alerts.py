"""What each address of alerts was told, which clock tells it, and the test that was requested."""

from __future__ import annotations

import uuid

import msgspec

from smsgate.store.connection import Client
from smsgate.store.processes import Leases
from smsgate.store.shared_keys import ALERT_LEASE, ALERT_TEST, ALERTS, RECORDS_DIGEST

_DAY_S = 24 * 3600
_LEASE_MS = 90_000
TEST_TTL_S = 120


class SentAlert(msgspec.Struct, frozen=True):
    """A condition that an address was told of, and not yet that it is over."""

    began_s: float
    sent_s: float
    is_failure: bool
    title: str


class AlertState(msgspec.Struct, frozen=True):
    """What was sent and is not over, and what could not be sent."""

    sent: dict[str, SentAlert] = {}
    """By address and condition."""
    failures: dict[str, str] = {}
    """By address, why it did not take the newest message."""


class AlertTest(msgspec.Struct, frozen=True):
    """A test; its results by address are problems, and None while no clock has answered."""

    id: str
    clock: str = ""
    results: dict[str, str] | None = None


class AlertStates:
    """Every method raises ``StoreUnavailable``."""

    def __init__(self, client: Client) -> None:
        self._client, self._leases = client, Leases(client)

    def take_turn(self, clock: str) -> bool:
        """Whether this clock is the one that sends: the same one, as long as it runs."""
        return self._leases.hold(ALERT_LEASE, clock, _LEASE_MS)

    def end_turn(self, clock: str) -> None:
        """Let another clock send at once; this one ends."""
        self._leases.release(ALERT_LEASE, clock)

    def state(self) -> AlertState:
        """What was saved last."""
        found = self._client.get(ALERTS)
        return msgspec.json.decode(found, type=AlertState) if found else AlertState()

    def save(self, state: AlertState) -> None:
        """Save it in place of what was saved before."""
        self._client.set(ALERTS, msgspec.json.encode(state))

    def take_digest_turn(self) -> bool:
        """Whether the digest of the records is to be told now; true for one process a day."""
        return bool(self._client.set(RECORDS_DIGEST, "1", nx=True, ex=_DAY_S))

    def request_test(self) -> str:
        """Ask the clock for a test message to each address; returns the test's id."""
        test = AlertTest(uuid.uuid4().hex)
        self.save_test(test)
        return test.id

    def test(self) -> AlertTest | None:
        """The newest test, for some minutes."""
        found = self._client.get(ALERT_TEST)
        return msgspec.json.decode(found, type=AlertTest) if found else None

    def save_test(self, test: AlertTest) -> None:
        """Save a test with its results."""
        self._client.set(ALERT_TEST, msgspec.json.encode(test), ex=TEST_TTL_S)
