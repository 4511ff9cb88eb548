"""Alerts for conditions that last."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import msgspec

from smsgate.domain.errors import StoreNotReady
from smsgate.interface.operation import Context, operation
from smsgate.interface.schemas import NoFields
from smsgate.store.alerts import TEST_TTL_S

_POLL_S = 0.2


class AddressResult(msgspec.Struct, frozen=True):
    """Whether one address took the message, and from which clock."""

    address: str
    sent: bool
    problem: str
    clock: str


def _lines(found: Sequence[AddressResult]) -> str:
    rows = [
        f"{'    ok' if one.sent else 'failed'}  {one.address}, by the clock at {one.clock} "
        f"{one.problem}"
        for one in found
    ]
    return "\n".join(rows) or "No address is configured: set `to` under [alerts]."


@operation(
    command="alerts test",
    role="admin",
    example={},
    text=_lines,
    exit_code=lambda found: (0 if all(one.sent for one in found) else 2) if found else 1,
)
def test_alerts(context: Context, request: NoFields) -> Sequence[AddressResult]:  # noqa: ARG001
    """Let the clock send a test message to each address of alerts, and show the results.

    The clock that sends alerts sends it, with its own environment and network. The exit code is 0
    if every address took it, 1 if none is configured, 2 if one failed or no clock answered.
    """
    store = context.services.store
    until, pause, test = time.monotonic() + TEST_TTL_S, threading.Event(), None
    id_ = store.alerts.request_test()
    while test is None or test.id != id_ or test.results is None:
        if not any(one.name == "clock" for one in store.heartbeats.running()):
            raise StoreNotReady("No clock is running, so no alert is sent: start the clock.")
        if time.monotonic() >= until:
            raise StoreNotReady(f"The clock did not answer within {TEST_TTL_S} s: see its log.")
        pause.wait(_POLL_S)
        test = store.alerts.test()
    return [
        AddressResult(address, not problem, problem, test.clock)
        for address, problem in test.results.items()
    ]


OPERATIONS = (test_alerts,)
