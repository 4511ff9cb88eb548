"""Sends each condition that lasts through every channel, once when it begins and once it ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence

import structlog

from smsgate.domain.errors import CallFailed, RecordsUnavailable, StoreUnavailable
from smsgate.features.alerts.channels import Channel
from smsgate.features.alerts.message_text import TEST, Notice
from smsgate.features.alerts.storage import AlertStorage, ChannelTestResult
from smsgate.pipeline.conditions import Condition, condition, conditions, durability_conditions
from smsgate.pipeline.monitoring import take_snapshot
from smsgate.pipeline.readiness import Readiness, is_well
from smsgate.records import Records, chain_digest
from smsgate.settings import Settings
from smsgate.store import Store

_log = structlog.get_logger()


class AlertService:
    """Compares the conditions of the moment with the alerts that were sent.

    The storage remembers sent alerts for each channel. A channel that fails is tried again at the
    next check; the others neither wait for it nor send anything twice.
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        readiness: Readiness,
        channels: Sequence[Channel],
    ) -> None:
        self._store = store
        self._readiness = readiness
        self._storage = AlertStorage(store.client)
        self._settings = settings
        self._channels = channels
        self._previous: set[str] = set()
        """The conditions of the last check."""
        self._store_alerts: dict[str, str] = {}
        """By channel, the alert about the store itself that was sent and has not ended."""
        self._problems: dict[str, str] = {}
        """By channel, why sending failed last: a problem that lasts is logged once."""

    def check(self) -> None:
        """Send every condition that also held at the last check and was not sent yet.

        A condition that ends between two checks is not sent. Does not raise ``StoreUnavailable``.
        """
        try:
            snapshot = take_snapshot(self._store, self._settings)
            all_ = [*conditions(snapshot), *durability_conditions(snapshot)]
            if snapshot.write_obstacle is not None:
                self._send_store_alert(next(one for one in all_ if one.subject == "store"))
                return
            if snapshot.store_obstacle is None:
                all_ += self._records_conditions()
            found = {_key(one): one for one in all_}
            self._end_store_alerts()
            for channel in self._channels:
                self._send_changes(channel, found)
            self._previous = set(found)
        except StoreUnavailable as error:
            problem, remedy = str(error), error.remedy
            self._send_store_alert(
                condition("not_ready", "store", problem, remedy, collaborator="store")
            )

    def send_records_digest(self, records: Records) -> None:
        """Log and send the newest digest of the records: one clock does, once a day.

        Not by text: nobody can use a digest there. Raises ``StoreUnavailable``.
        """
        try:
            digest = chain_digest(records.reader.heads())
        except RecordsUnavailable:
            return
        if not self._storage.take_digest_turn():
            return
        _log.info("records digest", digest=digest)
        title = f"Today's digest of the records is {digest}"
        command = "`smsgate records verify --digest DIGEST` finds records that are gone"
        digest_ = Condition("SmsgateRecordsDigest", "records", "ticket", title, "Keep it.", command)
        notice = Notice(digest_, "daily")
        for channel in self._channels:
            if channel.name != "text":
                self._send(channel, [notice])

    def _records_conditions(self) -> list[Condition]:
        """Whether the records can be used, which the snapshot of the store does not know."""
        report = self._readiness.ready()["records"]
        if is_well(report):
            return []
        return [condition("not_ready", "records", report, collaborator="records")]

    def _send_changes(self, channel: Channel, found: Mapping[str, Condition]) -> None:
        """Send what begins and ends on one channel; of several clocks, the one that claims it."""
        # Stored keys of the webhook have no prefix: it was the only channel once.
        prefix = "" if channel.name == "webhook" else f"{channel.name}|"
        sent = {
            key.removeprefix(prefix)
            for key in self._storage.sent()
            if (key.startswith(prefix) if prefix else "|" not in key.partition(" ")[0])
        }
        notices = {
            key: Notice(found[key], "begins")
            for key in sorted((found.keys() & self._previous) - sent)
            if self._storage.claim(prefix + key)
        }
        notices |= {
            key: Notice(_ended(key), "ends")
            for key in sorted(sent - found.keys() - self._previous)
            if self._storage.release(prefix + key)
        }
        groups = [notices] if channel.is_digest else [{key: one} for key, one in notices.items()]
        for group in groups:
            if not group or self._send(channel, [*group.values()]):
                continue
            for key, notice in group.items():  # the next check tries again
                undo = self._storage.claim if notice.state == "ends" else self._storage.release
                undo(prefix + key)

    def _send(self, channel: Channel, notices: Sequence[Notice]) -> bool:
        try:
            channel.send(notices)
        except CallFailed as error:
            if self._problems.get(channel.name) != str(error):
                _log.warning("alert was not taken", by=channel.name, problem=str(error))
            self._problems[channel.name] = str(error)
            return False
        self._problems.pop(channel.name, None)
        return True

    def _send_store_alert(self, condition: Condition) -> None:
        """Send that the store cannot be used. It can remember nothing then: each clock sends it."""
        notices = [Notice(condition, "begins")]
        for channel in self._channels:
            if channel.name not in self._store_alerts and self._send(channel, notices):
                self._store_alerts[channel.name] = _key(condition)

    def _end_store_alerts(self) -> None:
        for channel in self._channels:
            key = self._store_alerts.get(channel.name)
            if key is not None and self._send(channel, [Notice(_ended(key), "ends")]):
                del self._store_alerts[channel.name]


class ChannelTester:
    """Sends each requested test message once by every channel of this process."""

    def __init__(self, store: Store, channels: Sequence[Channel]) -> None:
        self._storage = AlertStorage(store.client)
        self._channels = channels
        self._clock = clock_name(socket.gethostname(), os.getpid())
        self._done = ""

    def run_requested(self) -> None:
        """Run the test that is requested, if there is one. Raises ``StoreUnavailable``."""
        test = self._storage.requested_test()
        if not test or test == self._done:
            return
        self._done = test
        # A tester before a change of the configuration may have run it.
        if self._clock not in self._storage.results(test):
            wanted = test.partition("-")[2]
            channels = [one for one in self._channels if wanted in ("", one.name)]
            results = [_test_channel(one) for one in channels]
            self._storage.save_results(test, self._clock, results)


def running_clocks(store: Store) -> set[str]:
    """The names of the clocks that run. Raises ``StoreUnavailable``."""
    running = store.heartbeats.running()
    return {clock_name(one.host, one.pid) for one in running if one.name == "clock"}


def clock_name(host: str, pid: int) -> str:
    """The name of a clock in the results of a test."""
    return f"{host}:{pid}"


def _test_channel(channel: Channel) -> ChannelTestResult:
    problem = ""
    try:
        channel.send([TEST])
    except CallFailed as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - the operator who asked must learn of it
        _log.error("alert test failed", by=channel.name, exc_info=error)
        problem = f"it failed ({type(error).__name__}); the clock's log says more"
    return ChannelTestResult(channel.name, not problem, problem)


def _key(condition: Condition) -> str:
    return f"{condition.name} {condition.subject}"


def _ended(key: str) -> Condition:
    name, _, subject = key.partition(" ")
    return Condition(name, subject, "ticket", "It is as it should be again", "")
