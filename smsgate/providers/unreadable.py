"""What is wrong with a genuine request of which a message cannot be read."""

from __future__ import annotations

import functools

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.providers.field_names import field_names


class PartUnreadable(Unreadable):
    """One message of a genuine request cannot be read.

    ``others`` are those that can. They are stored, since a STOP among them cannot be asked for
    again; the request is refused all the same.
    """

    others: tuple[InboundMessage, ...] = ()


class TextMissing(PartUnreadable):
    """A genuine message does not have the field in which its format promises the text."""

    def __init__(self, field: str, request: WebhookRequest) -> None:
        """Keep what was looked for and where.

        Args:
            field: the name of the field, as the provider documents it.
            request: that it is not in.
        """
        super().__init__(field)
        self.field = field
        self.request = request

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the fields that came instead (see ``field_names``)."""
        return field_names(self.request)

    def __str__(self) -> str:
        """Say what is missing and what came instead, by names alone."""
        came = f"it has {', '.join(self.names)}" if self.names else "it has no fields"
        return f"The request lacks {self.field}, in which a text must stand; {came}."
