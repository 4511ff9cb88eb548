"""What is wrong with a request of those who operate smsgate, send, or follow a link."""

from __future__ import annotations

from collections.abc import Mapping

from smsgate.domain.errors.base import SmsGateError


class NoSuchReply(SmsGateError):
    """There is no reply of that id with which this could be done."""

    status = 404


class ReplyExpired(NoSuchReply):
    """The reply may not leave any more: the time in which it confirms an opt-out is over."""


class NoSuchReview(SmsGateError):
    """No text of that number waits for a person."""

    status = 404


class ReviewChanged(SmsGateError):
    """What waits is not what was looked at: it was decided, or a newer text came."""

    status = 409


class RestoreRefused(SmsGateError):
    """What was given does not lift the opt-out that holds; the text says what does."""

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
        """Keep the sentence, and for how many seconds to wait."""
        super().__init__(problem)
        self.wait_s = wait_s


class TooManyWrongKeys(TooManyCalls):
    """An address gave too many keys that open nothing."""


class NoSuchKey(SmsGateError):
    """There is no API key of that name that still opens anything."""

    status = 404


class KeyExists(SmsGateError):
    """An API key of that name is in use."""

    status = 409


class Unfit(SmsGateError):
    """What was given cannot be used; the text says what would be right."""

    status = 422


class NoSuchSpool(SmsGateError):
    """No host of that name says that messages wait in its spool."""

    status = 404


class NoSuchDelivery(SmsGateError):
    """No call of a feed with that id was given up."""

    status = 404


class NoSuchForward(SmsGateError):
    """No message for an application with that id was given up."""

    status = 404


class CursorRefused(SmsGateError):
    """What was given as a place in the events or in a list is none that these records gave."""

    status = 422


# --- opt-out links --------------------------------------------------------------------------


class LinkBroken(SmsGateError):
    """What stands in an opt-out link is nothing that one of our secrets made."""

    status = 404


class LinkExpired(LinkBroken):
    """The opt-out link is ours, but too old."""

    status = 410


class TooManyGuesses(SmsGateError):
    """An address came with too many opt-out links that nobody made."""

    status = 429


class LinksNotReady(SmsGateError):
    """No opt-out link can be made: there is no secret, or no public URL."""

    status = 503


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
    """A request would text somebody, but not whom; so the gate cannot be asked. Not sent."""

    status = 422


# --- webhooks -----------------------------------------------------------------------------


# --- operators ------------------------------------------------------------------------------


class NoSuchOperator(SmsGateError):
    """Nobody of that name may sign in to the console."""

    status = 404


class OperatorExists(SmsGateError):
    """The name of an operator is taken."""

    status = 409


class LastAdmin(SmsGateError):
    """It would leave the console without an admin."""

    status = 409


class SignInRefused(SmsGateError):
    """Name, password or code are not right, or have to wait. The text does not say which."""

    status = 403


# --- keyword sets ---------------------------------------------------------------------------


class NoSuchList(SmsGateError):
    """There is no list of that id, or it is somebody else's, or it was removed."""

    status = 404


class ListsUnavailable(SmsGateError):
    """The place where uploaded lists are kept cannot be used."""

    status = 503


class NoSuchKeywordSet(SmsGateError):
    """There is no keyword set of that name, or no such version of it."""

    status = 404


class KeywordSetOwned(SmsGateError):
    """The keyword set is a file, so the console does not change it."""

    status = 409


class KeywordSetChanged(SmsGateError):
    """Somebody else has saved the keyword set since it was read; nothing was saved."""

    status = 409


class KeywordSetUnfit(SmsGateError):
    """What was to become a keyword set cannot be one; nothing was saved."""

    status = 422
