"""Of which kind a number is, by its country's numbering plan: pure, about 30 µs a number."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumberType

from smsgate.domain.phone import is_toll_free

MOBILE, UNKNOWN = "mobile", "unknown"
_SHARED, _PREMIUM = "+1", "+1900"
_NAMES = {
    PhoneNumberType.MOBILE: MOBILE,
    PhoneNumberType.FIXED_LINE: "fixed_line",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: UNKNOWN,
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium_rate",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.VOIP: UNKNOWN,
    PhoneNumberType.PERSONAL_NUMBER: UNKNOWN,
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "company_number",
    PhoneNumberType.VOICEMAIL: "voicemail",
}


def kind_of(number: str) -> str:
    """The kind of a number (E.164): ``mobile``, ``unknown``, or what it is instead.

    In +1 mobile and fixed lines share their ranges, so it is ``unknown`` there unless it is
    toll-free or the like. Elsewhere a number of no known range is ``unassigned``.
    """
    if number.startswith(_SHARED):
        return _NAMES[_premium_or_toll_free(number)]
    found = phonenumbers.number_type(phonenumbers.parse(number))
    return "unassigned" if found == PhoneNumberType.UNKNOWN else _NAMES[found]


def _premium_or_toll_free(number: str) -> int:
    if is_toll_free(number):
        return PhoneNumberType.TOLL_FREE
    premium = number.startswith(_PREMIUM)
    return PhoneNumberType.PREMIUM_RATE if premium else PhoneNumberType.FIXED_LINE_OR_MOBILE
