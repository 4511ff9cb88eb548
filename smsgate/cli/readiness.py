"""Waiting until the web doors say that everything is there."""

from __future__ import annotations

import threading
import time

import msgspec

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.outbound import Outbound

OPEN_S = 30.0
"""How long the doors may take to open."""
SETTLE_S = 5.0
"""How long after that a collaborator may still be unwell before it is told."""


class _Readyz(msgspec.Struct):
    ready: bool
    collaborators: dict[str, str]


def wait(url: str, key: str, ending: threading.Event) -> dict[str, str] | None:
    """What is not quite well, by collaborator; None where nobody answered.

    ``url`` is that of the web doors, ``key`` one that opens the details. Gives up as soon as
    ``ending`` is set.
    """
    outbound = Outbound()
    until = time.monotonic() + OPEN_S
    answer: _Readyz | None = None
    while not (answer and answer.ready) and time.monotonic() < until and not ending.wait(0.1):
        found = _ask(outbound, url, key)
        if answer is None and found is not None:
            until = time.monotonic() + SETTLE_S
        answer = found or answer
    outbound.close()
    if answer is None:
        return None
    return {name: said for name, said in answer.collaborators.items() if said != "ok"}


def _ask(outbound: Outbound, url: str, key: str) -> _Readyz | None:
    try:
        answer = outbound.perform(
            HttpCall("GET", f"{url}/readyz", {"Authorization": f"Bearer {key}"})
        )
        return msgspec.json.decode(answer.body, type=_Readyz)
    except (CallFailed, msgspec.DecodeError):
        return None
