"""Tells each address of every condition: when it lasts, after each day, and when it is over."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Mapping
from hashlib import sha256
from urllib.parse import urlsplit

import structlog
from pydantic import SecretStr

from smsgate.domain.errors import RecordsUnavailable, StoreUnavailable
from smsgate.monitoring.conditions import TABLE, Condition, span
from smsgate.monitoring.deadlines import Deadlines, NoAnswerInTime
from smsgate.monitoring.monitor import Monitor
from smsgate.notifications import Kind, Message, send
from smsgate.records import Records, chain_digest
from smsgate.settings import Settings
from smsgate.store.shared_values import AlertState, AlertTest, SentAlert
from smsgate.store.store import Store

_DAY_S = 24 * 3600
_ANSWER_S = 30.0
"""A busy Redis is no page."""
_MOST_AT_ONCE = 10
"""Messages to one address at a check; the others come at the next, while the lease still holds."""
_OF_THE_STORE = {f"{TABLE[key].name} store" for key in ("store_away", "store_refuses_writes")}
_DIGEST = "digest of the records"
"""Beside the conditions that an address was told of."""
_ALERTS_FAIL = TABLE["alerts_fail"].name
_log = structlog.get_logger()


class AlertService:
    """Compares the conditions of the moment with what each address was told.

    What an address does not take is sent to it again at the next check; the others get nothing
    twice because of it.
    """

    def __init__(
        self, store: Store, settings: Settings, monitor: Monitor, records: Records
    ) -> None:
        self._store, self._settings, self._monitor = store, settings, monitor
        self._records, self._logged_s = records, 0.0
        self._deadlines = Deadlines(_ANSWER_S)
        self._urls = addresses_of(settings)
        self._ids = {
            key: sha256(url.get_secret_value().encode()).hexdigest()[:8] + " "
            for key, url in self._urls.items()
        }
        self._host = urlsplit(settings.public_url).hostname or socket.gethostname()
        self._clock = f"{socket.gethostname()}:{os.getpid()}"
        self._since: dict[str, float] = {}
        """The conditions of the last check, and since when they last."""
        self._missing: dict[str, float] = {}
        """By address and condition since when it is over, until the address took that."""
        self._refused: dict[str, float] = {}
        """By address and condition when it was not taken: it is sent again after the others."""
        self._sent_alone: dict[str, SentAlert] = {}
        """About the store itself, which can remember nothing then: each clock tells it."""

    def check(self) -> None:
        """Send what was there at the last check too, what lasts another day, and what is over.

        Does not raise ``StoreUnavailable``.
        """
        found = {one.id: one for one in self._monitor.look(self._deadlines, here=False).conditions}
        # Of a store that remembers nothing each clock tells by itself.
        alone = {key: one for key, one in found.items() if key in _OF_THE_STORE}
        before, now = self._since, time.time()
        # Of the others nothing is known while the store is away: they are as they were.
        present = {**before, **alone} if alone else found
        self._since = {key: before.get(key, now) for key in present}
        lasting = {key: one for key, one in found.items() if key in before}
        try:
            if not alone and self._store.alert_lease.hold(self._clock):
                self._tell_others(lasting, {*found, *before, _DIGEST})
        except StoreUnavailable:
            return  # the next look finds it
        self._tell({key: lasting[key] for key in alone if key in lasting}, alone, self._sent_alone)

    def _tell_others(self, lasting: Mapping[str, Condition], present: Collection[str]) -> None:
        """Tell what the store remembers, and let it remember that. Raises ``StoreUnavailable``."""
        told = self._store.alert_state.read() or AlertState()
        known = tuple(self._ids.values())
        sent = {key: one for key, one in told.sent.items() if key.startswith(known)}
        state = AlertState(sent, self._tell(lasting, present, sent, self._newest_digest()))
        if state != told:
            self._store.alert_state.write(state)
        if state.failures and state.failures != told.failures:  # one that lasts is logged once
            _log.warning("alerts were not taken", problems=state.failures)

    def _tell(
        self,
        lasting: Mapping[str, Condition],
        present: Collection[str],
        sent: dict[str, SentAlert],
        digest: str = "",
    ) -> dict[str, str]:
        """Send what is due, and keep it in ``sent``; returns by address why it failed."""
        failures = {}
        for address, id_ in self._ids.items():
            now = time.time()
            reported = {key: old for key, old in sent.items() if key.startswith(id_)}
            due = self._over(reported, {id_ + key for key in present}, now)
            for key, one in lasting.items():
                told = sent.get(id_ + key)
                is_known = told and now - told.sent_s < _DAY_S and told.is_failure >= one.is_failure
                if is_known or key == f"{_ALERTS_FAIL} {address}":
                    continue
                began_s = told.began_s if told else self._since.get(key, now)
                lasts = f" (for {span(now - began_s)})" if told else ""
                body = f"{one.text}\nTo do: {one.command}."
                kind: Kind = "failure" if one.is_failure else "warning"
                message = self._message(one.title + lasts, body, kind, one.page[0])
                due[id_ + key] = message, SentAlert(began_s, now, one.is_failure, one.title)
            told = sent.get(id_ + _DIGEST)
            if digest and (told is None or now - told.sent_s >= _DAY_S):
                use = "With it `smsgate records verify --digest` finds records that are gone."
                message = self._message(_DIGEST, f"{digest}\n{use}")
                due[id_ + _DIGEST] = message, SentAlert(now, now, False, _DIGEST)
            for key in sorted(due, key=lambda one: self._refused.get(one, 0.0))[:_MOST_AT_ONCE]:
                message, new = due[key]
                if problem := send(self._urls[address], message):
                    failures[address] = problem
                    self._refused[key] = time.monotonic()
                    break
                self._refused.pop(key, None)
                sent.pop(key, None)
                self._missing.pop(key, None)
                if new is not None:
                    sent[key] = new
        return failures

    def _over(
        self, reported: Mapping[str, SentAlert], present: Collection[str], now: float
    ) -> dict[str, tuple[Message, SentAlert | None]]:
        """Messages that a reported condition is over, with how long it lasted."""
        due: dict[str, tuple[Message, SentAlert | None]] = {}
        for key, old in reported.items():
            if key in present:
                self._missing.pop(key, None)
            else:
                over_s = self._missing.setdefault(key, now)
                title = f"Over after {span(over_s - old.began_s)}: {old.title}"
                due[key] = self._message(title, "It is as it should be again.", "success"), None
        return due

    def _message(self, title: str, body: str, kind: Kind = "info", page: str = "") -> Message:
        """A message with the name of the installation, and the page that helps."""
        if self._settings.public_url:
            body += f"\n{self._settings.public_url}{page or '/console/'}"
        return Message(f"smsgate at {self._host}: {title}", body, kind)

    def _newest_digest(self) -> str:
        """The digest, logged once a day; empty without any record, or while they are away."""
        try:
            heads = self._deadlines.records.call(self._records.reader.heads)
        except (RecordsUnavailable, NoAnswerInTime):
            return ""
        digest, now = chain_digest(heads) if heads else "", time.time()
        if digest and now - self._logged_s >= _DAY_S:
            self._logged_s = now
            _log.info("records digest", digest=digest)
        return digest

    def run_test(self) -> None:
        """Run the test that is requested, if this clock sends. Raises ``StoreUnavailable``."""
        test = self._store.alert_test.read()
        if test and test.results is None and self._store.alert_lease.hold(self._clock):
            message = self._message("test", "No action is needed.")
            results = {address: send(url, message) for address, url in self._urls.items()}
            self._store.alert_test.write(AlertTest(self._clock, results))

    def close(self) -> None:
        """Leave sending to another clock, at once. Raises ``StoreUnavailable``."""
        self._store.alert_lease.release(self._clock)


def addresses_of(settings: Settings) -> dict[str, SecretStr]:
    """The URLs of alerts by service and place: ``slack 1``. All else of them is secret."""
    urls = enumerate(settings.alerts.to, 1)
    return {f"{one.get_secret_value().partition('://')[0]} {place}": one for place, one in urls}


def is_clock_running(store: Store) -> bool:
    """Whether there is a process that sends alerts. Raises ``StoreUnavailable``."""
    return any(one.name == "clock" for one in store.heartbeats.running())
