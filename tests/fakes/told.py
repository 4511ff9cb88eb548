"""Texts put into a gateway as the webhooks put them, and applied; nobody has to understand them."""

from __future__ import annotations

from itertools import count
from typing import Any

from smsgate.domain.messages import Arrival, Intent
from smsgate.process.services import Services
from tests.fakes.values import NUMBER, entry

_ids = count(1)


def told(
    services: Services,
    intent: Intent,
    text: str = "",
    number: str = NUMBER,
    *,
    applied: bool = True,
    sent_us: int | None = None,
    **rest: Any,
) -> str:
    """Enter one text; gives its inbox id."""
    rest.setdefault("message_id", f"SM{next(_ids):032x}")
    arrival = Arrival(entry(intent, number, text=text or intent.value, **rest), sent_us)
    (added,) = services.store.inbox.add([arrival])
    if applied:
        work(services)
    return added.id


def work(services: Services) -> None:
    """Apply whatever waits."""
    for partition in services.store.inbox.busy():
        services.applier.drain(partition)
