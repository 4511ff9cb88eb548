from __future__ import annotations

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smsgate.domain.errors import LinkBroken, LinkExpired, LinksNotReady
from smsgate.links import (
    VALID_DAYS,
    Links,
    _keys,
    _tag,
    make_token,
    program_id,
    read_token,
)

NUMBER = "+14155550123"
NOW = 1_764_000_000.0
DAY = 24 * 3600
KEYS = ["newest", "older"]
ALPHABET = string.ascii_letters + string.digits + "-_"


@given(st.integers(min_value=1_000_000, max_value=999_999_999_999_999))
def test_every_number_comes_back_out_of_at_most_26_characters(digits: int) -> None:
    token = make_token(f"+{digits}", "alerts", KEYS, NOW)
    assert len(token) <= 26
    link = read_token(token, KEYS, NOW)
    assert (link.number, link.program_id) == (f"+{digits}", program_id("alerts"))
    assert link.day == NOW // DAY


def test_a_link_that_0_2_sent_still_opts_the_number_out() -> None:
    """Made by the code of 0.2.0."""
    link = read_token("iQR82HaYxIYsojEBIsGiqKRa9w", KEYS, NOW + 300 * DAY)
    assert (link.number, link.program_id) == (NUMBER, program_id("alerts"))


def test_a_token_ends_in_a_letter_so_that_no_program_cuts_it_out_of_a_text() -> None:
    tokens = [make_token(f"+1415555{n:04}", "alerts", KEYS, NOW) for n in range(300)]
    assert all(token[-1].isalpha() for token in tokens)
    assert {len(token) for token in tokens} == {26}
    assert len(set(tokens)) == 300


def test_a_token_shows_neither_number_nor_program() -> None:
    one = make_token(NUMBER, "alerts", KEYS, NOW)
    other = make_token(NUMBER, "orders", KEYS, NOW)
    later = make_token(NUMBER, "alerts", KEYS, NOW + DAY)
    for pair in ((one, other), (one, later), (other, later)):
        same = sum(a == b for a, b in zip(*pair, strict=True))
        assert same < 10, pair  # by chance it is one in 64 of 25 characters
    assert one == make_token(NUMBER, "alerts", KEYS, NOW + 1)


def test_no_single_changed_character_gives_another_link() -> None:
    token = make_token(NUMBER, "alerts", KEYS, NOW)
    for place, char in enumerate(token):
        for other in ALPHABET:
            if other != char:
                changed = token[:place] + other + token[place + 1 :]
                with pytest.raises(LinkBroken):
                    read_token(changed, KEYS, NOW)


def test_a_token_with_the_block_of_one_link_and_the_tag_of_another_is_refused() -> None:
    one, other = (make_token(NUMBER, name, KEYS, NOW) for name in ("alerts", "orders"))
    with pytest.raises(LinkBroken):
        read_token(one[:22] + other[22:], KEYS, NOW)


def sealed(plain: bytes) -> str:
    """A token around these sixteen bytes, as whoever knew the secret would make it."""
    cipher, tag_key = _keys("newest")
    block = cipher.encryptor().update(plain)
    return base64.urlsafe_b64encode(block + _tag(tag_key, block)).decode().rstrip("=")


def test_behind_the_tag_zeros_number_and_day_have_to_be_right_too() -> None:
    """Each makes a guess less likely to be taken, so each must be looked at."""
    number, program = int(NUMBER[1:]).to_bytes(7), program_id("alerts")
    day, zeros = int(NOW // DAY).to_bytes(2), bytes(4)
    assert read_token(sealed(number + program + day + zeros), KEYS, NOW).number == NUMBER
    for wrong in (
        number + program + day + b"\0\0\0\1",
        number + program + day + b"\1\0\0\0",
        (10**15).to_bytes(7) + program + day + zeros,
        (999_999).to_bytes(7) + program + day + zeros,
        number + program + b"\xff\xff" + zeros,
    ):
        with pytest.raises(LinkBroken):
            read_token(sealed(wrong), KEYS, NOW)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "A",
        "A" * 26,
        "a" * 10_000,
        "../../../../etc/passwd....",
        "é" * 26,
        "\r\nX-Evil: 1\r\n".ljust(26, "A"),
        "%00" * 8 + "AA",
    ],
)
def test_what_is_no_token_is_broken_and_nothing_else(token: str) -> None:
    with pytest.raises(LinkBroken) as caught:
        read_token(token, KEYS, NOW)
    assert not isinstance(caught.value, LinkExpired)


def test_a_token_with_something_behind_or_before_it_is_no_token() -> None:
    token = make_token(NUMBER, "alerts", KEYS, NOW)
    for other in (token + "A", token + "=", token + "\n", " " + token, token[:-1]):
        with pytest.raises(LinkBroken):
            read_token(other, KEYS, NOW)


def test_a_token_of_another_secret_is_broken() -> None:
    token = make_token(NUMBER, "alerts", ["somebody else's"], NOW)
    with pytest.raises(LinkBroken):
        read_token(token, KEYS, NOW)
    with pytest.raises(LinkBroken):
        read_token(token, [], NOW)


def test_a_token_outlives_the_rotation_of_its_secret() -> None:
    token = make_token(NUMBER, "alerts", ["older"], NOW)
    assert read_token(token, KEYS, NOW).number == NUMBER
    assert make_token(NUMBER, "alerts", KEYS, NOW) != token
    assert make_token(NUMBER, "alerts", KEYS, NOW) == make_token(NUMBER, "alerts", KEYS[:1], NOW)


def test_a_token_works_for_a_year_and_is_told_from_a_broken_one_afterwards() -> None:
    token = make_token(NUMBER, "alerts", KEYS, NOW)
    assert VALID_DAYS >= 60
    assert read_token(token, KEYS, NOW + VALID_DAYS * DAY).number == NUMBER
    with pytest.raises(LinkExpired):
        read_token(token, KEYS, NOW + (VALID_DAYS + 1) * DAY)


def test_a_clock_may_be_a_day_behind_and_no_more() -> None:
    token = make_token(NUMBER, "alerts", KEYS, NOW)
    assert read_token(token, KEYS, NOW - DAY).number == NUMBER
    with pytest.raises(LinkBroken):
        read_token(token, KEYS, NOW - 2 * DAY)


def test_without_secret_or_public_url_no_link_is_made() -> None:
    with pytest.raises(LinksNotReady, match="SMSGATE_SECRET_KEYS"):
        Links("https://sms.example.com", []).make(NUMBER, "alerts", NOW)
    with pytest.raises(LinksNotReady, match="SMSGATE_PUBLIC_URL"):
        Links("", KEYS).make(NUMBER, "alerts", NOW)


def test_a_link_stands_below_the_public_url_and_shows_no_secret() -> None:
    links = Links("https://example.com/sms/", KEYS)
    assert links.make(NUMBER, "alerts", NOW).startswith("https://example.com/sms/o/")
    assert "newest" not in repr(links)
