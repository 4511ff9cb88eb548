"""One family of errors; each knows its consequence.

``status`` is the HTTP answer where the error reaches a web door, ``exit_code`` the one where
it reaches a terminal. ``smsgate/web/problems.py``, ``workers/jobs.py`` and ``smsgate/cli`` are
the only places that catch the family as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SmsGateError(Exception):
    """Root of the family. The text is a sentence that a caller may be shown."""

    status = 500
    exit_code = 2
    message_ids = ""
    """The provider's ids of the messages that were not taken, for the log; empty elsewhere."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a configuration: where it stands and what would be right."""

    place: str
    key: str
    problem: str

    def __str__(self) -> str:
        """Place, key and problem on one line."""
        return f"{self.place}: {self.key}: {self.problem}"


class ConfigurationError(SmsGateError):
    """The configuration cannot be used; ``faults`` holds every fault that was found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Join the faults, one a line, as the text."""
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class OtherConfiguration(SmsGateError):
    """The files here make another configuration than the one that is asked for."""

    def __init__(self, version: str) -> None:
        """Keep the version that they make."""
        super().__init__(f"the files here make version {version}")
        self.version = version


class InvalidNumber(SmsGateError):
    """A text that was given as a phone number is none."""

    status = 422


class UnknownProgram(SmsGateError):
    """No program of that name is published in the store."""

    status = 422


class WebhookError(SmsGateError):
    """A provider's request that is not accepted."""

    status = 400


class UnknownAccount(WebhookError):
    """The URL names an account that the configuration does not have."""

    status = 404


class AccountNotReady(WebhookError):
    """The account has no usable secret, so nothing can be verified; the provider tries again."""

    status = 503


class SignatureRefused(WebhookError):
    """The signature is missing, cut or wrong, or the request is for another account."""

    status = 403


class SignatureExpired(SignatureRefused):
    """The signature is right, but the time that it covers is outside the scheme's window.

    Whoever sent it knew a secret once. An opt-out in it is honoured, an opt-in is not.
    """


class TooManyForgeries(WebhookError):
    """The address sends nothing but forgeries, so that this request was not looked at."""

    status = 429


class Unreadable(WebhookError):
    """The request is genuine but is not what the provider documents."""

    status = 400


class LengthMissing(WebhookError):
    """A body does not say how long it is, and one that broke off would look whole."""

    status = 411


class TooLarge(WebhookError):
    """The body is over the limit."""

    status = 413


# --- lists ----------------------------------------------------------------------------------


class ListUnreadable(SmsGateError):
    """A file is no list that can be read; nothing of it was used."""

    status = 422


class ColumnUnclear(ListUnreadable):
    """A list does not show where its numbers stand; ``columns`` are those that may be named."""

    def __init__(self, problem: str, columns: Sequence[str]) -> None:
        """Keep the sentence and the columns."""
        super().__init__(problem)
        self.columns = tuple(columns)


# --- collaborators ------------------------------------------------------------------------


class StoreUnavailable(SmsGateError):
    """Redis could not be reached, timed out, or refused to write; nothing was acknowledged."""

    status = 503

    def __init__(self, problem: str, mend: str = "start Redis, or set REDIS_URL") -> None:
        """Keep the sentence, and what mends it."""
        super().__init__(problem)
        self.mend = mend


class StoreNotReady(SmsGateError):
    """Redis answers, but what it holds cannot be trusted: no marker, evicting, another layout."""

    status = 503


class SpoolUnavailable(SmsGateError):
    """The spool on this host's disk cannot be used. Nothing in it was ever acknowledged.

    ``is_full`` says whether it is for want of room alone, which may end by itself.
    """

    status = 503

    def __init__(self, problem: str, *, is_full: bool = False) -> None:
        """Keep the sentence and whether the disk is full."""
        super().__init__(problem)
        self.is_full = is_full


class RecordsUnavailable(SmsGateError):
    """The records' database could not be reached or refused to write. Events wait in the store."""

    status = 503


class RecordsNotReady(SmsGateError):
    """The records' database answers, but not with our tables; the text says what mends it."""

    status = 503


class RecordsDiffer(SmsGateError):
    """Store and records contradict each other, so nothing is moved between them."""

    status = 503


class QueueUnavailable(SmsGateError):
    """RQ's Redis could not be reached. Never changes the answer to a provider."""

    status = 503


class CallFailed(SmsGateError):
    """An outgoing HTTP call had no response. ``left`` says whether the request may have left us."""

    def __init__(self, problem: str, *, left: bool) -> None:
        """Keep the sentence and whether the other side may have acted on the request."""
        super().__init__(problem)
        self.left = left
