"""Twilio's Consent Management API: it takes opt-outs and cannot be read.

twilio.com/docs/messaging/features/consent-api, twilio.com/docs/api/errors/30646 and twilio-python
9.13 (accounts/v1/bulk_consents.py). In public beta, which an account has to be let into. Read in
November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Verdict
from smsgate.domain.signed_times import iso_time
from smsgate.providers.calls import FORM, Meaning
from smsgate.providers.opt_out_lists import OptOutListAccess, OptOutListProvider, OptOutNotice
from smsgate.providers.reading import read_answer
from smsgate.settings import Account

_API = "https://accounts.twilio.com"
_SOURCES = {"link": "website", "text": "opt-out-message"}
_ERRORS: Mapping[str, Meaning] = {
    "INTERNAL_SERVER_ERROR": (Verdict.NOT_ACCEPTED, "an error of its own"),
    "INVALID_CONTACT_ID": (Verdict.REFUSED, "it does not take the number"),
    "INVALID_SENDER_ID": (Verdict.REFUSED, "it does not take the sender"),
}


class _Result(msgspec.Struct):
    correlation_id: str = ""
    error_code: int | str = 0
    error_messages: list[str] = []


class _Results(msgspec.Struct):
    items: list[_Result] = []


class ConsentManagement(OptOutListProvider):
    """The part of Twilio's class that adds opt-outs to Twilio's list."""

    # The limit is 100 calls a minute for the whole account; other programs may use it, too.
    opt_out_list = OptOutListAccess(
        is_readable=False, holds_for="sender", notices_per_call=25, calls_per_minute=50
    )

    def opt_out_call(
        self, notices: Sequence[OptOutNotice], account: Account, now_us: int
    ) -> HttpCall:
        """Describe the call of the Consent Management API; a repeated one updates what is there."""
        items = [
            {
                "contact_id": one.number,
                "correlation_id": one.id,
                "sender_id": one.sender,
                "status": "opt-out",
                "source": _SOURCES.get(one.source, "others"),
                # A time in the future would be refused.
                "date_of_consent": iso_time(min(one.at_us, now_us)),
            }
            for one in notices
        ]
        sid = account.options["account_sid"]
        return HttpCall(
            "POST",
            f"{account.api_url or _API}/v1/Consents/Bulk",
            {"Accept": "application/json", "Content-Type": FORM},
            urlencode([("Items", msgspec.json.encode(one)) for one in items]).encode("ascii"),
            (sid, account.newest_secret("auth_token")),
        )

    def opt_out_results(
        self, response: HttpReply, notices: Sequence[OptOutNotice]
    ) -> list[Meaning]:
        """Return what became of each notice; one that the answer does not name is not accepted."""
        if not 200 <= response.status < 300:
            return super().opt_out_results(response, notices)
        items = read_answer(response, _Results).items
        results = {one.correlation_id: _meaning(one) for one in items}
        missing = Verdict.NOT_ACCEPTED, f"{self.label} did not say what became of it"
        return [results.get(one.id, missing) for one in notices]


def _meaning(result: _Result) -> Meaning:
    if str(result.error_code) == "0":
        return Verdict.SENT, ""
    # Twilio's own sentence is not repeated: it may name the number.
    known = [one for one in _ERRORS if one in " ".join(result.error_messages)]
    other = Verdict.REFUSED, "see twilio.com/docs/api/errors"
    verdict, words = _ERRORS[known[0]] if known else other
    return verdict, f"Twilio answered {result.error_code}: {words}"
