"""What is wrong with a genuine request of which a message cannot be read."""

from __future__ import annotations

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import InboundMessage


class PartUnreadable(Unreadable):
    """One message of a genuine request cannot be read.

    ``others`` are those that can. They are stored, since a STOP among them cannot be asked for
    again; the request is refused all the same.
    """

    others: tuple[InboundMessage, ...] = ()


class TextMissing(PartUnreadable):
    """A genuine message does not have the field in which its format promises the text."""

    def __init__(self, field: str, names: tuple[str, ...]) -> None:
        """Say what is missing and what came instead, by names alone (see ``field_names``)."""
        came = f"it has {', '.join(names)}" if names else "it has no fields"
        super().__init__(f"The request lacks {field}, in which a text must stand; {came}.")
        self.names = names
