"""What of a provider's request is kept for the operator's own application, until it has it."""

from __future__ import annotations

import msgspec


class Posted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A provider's request, as far as it takes to make it anew for another address."""

    method: str
    """``POST`` or ``GET``."""
    content_type: str
    form: bytes
    """The body; of a ``GET`` the raw query."""


class Onward(msgspec.Struct, frozen=True, omit_defaults=True):
    """That a text goes on to the program's application, and what its entry does not say of it."""

    media: tuple[str, ...] = ()
    flag: str = ""
    """What the provider itself took the text for: ``opt_out``, ``opt_in``, ``help`` or nothing."""
    posted: Posted | None = None
    """Only where the application wants the provider's own request."""
