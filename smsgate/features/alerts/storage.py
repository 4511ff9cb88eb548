"""Which alerts were sent, and the test messages that were requested, in Redis."""

from __future__ import annotations

import time
import uuid

import msgspec

from smsgate.store.redis_types import Client
from smsgate.store.shared_keys import ALERT_TEST, ALERTS, RECORDS_DIGEST, alert_test_of

TEST_TTL_S = 60
"""How long a requested test waits for the clocks."""
_RESULTS_TTL_S = 300
_DAY_S = 24 * 3600


class ChannelTestResult(msgspec.Struct, frozen=True):
    """The result of a test message on one channel."""

    channel: str
    sent: bool
    problem: str


_decode_results = msgspec.json.Decoder(list[ChannelTestResult]).decode


class AlertStorage:
    """One hash of sent alerts for all hosts, and the newest test with its results by clock.

    Every method raises ``StoreUnavailable``.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def claim(self, alert: str) -> bool:
        """Mark an alert as sent; True if no process had done so, and the caller must send it."""
        return bool(self._client.hsetnx(ALERTS, alert, int(time.time())))

    def release(self, alert: str) -> bool:
        """Forget that an alert was sent: it is over, or sending failed. False if it was not."""
        return bool(self._client.hdel(ALERTS, alert))

    def sent(self) -> set[str]:
        """The alerts that were sent and have not ended."""
        return {alert.decode() for alert in self._client.hkeys(ALERTS)}

    def take_digest_turn(self) -> bool:
        """Whether the digest of the records is to be told now; true for one process a day."""
        return bool(self._client.set(RECORDS_DIGEST, "1", nx=True, ex=_DAY_S))

    def request_test(self, channel: str = "") -> str:
        """Ask every clock for a test message by a channel, or by each; returns the test's id."""
        id_ = uuid.uuid4().hex + (f"-{channel}" if channel else "")
        self._client.set(ALERT_TEST, id_, ex=TEST_TTL_S)
        return id_

    def requested_test(self) -> str:
        """The id of the test that is requested now, or an empty string."""
        return (self._client.get(ALERT_TEST) or b"").decode()

    def save_results(self, id_: str, clock: str, results: list[ChannelTestResult]) -> None:
        """Save what the clock of that name found, one result per channel."""
        self._client.hset(alert_test_of(id_), clock, msgspec.json.encode(results))
        self._client.expire(alert_test_of(id_), _RESULTS_TTL_S)

    def results(self, id_: str) -> dict[str, list[ChannelTestResult]]:
        """The results of a test so far, by clock."""
        found = self._client.hgetall(alert_test_of(id_))
        return {clock.decode(): _decode_results(results) for clock, results in found.items()}
