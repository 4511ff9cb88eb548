"""Which passwords will do, and how they are kept."""

from __future__ import annotations

import sys

import pytest

from smsgate.domain.errors import Unfit
from smsgate.features.operators import passwords


@pytest.mark.parametrize(
    "password",
    [
        "eleven horses on a roof",
        "xK3#vvq90Lm!z",
        "пять лошадей на крыше",
        "屋顶上有十一匹马和一只猫",
        "a b c d e f z",
        "my password is not a common one",
        "maria likes horses",
        "🐎🐈🐦🐟🐖🐂🐑🐓🐐🦆🦉🦇",
    ],
)
def test_a_password_that_nobody_tries_first_will_do(password) -> None:
    passwords.refuse_unfit(password, "maria")
    assert "zxcvbn" not in sys.modules  # its words would stay in the memory of a web process


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaaaa", "112212211122", "121212121212", "abcabcabcabc", "123456789012",
        "098765432109",
        "qwertyuiopas", "QWERTZUIOPAS", "zyxwvutsrqpo", "1q2w3e4r5t6y", "1qaz2wsx3edc",
        "password1234", "Password123!!", "P@ssw0rd2026!", "passwordpassword", "PasswordAdmin1",
        "letmein-2026-letmein", "Welcome!!2026", "smsgate12345", "SmsGateAdmin!1", "iloveyou1234",
        "correct horse battery staple", "maria1234567", "Maria-Gomez-1980", "gomez.maria!",
        "MARIA PASSWORD 1", "ｐａｓｓｗｏｒｄ１２３４",
    ],
)  # fmt: skip
def test_a_password_that_everybody_tries_first_will_not(password) -> None:
    with pytest.raises(Unfit, match="easy to guess"):
        passwords.refuse_unfit(password, "Maria Gomez")


@pytest.mark.parametrize(("length", "problem"), [(11, "too short"), (129, "too long")])
def test_length_alone_is_asked_for(length, problem) -> None:
    text = ("xk vq lm zt pw rn " * 20)[:length]
    with pytest.raises(Unfit, match=problem):
        passwords.refuse_unfit(text, "maria")


def test_it_is_kept_as_argon2id_and_found_right_however_it_is_spelt() -> None:
    kept = passwords.hash_password("Ｅleven horses of Zoe\u0308")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert kept != passwords.hash_password("Eleven horses of Zoë")
    assert passwords.is_right("Eleven horses of Zoë", kept)
    assert not passwords.is_right("eleven horses of Zoë", kept)


@pytest.mark.parametrize("kept", ["", "no hash", "$argon2id$v=19$m=19456,t=2,p=1$AAAA"])
def test_where_nothing_was_kept_nothing_is_right(kept) -> None:
    assert not passwords.is_right("", kept)
    assert not passwords.is_right("eleven horses on a roof", kept)
