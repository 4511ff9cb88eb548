"""Passwords of operators: which will do, and how they are kept.

By NIST SP 800-63B (3.1.1): a least length, no rules of composition, no change without a reason,
and none that attackers try first. Kept as argon2id with OWASP's parameters of least memory
(19 MiB, two passes): a web process that answers webhooks must not grow when a crowd signs in.
"""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from smsgate.domain.errors import Unfit

MIN_CHARACTERS = 12
MAX_CHARACTERS = 256
"""A password is hashed, so this only bounds the work."""
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODYS_HASH = _HASHER.hash(secrets.token_hex())
_lock = threading.Lock()
"""One is hashed at a time in a process: 19 MiB at most."""
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
)
_LEETSPEAK = str.maketrans("013457@$!", "oieastasi")
_WORDS = (
    "abc abcd admin administrator america asdf asdfgh asdfghjkl baseball batman bonjour changeit "
    "changeme charlie chocolate computer console correcthorsebatterystaple default demo dragon "
    "football freedom hallo hello iloveu iloveyou jesus jordan killer letmein login logmein love "
    "loveyou lovely manager master michael monkey motdepasse mustang mypassword naruto nothing "
    "optout pass passphrase passw passwd password passwort pokemon princess qazwsx qwer qwert "
    "qwerty qwertyuiop qwertz qwertzuiop root samsung secret senha shadow smsgate soccer spring "
    "starwars stop subscribe summer sunshine superman superuser system temp temppass test tester "
    "tigger trustno trustnoone unsubscribe user username welcome whatever willkommen winter "
    "yourpassword zxcvbn zxcvbnm"
)
_COMMON = frozenset(_WORDS.split())


def refuse_unfit(password: str, name: str) -> None:
    """Raise ``Unfit`` for a password that is too short, too long, or tried first by attackers."""
    if len(password) < MIN_CHARACTERS:
        raise Unfit(
            f"The password is too short: use at least {MIN_CHARACTERS} characters, such as a few "
            "unrelated words.",
            field="password",
        )
    if len(password) > MAX_CHARACTERS:
        raise Unfit(
            f"The password is too long: use at most {MAX_CHARACTERS} characters.", field="password"
        )
    if _is_common(password, name):
        raise Unfit(
            "That password is easy to guess: use a few unrelated words, or let a password manager "
            "create one.",
            field="password",
        )


def hash_password(password: str) -> str:
    """Return the hash that is kept of a password."""
    with _lock:
        return _HASHER.hash(_normal(password))


def is_right(password: str, kept: str) -> bool:
    """Whether it is the password that was kept. Takes as long where nothing was (``""``)."""
    with _lock:
        try:
            _HASHER.verify(kept or _NOBODYS_HASH, _normal(password[:MAX_CHARACTERS]))
        except (Argon2Error, InvalidHashError):
            return False
    return bool(kept)


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with other parameters than ours are now."""
    return _HASHER.check_needs_rehash(kept)


def _normal(password: str) -> str:
    """Return one spelling of what keyboards spell in several ways (SP 800-63B asks for it)."""
    return unicodedata.normalize("NFKC", password)


def _is_common(password: str, name: str) -> bool:
    text = _normal(password).casefold()
    bare = re.sub(r"[\W_]+", "", text) or text
    inside = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    return (
        len(set(bare)) < 5
        or bare in (bare + bare)[1:-1]  # a piece of it, repeated
        or any(bare in run + run or bare in (run + run)[::-1] for run in _RUNS)
        or any(_is_words(_letters(one), name) for one in (text, inside.translate(_LEETSPEAK)))
    )


def _letters(text: str) -> str:
    """Return the text without what people add to make a common word longer."""
    return re.sub(r"[\W\d_]+", "", text)


def _is_words(text: str, name: str) -> bool:
    """Whether a text is nothing but common words and the person's own name."""
    parts = (part for part in re.split(r"[\W\d_]+", name.casefold()) if len(part) > 2)
    words = (_COMMON | {_letters(name.casefold()), *parts}) - {""}
    reached = {0}
    for end in range(1, len(text) + 1):
        if any(text[start:end] in words for start in reached):
            reached.add(end)
    return bool(text) and len(text) in reached
