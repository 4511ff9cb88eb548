"""What every integration does before a request leaves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from smsgate.domain.errors import UnknownRecipients

_CHANNEL = re.compile(r"(?:sms|mms|rcs|whatsapp|tel):", re.IGNORECASE)


class Asks(Protocol):
    """A way to the gate; ``smsgate.Gate`` and ``smsgate.client.SmsGate`` are two."""

    def require(self, numbers: Sequence[str], *, program: str, by: str = ...) -> None:
        """Return where the program may text all of them.

        Raises ``Suppressed`` otherwise, ``InvalidNumber`` where one is no phone number.
        """
        ...


def checked(gate: Asks, recipients: Sequence[str], program: str, by: str) -> None:
    """Return where a request may leave that texts these recipients.

    A channel before a number (``whatsapp:+1…``) is left out: an opt-out holds for the number.
    Raises ``Suppressed``, ``InvalidNumber`` for what is no phone number, ``UnknownRecipients``
    where there are none, and what the gate raises where it cannot tell.
    """
    if not recipients:
        raise UnknownRecipients(
            "this request would send a text, but has no recipient that can be checked; "
            "nothing was sent"
        )
    gate.require([_CHANNEL.sub("", one, count=1) for one in recipients], program=program, by=by)
