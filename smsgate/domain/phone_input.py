"""Phone numbers as providers, people and lists write them."""

from __future__ import annotations

import phonenumbers

from smsgate.domain.errors import InvalidNumber
from smsgate.domain.phone import e164, is_e164


def with_plus(number: str) -> str:
    """Add the plus that a provider left out; return anything else unchanged.

    Seven digits and more are a number with its country; fewer are a short code.
    """
    return f"+{number}" if is_e164(f"+{number}") else number


def international(text: str, region: str = "") -> str:
    """Return a number as an SMS centre may write it in E.164; anything else as it is.

    ``00`` stands for the plus, and the plus may be missing. Where a ``region`` is given, a number
    without plus is one of that region as it is dialled there, so give it only where numbers come
    without their country. Fewer than seven digits are a short code.
    """
    number = text.strip()
    number = f"+{number[2:]}" if number.startswith("00") else number
    if region and number.isdigit() and len(number) > 6:
        try:
            return e164(number, region)
        except InvalidNumber:
            pass
    return with_plus(number)


def is_valid(number: str) -> bool:
    """Whether an E.164 number is in a range that is known to be in use; new ranges may be missing.

    For ordering guesses only: what a provider asserts is never held against this.
    """
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(number)))
    except phonenumbers.NumberParseException:
        return False


def digits(number: str) -> int:
    """``+14155550123`` as the integer 14155550123. ``number`` is E.164."""
    return int(number[1:])


def is_region(text: str) -> bool:
    """Whether ``text`` is a region that numbers can be read in: two capital letters, such as US."""
    return text in phonenumbers.SUPPORTED_REGIONS


MAX_SENDER_CHARS = 200
"""Characters of the longest sender that is looked for: a number, a short code, a name …"""


def as_recorded(sender: str) -> str:
    """A phone number in E.164; a short code, a name or an address as it is."""
    try:
        return e164(sender)
    except InvalidNumber:
        return sender
