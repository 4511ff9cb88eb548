"""Alerts for conditions that last."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec

from smsgate.domain.errors import StoreNotReady, Unfit
from smsgate.features.alerts.service import is_clock_running
from smsgate.interface.operation import Context, operation
from smsgate.interface.schemas import NoFields
from smsgate.store.shared_values import AlertTest
from smsgate.store.store import ALERT_TEST_S, Store

_POLL_S = 0.2


class AddressResult(msgspec.Struct, frozen=True):
    """Whether one address took the message, and from which clock."""

    address: str
    sent: bool
    problem: str
    clock: str


@operation(
    command="alerts test",
    role="admin",
    exit_code=lambda found: 0 if all(one.sent for one in found) else 2,
)
def test_alerts(
    context: Context,  # noqa: ARG001
    request: NoFields,  # noqa: ARG001
    store: Store,
) -> Sequence[AddressResult]:
    """Let the clock send a test message to each address of alerts, and show the results.

    The clock that sends alerts sends it, with its own environment and network. The exit code is 0
    if every address took it, 2 if one failed, none is configured or no clock answered.
    """
    store.alert_test.write(AlertTest())
    while (test := store.alert_test.read()) is not None and test.results is None:
        if not is_clock_running(store):
            raise StoreNotReady("No clock is running, so no alert is sent: start the clock.")
        threading.Event().wait(_POLL_S)
    if test is None or test.results is None:
        raise StoreNotReady(f"The clock did not answer within {ALERT_TEST_S} s: see its log.")
    if not test.results:
        raise Unfit("No address is configured: set `to` under [alerts].")
    problems = test.results.items()
    return [AddressResult(one, not problem, problem, test.clock) for one, problem in problems]


OPERATIONS = (test_alerts,)
