"""A test message by each channel, sent by the process that tells the alerts."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

import structlog

from smsgate.errors import CallFailed
from smsgate.gateway.alerts.channels import Channel
from smsgate.gateway.alerts.wording import TEST
from smsgate.store import Store
from smsgate.store.alert_tests import ChannelOutcome

_log = structlog.get_logger()


def name_of(host: str, pid: int) -> str:
    """How a clock is named in the outcome of a test."""
    return f"{host}:{pid}"


class ChannelCheck:
    """Makes each test that is asked for once in this process, and tells what came of it."""

    def __init__(self, store: Store, channels: Sequence[Channel]) -> None:
        """Use the store, and the channels as this process has them."""
        self._store = store
        self._channels = channels
        self._clock = name_of(socket.gethostname(), os.getpid())
        self._made = ""

    def turn(self) -> None:
        """Make the test that is asked for, if there is one. Raises ``StoreUnavailable``."""
        asked = self._store.alert_tests.asked()
        if not asked or asked == self._made:
            return
        self._made = asked
        # It may have been made before a change of the configuration.
        if self._clock not in self._store.alert_tests.answers(asked):
            outcomes = [_outcome(one) for one in self._channels]
            self._store.alert_tests.answer(asked, self._clock, outcomes)


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
