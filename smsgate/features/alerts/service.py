"""Told: conditions that last reach a person by every way there is, each once until it ends."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence

import structlog

from smsgate.errors import CallFailed, StoreUnavailable
from smsgate.features.alerts.channels import Channel
from smsgate.features.alerts.message_text import TEST, Notice
from smsgate.features.alerts.storage import Alerts, AlertTests, ChannelOutcome
from smsgate.pipeline.conditions import REFUSED, Condition, conditions, weak
from smsgate.pipeline.monitoring import sights
from smsgate.settings import Settings
from smsgate.store import Store

_log = structlog.get_logger()
_PREFIXES = {"webhook": ""}
"""What stands before a condition in the store, where it is not the way's own name."""


class Alerting:
    """Looks, compares with what was told, and tells what is new.

    Each way has its own memory in the store, so that one that fails is tried again at the next
    look, and the others neither wait for it nor tell anything twice.
    """

    def __init__(self, store: Store, settings: Settings, channels: Sequence[Channel]) -> None:
        """Use these collaborators."""
        self._store = store
        self._alerts = Alerts(store.client)
        self._settings = settings
        self._channels = channels
        self._before: set[str] = set()
        self._away: dict[str, str] = {}
        """By way, as what it was told that the store is away or refuses writes."""
        self._problems: dict[str, str] = {}

    def turn(self) -> None:
        """Look once. What was seen at the last look too, and is told by nobody, is told now.

        So what passes by itself within a look is not told. Raises nothing.
        """
        try:
            self._compare()
        except StoreUnavailable as error:
            self._store_away(Condition("SmsgateNotReady", "store", True, str(error), error.mend))

    def _compare(self) -> None:
        seen = sights(self._store, self._settings, dict)
        found = {_key(one): one for one in [*conditions(seen), *weak(seen)]}
        if seen.writes is not None:
            self._store_away(next(one for one in found.values() if one.name == REFUSED))
            return
        self._store_back()
        for channel in self._channels:
            self._tell_by(channel, found)
        self._before = set(found)

    def _tell_by(self, channel: Channel, found: Mapping[str, Condition]) -> None:
        """Tell by one way what is new for it. Whoever takes a condition in the store tells it."""
        alerts, prefix = self._alerts, _PREFIXES.get(channel.name, f"{channel.name}|")
        told = {key.removeprefix(prefix) for key in alerts.told() if _is_of(prefix, key)}
        notices = {
            key: Notice(found[key], "begins")
            for key in sorted((found.keys() & self._before) - told)
            if alerts.take(prefix + key)
        }
        notices |= {
            key: Notice(_over(key), "ends")
            for key in sorted(told - found.keys() - self._before)
            if alerts.give_back(prefix + key)
        }
        groups = [notices] if channel.together else [{key: one} for key, one in notices.items()]
        for group in groups:
            if group and not self._told(channel, [*group.values()]):
                self._undo(prefix, group)

    def _undo(self, prefix: str, notices: Mapping[str, Notice]) -> None:
        """Put back what was taken for a way that failed: the next look tries again."""
        for key, notice in notices.items():
            if notice.state == "ends":
                self._alerts.take(prefix + key)
            else:
                self._alerts.give_back(prefix + key)

    def _told(self, channel: Channel, notices: Sequence[Notice]) -> bool:
        """Whether a way took it. A problem that lasts is logged once."""
        try:
            channel.tell(notices)
        except CallFailed as error:
            if self._problems.get(channel.name) != str(error):
                _log.warning("alert was not taken", by=channel.name, problem=str(error))
            self._problems[channel.name] = str(error)
            return False
        self._problems.pop(channel.name, None)
        return True

    def _store_away(self, condition: Condition) -> None:
        """Nothing can be remembered there, so each clock tells it by itself."""
        for channel in self._channels:
            if channel.name not in self._away and self._told(
                channel, [Notice(condition, "begins")]
            ):
                self._away[channel.name] = _key(condition)

    def _store_back(self) -> None:
        for channel in self._channels:
            key = self._away.get(channel.name)
            if key is not None and self._told(channel, [Notice(_over(key), "ends")]):
                del self._away[channel.name]


def _key(one: Condition) -> str:
    return f"{one.name} {one.subject}"


def _is_of(prefix: str, key: str) -> bool:
    return key.startswith(prefix) if prefix else "|" not in key.partition(" ")[0]


def _over(key: str) -> Condition:
    name, _, subject = key.partition(" ")
    return Condition(name, subject, False, "is as it should be again", "")


def name_of(host: str, pid: int) -> str:
    """How a clock is named in the outcome of a test."""
    return f"{host}:{pid}"


class ChannelCheck:
    """Makes each test that is asked for once in this process, and tells what came of it."""

    def __init__(self, store: Store, channels: Sequence[Channel]) -> None:
        """Use the store, and the channels as this process has them."""
        self._tests = AlertTests(store.client)
        self._channels = channels
        self._clock = name_of(socket.gethostname(), os.getpid())
        self._made = ""

    def turn(self) -> None:
        """Make the test that is asked for, if there is one. Raises ``StoreUnavailable``."""
        asked = self._tests.asked()
        if not asked or asked == self._made:
            return
        self._made = asked
        # It may have been made before a change of the configuration.
        if self._clock not in self._tests.answers(asked):
            outcomes = [_outcome(one) for one in self._channels]
            self._tests.answer(asked, self._clock, outcomes)


def _outcome(channel: Channel) -> ChannelOutcome:
    problem = ""
    try:
        channel.tell([TEST])
    except CallFailed as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 - whoever asked must hear of it
        _log.error("alert test failed", by=channel.name, exc_info=error)
        problem = f"it failed ({type(error).__name__}); the clock's log says more"
    return ChannelOutcome(channel.name, not problem, problem)
