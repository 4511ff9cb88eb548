"""HTTP in both directions: a request to us, a call of ours, and what its response means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

ALL = "all"
"""The scope of an opt-out that holds for every program."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """A provider's request as it arrived, free of any web framework."""

    method: str
    url: str
    """The public URL that the provider was given: configured origin, raw path and raw query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    certificate: bytes = b""
    """What the URL that the provider asked for gave (see ``Provider.certificate``)."""
    address: str = ""
    """Where it came from, as far as that can be known (see ``web/visitors.py``)."""

    @property
    def query(self) -> str:
        """The raw query, without the question mark."""
        return self.url.partition("?")[2]


@dataclass(frozen=True, slots=True)
class HttpCall:
    """An outgoing HTTP call, described but not made."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    token_from: HttpCall | None = field(default=None, repr=False)
    """The call that gives the access token which this one needs (OAuth 2.0), if it needs one."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP response: a provider's to our call, or ours to a provider's webhook."""

    status: int
    content_type: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Verdict(StrEnum):
    """What a provider's response to our call means."""

    SENT = "sent"
    OPTED_OUT = "opted_out"
    """The provider will not text that number: it has its opt-out already."""
    REFUSED = "refused"
    """Will never work: a bad number, bad credentials."""
    NOT_ACCEPTED = "not_accepted"
    """Surely not sent; may be tried again."""
    UNKNOWN = "unknown"
    """May have been sent; must not be repeated."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A provider's response, understood."""

    verdict: Verdict
    provider_id: str = ""
    note: str = ""
    retry_after_s: float | None = None
