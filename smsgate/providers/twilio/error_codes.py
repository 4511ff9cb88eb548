"""Twilio's error codes (twilio.com/docs/api/errors) and what each means for us."""

from __future__ import annotations

from collections.abc import Mapping

from smsgate.domain.messages import Verdict
from smsgate.providers.calls import Meaning

CALL_CODES: Mapping[str, Meaning] = {
    "20003": (Verdict.REFUSED, "account_sid or auth_token is wrong"),
    "20404": (Verdict.REFUSED, "there is no such account"),
    "20429": (Verdict.NOT_ACCEPTED, "too many requests"),
    "21211": (Verdict.REFUSED, "To is no phone number"),
    "21212": (Verdict.REFUSED, "From is no phone number"),
    "21408": (Verdict.REFUSED, "the account may not text that country"),
    "21606": (Verdict.REFUSED, "From is no sender of this account"),
    "21608": (Verdict.REFUSED, "a trial account may only text verified numbers"),
    "21610": (Verdict.OPTED_OUT, "the number has opted out of texts from this sender"),
    "21611": (Verdict.NOT_ACCEPTED, "the sender's queue is full"),
    "21612": (Verdict.REFUSED, "From cannot reach To"),
    "21614": (Verdict.REFUSED, "To is no mobile number"),
    "21617": (Verdict.REFUSED, "the text is too long"),
    "21635": (Verdict.REFUSED, "To is a landline"),
    "21701": (Verdict.REFUSED, "there is no such messaging service"),
    "21703": (Verdict.REFUSED, "the messaging service has no sender"),
}
"""Codes that a call itself can be answered with."""
REPORT_CODES: Mapping[str, tuple[str, str]] = {
    "21211": ("unreachable", "no phone number"),
    "21610": ("opted_out", "the number has opted out of texts from this sender"),
    "21614": ("unreachable", "no mobile number"),
    "21635": ("unreachable", "a landline"),
    "30003": ("unreachable", "the handset is off, away or out of service"),
    "30004": ("unreachable", "the number is barred from getting texts"),
    "30005": ("unreachable", "the number is unknown or no longer in use"),
    "30006": ("unreachable", "a landline, or a carrier that cannot be reached"),
    "63003": ("unreachable", "the channel does not know the number"),
    "63024": ("unreachable", "the channel cannot text the number"),
}
"""Codes in reports that say something of the number, see ``Provider.report_codes``."""
