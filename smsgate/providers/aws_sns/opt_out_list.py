"""The opt-out list of AWS End User Messaging SMS: it can be read and added to.

docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2 (DescribeOptedOutNumbers,
PutOptedOutNumber). Read in November 2026.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from smsgate.domain.messages import HttpCall, HttpReply, Verdict
from smsgate.domain.phone import with_plus
from smsgate.providers.aws_sns.calls import describe_call
from smsgate.providers.calls import Meaning
from smsgate.providers.opt_out_lists import (
    ListedOptOut,
    OptOutListAccess,
    OptOutListPage,
    OptOutListProvider,
    OptOutNotice,
)
from smsgate.providers.reading import read_json
from smsgate.settings import Account

_ERRORS: Mapping[str, str] = {
    "AccessDeniedException": "the access key may not use the opt-out list",
    "InvalidSignatureException": "secret_access_key is wrong, or the clock",
    "ResourceNotFoundException": "there is no list of the name in opt_out_list_name",
    "ThrottlingException": "too many requests",
    "UnrecognizedClientException": "access_key_id is wrong",
    "ValidationException": "it does not take the number",
}


class _OptedOutNumber(msgspec.Struct, rename="pascal"):
    opted_out_number: str = ""
    opted_out_timestamp: float = 0.0
    end_user_opted_out: bool = True


class _OptedOutNumbers(msgspec.Struct, rename="pascal"):
    opted_out_numbers: list[_OptedOutNumber]
    next_token: str | None = None


class OptOutList(OptOutListProvider):
    """The part of the provider's class that reads the list and adds to it."""

    error_at = "__type"
    opt_out_list = OptOutListAccess(is_readable=True, holds_for="account")

    def opt_out_list_call(self, account: Account, page: str, now_us: int) -> HttpCall:
        content: dict[str, object] = {"OptOutListName": _list_name(account), "MaxResults": 100}
        content |= {"NextToken": page} if page else {}
        return describe_call("DescribeOptedOutNumbers", content, account, now_us)

    def opt_out_list_page(self, response: HttpReply, account: Account) -> OptOutListPage:
        found = read_json(response.body, _OptedOutNumbers, self.label)
        opt_outs = tuple(
            ListedOptOut(
                number=with_plus(one.opted_out_number),
                at_us=int(one.opted_out_timestamp * 1_000_000),
                by_api=not one.end_user_opted_out,
            )
            for one in found.opted_out_numbers
        )
        return OptOutListPage(opt_outs, found.next_token or "")

    def opt_out_call(
        self, notices: Sequence[OptOutNotice], account: Account, now_us: int
    ) -> HttpCall:
        (notice,) = notices
        content = {"OptOutListName": _list_name(account), "OptedOutNumber": notice.number}
        return describe_call("PutOptedOutNumber", content, account, now_us)

    def opt_out_results(
        self, response: HttpReply, notices: Sequence[OptOutNotice]
    ) -> list[Meaning]:
        """Return what became of each notice; AWS answers nearly every error with 400."""
        if 200 <= response.status < 300:
            return [(Verdict.SENT, "")] * len(notices)
        refused = self.error_code(response) == "ValidationException"
        verdict = Verdict.REFUSED if refused else Verdict.NOT_ACCEPTED
        return [(verdict, self.opt_out_list_problem(response))] * len(notices)

    def opt_out_list_problem(self, response: HttpReply) -> str:
        words = _ERRORS.get(self.error_code(response), "the opt-out list cannot be used now")
        return f"{self.label} answered {response.status}: {words}"


def _list_name(account: Account) -> str:
    return account.options.get("opt_out_list_name") or "Default"
