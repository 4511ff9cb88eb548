"""Secrets that operators make up cannot be guessed; what can is a fault at the start."""

from __future__ import annotations

import secrets

import pytest

from smsgate.providers.fields import weakness

STRONG = "Zs4kq8Vb2mXw7Ry1Tn5cJd"
WEAK = [
    "a",
    "hunter2",
    "change-me",
    STRONG[:-1],
    "0123456789abcdef0123456789abcde",
    "7" * 200,
    "abcdefg" * 20,
    "12345678901234567890123456789012345678",
    "twenty-five-lower-case-ch",
]


@pytest.mark.parametrize(
    "secret",
    [STRONG, "0123456789abcdef" * 2, "0123456789ABCDEF" * 2, "twenty-six-lower-case-char"],
)
def test_128_bits_will_do(secret: str) -> None:
    assert not weakness([secret])


@pytest.mark.parametrize("secret", WEAK)
def test_less_will_not(secret: str) -> None:
    assert weakness([secret])
    assert secret == "a" or secret not in weakness([secret])


def test_what_python_makes_of_16_and_32_bytes_will_do() -> None:
    for _ in range(200):
        made = (secrets.token_urlsafe(32), secrets.token_hex(32), secrets.token_hex(16))
        assert not weakness(made)
