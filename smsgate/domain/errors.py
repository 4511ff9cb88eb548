"""One family of errors; each knows its consequence.

``status`` is the HTTP status where the error reaches an endpoint, ``exit_code`` the exit code
where it reaches a terminal. ``smsgate/web/problems.py``, ``workers/jobs.py`` and ``smsgate/cli``
are the only places that catch the family as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class SmsGateError(Exception):
    """Root of the family. The text is a sentence that a caller may be shown."""

    status = 500
    exit_code = 2
    message_ids = ""
    """The provider's ids of the messages that were not taken, for the log; empty elsewhere."""
    field = ""
    """The field of a form that is wrong, where it is one."""

    def __init__(self, *args: object, field: str = "") -> None:
        super().__init__(*args)
        if field:
            self.field = field


def reason_of(error: Exception) -> str:
    """Return an error's name for programs: ``SignatureRefused`` is ``signature_refused``."""
    return _CAPITAL.sub("_", type(error).__name__).lower()


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a configuration: its place, key, and what would be right."""

    place: str
    key: str
    problem: str

    def __str__(self) -> str:
        """Place, key and problem on one line."""
        return f"{self.place}: {self.key}: {self.problem}"


class Obstacle(NamedTuple):
    """What hinders something, and what removes it."""

    problem: str
    remedy: str


class ConfigurationError(SmsGateError):
    """The configuration cannot be used; ``faults`` holds every fault that was found."""

    status = 422

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class InvalidNumber(SmsGateError):
    """A text that was given as a phone number is not one."""

    status = 422
    field = "number"


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

    The sender knew a secret once. An opt-out in it is honoured, an opt-in is not.
    """


class Unreadable(WebhookError):
    """The request is genuine but is not what the provider documents."""


class LengthMissing(WebhookError):
    """A body does not say how long it is, and one that broke off would look whole."""

    status = 411


class TooLarge(WebhookError):
    """The body is over the limit."""

    status = 413


# --- collaborators ------------------------------------------------------------------------


class StoreUnavailable(SmsGateError):
    """Redis could not be reached, timed out, or refused to write; nothing was acknowledged."""

    status = 503

    def __init__(
        self,
        problem: str,
        remedy: str = "start Redis, or set REDIS_URL",
        *,
        refuses_writes: bool = False,
    ) -> None:
        super().__init__(problem)
        self.remedy = remedy
        self.refuses_writes = refuses_writes
        """Whether Redis answers, and refuses to write."""


class OldStore(StoreUnavailable):
    """Redis has a store of smsgate 0.1 or 0.2; nothing in it was changed."""

    def __init__(self) -> None:
        super().__init__(
            "Redis has a store of smsgate 0.1 or 0.2, which 0.3 does not read; nothing was "
            "changed: give 0.3 an empty Redis, and take the opt-outs along as docs/upgrading.md "
            "says",
            "set REDIS_URL to an empty Redis, or to another database number of this one",
        )


class StoreNotReady(SmsGateError):
    """Redis answers, but what it holds cannot be trusted: no metadata, evicting, another layout."""

    status = 503


class SpoolUnavailable(SmsGateError):
    """The spool on this host's disk cannot be used. Nothing in it was ever acknowledged.

    ``is_full`` says whether the disk is full, which may end by itself.
    """

    status = 503

    def __init__(self, problem: str, *, is_full: bool = False) -> None:
        super().__init__(problem)
        self.is_full = is_full


class RecordsUnavailable(SmsGateError):
    """The records' database could not be reached or refused to write. Events wait in the store."""

    status = 503


class RecordsNotReady(RecordsUnavailable):
    """The records' database answers, but not with our tables; the text says what mends it."""


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


class NotFound(SmsGateError):
    """Nothing has the id or name that was given, or it cannot be used any more."""

    status = 404


class NoSuchReview(NotFound):
    """No text of that number waits for a person."""


class ReviewChanged(SmsGateError):
    """The review changed since it was shown: it was decided, or a newer text came."""

    status = 409


class RestoreRefused(SmsGateError):
    """The input does not lift the opt-out that holds; the text says what does."""

    status = 409


class Unauthorized(SmsGateError):
    """An API call without a valid key."""

    status = 401


class Forbidden(SmsGateError):
    """The key is right, but may not make this call."""

    status = 403


class TooManyCalls(SmsGateError):
    """A key made more calls than it may; ``wait_s`` says when it may go on."""

    status = 429

    def __init__(self, problem: str, wait_s: float) -> None:
        super().__init__(problem)
        self.wait_s = wait_s


class TooManyWrongKeys(TooManyCalls):
    """An address used too many keys that are not valid."""


class CallInProgress(SmsGateError):
    """A call with the same ``Idempotency-Key`` is still being answered."""

    status = 409


class KeyExists(SmsGateError):
    """An API key of that name is in use."""

    status = 409


class Unfit(SmsGateError):
    """The input cannot be used; the text says what would be right."""

    status = 422


class CursorRefused(SmsGateError):
    """A cursor into the events or a list was not issued by these records."""

    status = 422


# --- opt-out links --------------------------------------------------------------------------


class LinkBroken(SmsGateError):
    """The token of an opt-out link was made by none of our secrets."""

    status = 404


class LinkExpired(LinkBroken):
    """The opt-out link is ours, but too old."""

    status = 410


class TooManyGuesses(SmsGateError):
    """Too many guesses came from an address, or too many people are signing in."""

    status = 429


class LinksNotReady(SmsGateError):
    """No opt-out link can be made: there is no secret, or no public URL."""

    status = 409


# --- senders --------------------------------------------------------------------------------


class Suppressed(SmsGateError):
    """A send was stopped by the gate. ``refused`` has each number that stopped it, and why."""

    status = 409
    exit_code = 1

    def __init__(self, program: str, refused: Mapping[str, str]) -> None:
        """Keep numbers and reasons; the text has no number, for it may end in a log."""
        self.program = program
        self.refused = dict(refused)
        count = "1 number" if len(self.refused) == 1 else f"{len(self.refused)} numbers"
        reasons = ", ".join(sorted(set(self.refused.values())))
        super().__init__(f"{program!r} may not text {count} ({reasons}); nothing was sent")

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers that may not be texted, as they were given."""
        return tuple(self.refused)

    @property
    def reason(self) -> str:
        """Why, of the first of them: one of the gate's reasons."""
        return next(iter(self.refused.values()), "")

    def __reduce__(self) -> tuple[type[Suppressed], tuple[str, dict[str, str]]]:
        """Keep what it carries where it is pickled, as task queues do with errors."""
        return type(self), (self.program, self.refused)


class GateUnreachable(SmsGateError):
    """The gate was asked over HTTP and gave no answer that can be trusted, so nothing may leave."""

    status = 503


class UnknownRecipients(SmsGateError):
    """A request texts recipients that it does not name, so the gate cannot be asked. Not sent."""

    status = 422
