"""Secrets that operators make up cannot be guessed; what can is a fault at the start."""

from __future__ import annotations

import secrets

import pytest

from smsgate.settings.secret import bits_of, weakness
from tests.settings.conftest import Read

HOW = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
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
    assert bits_of(secret) >= 128
    assert not weakness([secret])


@pytest.mark.parametrize("secret", WEAK)
def test_less_will_not(secret: str) -> None:
    assert weakness([secret])
    assert secret == "a" or secret not in weakness([secret])


def test_what_python_makes_of_16_and_32_bytes_will_do() -> None:
    for _ in range(200):
        made = (secrets.token_urlsafe(32), secrets.token_hex(32), secrets.token_hex(16))
        assert not weakness(made)


@pytest.mark.parametrize(
    "name", ["SMSGATE_API_KEYS", "SMSGATE_SECRET_KEYS", "SMSGATE_METRICS_KEYS"]
)
@pytest.mark.parametrize("secret", ["hunter2", "7" * 200])
def test_a_weak_key_is_a_fault_that_says_how_to_make_one(
    read: Read, name: str, secret: str
) -> None:
    _, faults = read("", {name: secret})
    assert [(fault.place, fault.key) for fault in faults] == [("environment", name)]
    assert faults[0].problem.startswith("can be guessed: it must have 128 random bits")
    assert HOW in faults[0].problem
    assert secret not in str(faults[0])


def test_of_several_the_weak_one_is_told_by_its_place(read: Read) -> None:
    _, faults = read("", {"SMSGATE_API_KEYS": f"{STRONG}, hunter2, {STRONG}"})
    assert faults[0].problem.startswith("number 2 of 3 can be guessed")


def test_a_weak_key_in_a_file_is_a_fault_as_well(read: Read, tmp_path) -> None:
    (tmp_path / "keys").write_text("hunter2\n")
    _, faults = read("", {"SMSGATE_SECRET_KEYS_FILE": str(tmp_path / "keys")})
    assert [fault.key for fault in faults] == ["SMSGATE_SECRET_KEYS"]


def test_a_weak_token_of_the_simulator_is_a_fault(read: Read) -> None:
    environ = {"SMSGATE_SIMULATOR_TOKEN": "hunter2", "SMSGATE_SIMULATOR_URL": "http://127.0.0.1:1"}
    _, faults = read("", environ)
    assert [fault.key for fault in faults] == ["SMSGATE_SIMULATOR_TOKEN"]
    assert "hunter2" not in str(faults)
