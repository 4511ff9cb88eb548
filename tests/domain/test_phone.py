from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.domain import phone
from smsgate.domain.errors import InvalidNumber
from smsgate.domain.phone import (
    e164,
    international,
    is_e164,
    is_region,
    is_toll_free,
    region_of,
    sender_number,
    with_plus,
)

NUMBERS = [
    ("+14155550123", "", "+14155550123"),
    ("+1 (415) 555-0123", "", "+14155550123"),
    ("(415) 555-0123", "US", "+14155550123"),
    ("415.555.0123", "US", "+14155550123"),
    ("1 415 555 0123", "US", "+14155550123"),
    ("4155550123", "CA", "+14155550123"),
    ("+14155550123", "FR", "+14155550123"),
    ("06 12 34 56 78", "FR", "+33612345678"),
    ("0033612345678", "FR", "+33612345678"),
    ("+33 (0)6 12 34 56 78", "", "+33612345678"),
    ("+4401632960123", "", "+441632960123"),
    ("+39 06 1234567", "", "+39061234567"),
    ("\u202a+1 415 555 0123\u202c", "", "+14155550123"),
    (
        "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13",
        "",
        "+14155550123",
    ),
    ("٤١٥٥٥٥٠١٢٣", "US", "+14155550123"),
    ("+18005550123", "", "+18005550123"),
    ("+12684601234", "", "+12684601234"),
]


@pytest.mark.parametrize(("text", "region", "number"), NUMBERS)
def test_a_number_is_read_as_people_write_it(text: str, region: str, number: str) -> None:
    assert e164(text, region) == number


NO_NUMBERS = [
    ("", ""),
    ("", "US"),
    ("+", ""),
    ("12345", ""),
    ("12345", "US"),
    ("911", "US"),
    ("4155550123", ""),
    ("+1415555012", ""),
    ("+141555501234", ""),
    ("+1 415 555 0123 9", ""),
    ("5550123", "US"),
    ("+999123456789", ""),
    ("1-800-FLOWERS", "US"),
    ("+1800FLOWERS", ""),
    ("alice", "US"),
    ("tel:+14155550123", ""),
    ("+14155550123 ext. 5", ""),
    ("+14155550123\n+14155550124", ""),
    ("415\n5550123", "US"),
    ("+1" * 500, ""),
    ("+1 415 555" + " " * 40 + "0123", ""),
    ("4155550123", "XX"),
]


@pytest.mark.parametrize(("text", "region"), NO_NUMBERS)
def test_what_is_no_number_is_refused_with_what_would_be_right(text: str, region: str) -> None:
    with pytest.raises(InvalidNumber, match=r"is no phone number: write it as \+14155550123"):
        e164(text, region)


@pytest.mark.parametrize("text", ["+49301234567/8", "+49 30 1234567 / 89", "030 1234567/890"])
def test_several_endings_are_not_joined_into_one_longer_number(text: str) -> None:
    with pytest.raises(InvalidNumber, match="may be several numbers"):
        e164(text, "DE")
    assert e164("030/1234567", "DE") == e164("+49 30/12 34567") == "+49301234567"


def test_the_refusal_says_that_a_region_would_help() -> None:
    with pytest.raises(InvalidNumber) as caught:
        e164("4155550123")
    assert str(caught.value) == (
        "'4155550123' is no phone number: write it as +14155550123 or give a region."
    )
    with pytest.raises(InvalidNumber, match=r"or as it is dialled in US\.$"):
        e164("12345", "US")


def test_a_refusal_does_not_repeat_a_whole_book() -> None:
    with pytest.raises(InvalidNumber) as caught:
        e164("x" * 100_000)
    assert len(str(caught.value)) < 120


@given(st.text(max_size=30), st.sampled_from(["", "US", "FR", "XX"]))
def test_any_text_is_a_number_in_e164_or_refused(text: str, region: str) -> None:
    try:
        number = e164(text, region)
    except InvalidNumber:
        return
    assert is_e164(number)
    assert e164(number) == number


@given(st.from_regex(r"\+1[0-9]{10}", fullmatch=True))
def test_the_fast_way_gives_what_parsing_gives(text: str) -> None:
    parsed = phonenumbers.format_number(
        phonenumbers.parse(text), phonenumbers.PhoneNumberFormat.E164
    )
    assert e164(text) == parsed == text


SHAPES = [
    ("+14155550123", True),
    ("+1234567", True),
    ("+123456789012345", True),
    ("+123456", False),
    ("+1234567890123456", False),
    ("+04155550123", False),
    ("14155550123", False),
    ("+1415555012a", False),
    ("+14155550123\n", False),
    (" +14155550123", False),
    ("++14155550123", False),
    ("+1 4155550123", False),
    ("+١٤١٥٥٥٥٠١٢٣", False),
    ("12345", False),
    ("ACME", False),
    ("", False),
]


