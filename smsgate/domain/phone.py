"""Phone numbers as providers, people and lists write them, E.164 out, and queries about them."""

from __future__ import annotations

import functools
import re
from contextlib import suppress

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

from smsgate.domain.errors import InvalidNumber

_SHAPE = re.compile(r"\+[1-9][0-9]{6,14}")
_NORTH_AMERICAN = re.compile(r"\+1[0-9]{10}")
_TOLL_FREE = re.compile(r"\+18(?:00|22|33|44|55|66|77|88)[0-9]{7}")
# Mexico gave up the 1 before mobile numbers in August 2019; WhatsApp still asserts it.
_MEXICAN = re.compile(r"\+521([0-9]{10})")
# A slash parts an area code from the rest; one before the last digits is another ending or an
# extension, with which parsing would make one longer number, somebody else's.
_OTHER_ENDING = re.compile(r"/\s*[0-9]{1,3}\s*")
_SCHEME_OR_PARAMETERS = re.compile(r"^(?:tel|sms):|;.*", re.IGNORECASE | re.DOTALL)
"""What RFC 3966 and RFC 5724 write around a number."""
_WRITTEN = re.compile(r"\(?\+?[0-9 ()./\u00a0\u2010-\u2015-]+")
"""A number as people write it. Anything else may be one whose digits are masked."""
_FEWEST_DIGITS = 7
"""Fewer are a short code."""
_LONGEST = 40
_NO_COUNTRY = "001"
"""The region of numbers without a country, such as +800."""


def is_e164(text: str) -> bool:
    """Whether ``text`` has the exact shape of E.164: a plus and 7 to 15 digits, nothing else.

    Meant for what a provider asserts. It does not ask whether the number is in use.
    """
    return _SHAPE.fullmatch(text) is not None


def e164(text: str, region: str = "") -> str:
    """Return the number that a person or a list wrote, in E.164.

    ``region`` (ISO 3166-1 alpha-2, such as ``US``) says which country a number without one
    belongs to. Raises ``InvalidNumber`` for what is no phone number and for one without country
    where there is no region. Letters are refused: a vanity number is not what providers assert; and
    so is a slash before the last digits, as in ``+49301234567/8``: that is more than one number.
    """
    if _NORTH_AMERICAN.fullmatch(text):
        return text  # The one plan where this shape is surely what parsing would give.
    written_right = _written_right(text[1:4])
    if written_right is not None and written_right.fullmatch(text):
        return text
    text = _MEXICAN.sub(r"+52\1", text)
    if len(text) > _LONGEST or any(character.isalpha() for character in text):
        raise _no_number(text, region)
    if _OTHER_ENDING.fullmatch(text, text.rfind("/")):
        raise InvalidNumber(
            f"{text!r} may be several numbers, or one with an extension: write each in full, as "
            "+14155550123."
        )
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        raise _no_number(text, region) from None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Length only: validity would refuse fictional numbers and lag behind new number ranges.
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE or not is_e164(written):
        raise _no_number(text, region)
    return written


@functools.lru_cache(maxsize=2048)
def _written_right(start: str) -> re.Pattern[str] | None:
    """What numbers match that begin with these three digits and that parsing surely leaves alone.

    Parsing takes 12 µs, this a third of one; lists of millions are written right nearly always.
    """
    if not (len(start) == 3 and start.isascii() and start.isdigit()):
        return None
    for code in (start[:1], start[:2], start):
        plan = _plan(code)
        if plan is not None and plan.general_desc is not None:
            # What is dialled before a number inside the country must not stand behind the country.
            prefix = plan.national_prefix_for_parsing
            after = f"(?!{prefix})" if prefix else ""
            fit = [one for one in plan.general_desc.possible_length if 7 <= one + len(code) <= 15]
            lengths = "|".join(f"[0-9]{{{length}}}" for length in fit)
            return re.compile(rf"\+{code}{after}(?:{lengths})") if fit else None
    return None


def _plan(code: str) -> PhoneMetadata | None:
    """The numbering plan of a calling code such as ``44``, or nothing."""
    regions = phonenumbers.region_codes_for_country_code(int(code))
    if not regions:
        return None
    if regions[0] == _NO_COUNTRY:
        return PhoneMetadata.metadata_for_nongeo_region(int(code))
    return PhoneMetadata.metadata_for_region(regions[0])


def region_of(number: str) -> str:
    """The region of an E.164 number, such as ``DE``; empty for what is none."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ""
    found = phonenumbers.region_code_for_number(parsed)
    return found or phonenumbers.region_code_for_country_code(parsed.country_code or 0)


def is_toll_free(number: str) -> bool:
    """Whether an E.164 number is a North American toll-free one (800, 833 …; 47 CFR 52.101)."""
    return _TOLL_FREE.fullmatch(number) is not None


def _no_number(text: str, region: str) -> InvalidNumber:
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    right = f"or as it is dialled in {region}" if region else "or give a region"
    return InvalidNumber(f"{shown!r} is no phone number: write it as +14155550123 {right}.")


def masked(number: str) -> str:
    """``+14155550123`` as ``+1415•••0123``; anything short as its first two characters."""
    if len(number) < 10:
        return number[:2] + "•••"
    return f"{number[:5]}•••{number[-4:]}"


def with_plus(number: str) -> str:
    """Add the plus that a provider left out; return anything else unchanged.

    What is a number with its country in no country is none: a short code, or as it is dialled.
    """
    written = f"+{number}"
    if is_e164(written):
        with suppress(InvalidNumber):
            e164(written)
            return written
    return number


def international(text: str, region: str = "") -> str:
    """Return a number as an SMS centre may write it in E.164; anything else without ``tel:``.

    ``00`` stands for the plus, and the plus may be missing. Where a ``region`` is given, a number
    without plus is one of that region as it is dialled there, so give it only where numbers come
    without their country. Fewer than seven digits are a short code.
    """
    number = _SCHEME_OR_PARAMETERS.sub("", text.strip()).strip()
    number = f"+{number[2:]}" if number.startswith("00") else number
    return _e164_or_same(number if region else with_plus(number), region)


def sender_number(text: str, region: str = "") -> str:
    """Return a number that a provider asserts in E.164; a short code or a name as it is.

    ``region`` is that of numbers without their country, such as ``(415) 555-0182``.
    """
    return _e164_or_same(text if is_e164(text) else international(text), region)


def _e164_or_same(number: str, region: str) -> str:
    if _WRITTEN.fullmatch(number) and sum(map(str.isdigit, number)) >= _FEWEST_DIGITS:
        with suppress(InvalidNumber):
            return e164(number, region)
    return with_plus(number)


def is_valid(number: str) -> bool:
    """Whether an E.164 number is in a range that is known to be in use; new ranges may be missing.

    For ordering guesses only: what a provider asserts is never held against this.
    """
    try:
        return bool(phonenumbers.is_valid_number(phonenumbers.parse(number)))
    except phonenumbers.NumberParseException:
        return False


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