@pytest.mark.parametrize(("text", "fits"), SHAPES)
def test_the_shape_of_e164_is_exact(text: str, fits: bool) -> None:
    assert is_e164(text) is fits


TOLL_FREE = [
    ("+18005550123", True),
    ("+18885550123", True),
    ("+18335550123", True),
    ("+18445550123", True),
    ("+18085550123", False),
    ("+14155550123", False),
    ("+448005550123", False),
    ("+1800555012", False),
    ("18005550123", False),
]


@pytest.mark.parametrize(
    ("number", "region"),
    [("+4915112345678", "DE"), ("+77011234567", "KZ"), ("+14165550123", "CA"), ("22395", "")],
)
def test_the_region_of_a_number_is_that_of_its_plan(number: str, region: str) -> None:
    assert region_of(number) == region


@pytest.mark.parametrize(("number", "free"), TOLL_FREE)
def test_toll_free_is_north_american_and_exact(number: str, free: bool) -> None:
    assert is_toll_free(number) is free


@pytest.mark.parametrize(
    ("text", "known"), [("US", True), ("FR", True), ("us", False), ("XX", False), ("", False)]
)
def test_a_region_is_two_capital_letters_of_a_country(text: str, known: bool) -> None:
    assert is_region(text) is known


def test_a_mexican_mobile_number_is_the_same_with_and_without_its_former_1():
    assert e164("+5215512345678") == e164("+52 55 1234 5678") == "+525512345678"


@given(
    st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    st.text("0123456789", min_size=3, max_size=13),
)
def test_what_is_taken_as_written_is_what_parsing_gives(code, digits):
    text = f"+{code}{digits}"
    right = phone._written_right(text[1:4])
    if right is not None and right.fullmatch(text):
        parsed = phonenumbers.parse(text, None)
        reason = phonenumbers.is_possible_number_with_reason(parsed)
        assert reason == phonenumbers.ValidationResult.IS_POSSIBLE
        assert phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) == text


def test_numbers_of_every_region_are_taken_as_written():
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number(region)
        if example is not None:
            text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            assert phone.e164(text) == text
            # The example of Argentina begins with the 11 that is also dialled before numbers.
            assert region == "AR" or phone._written_right(text[1:4]).fullmatch(text)


ASSERTED = [
    ("+14155550182", "", "+14155550182"),
    ("tel:+14155550182", "", "+14155550182"),
    ("TEL:+1-415-555-0182;phone-context=example.com", "", "+14155550182"),
    ("sms:+14155550182;via=x", "", "+14155550182"),
    ("tel:14155550182", "", "+14155550182"),
    ("+1 415-555-0182", "", "+14155550182"),
    ("+1.415.555.0182", "", "+14155550182"),
    ("+1\u00a0415\u2011555\u20110182", "", "+14155550182"),
    ("(415) 555-0182", "US", "+14155550182"),
    ("4155550182", "US", "+14155550182"),
    ("07700 900123", "GB", "+447700900123"),
    ("0049 151 23456789", "", "+4915123456789"),
    ("+447700900123", "US", "+447700900123"),
    ("447700900123", "US", "+447700900123"),
    ("tel:3456", "DE", "3456"),
    ("12345", "DE", "12345"),
    ("1-23-456", "DE", "1-23-456"),
    ("(415) 555-0182", "", "(415) 555-0182"),
    ("4155550182", "", "4155550182"),
    ("+49151***4567", "DE", "+49151***4567"),
    ("+1415XXX0182", "US", "+1415XXX0182"),
    ("+4915112345/67", "DE", "+4915112345/67"),
    ("4155550182@txt.example.com", "US", "4155550182@txt.example.com"),
    ("ACME", "US", "ACME"),
    ("acr:ab12", "US", "acr:ab12"),
    ("", "US", ""),
]
"""What a provider names as a sender, the program's region, and who that is."""


@pytest.mark.parametrize(("text", "region", "number"), ASSERTED)
def test_a_sender_is_read_however_its_provider_writes_it(text, region, number) -> None:
    assert sender_number(text, region) == number


def test_a_plus_is_added_only_where_that_is_a_number() -> None:
    assert with_plus("14155550182") == "+14155550182"
    assert with_plus("4155550182") == "4155550182"


def test_our_own_number_loses_its_scheme_too() -> None:
    assert international("tel:3456") == "3456"
    assert international("tel:+1 202-555-0100") == "+12025550100"
    assert international("(202) 555-0100", "US") == "+12025550100"
