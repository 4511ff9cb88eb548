"""Passwords of operators: which will do, and how they are kept.

By NIST SP 800-63B (3.1.1): a least length, no rules of composition, no change without a reason,
and none that attackers try first, as zxcvbn estimates. Kept as argon2id with OWASP's parameters of
least memory (19 MiB, two passes): a web process that answers webhooks must not grow when a crowd
signs in. For the same reason zxcvbn, whose words take 13 MiB, has a short-lived process.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import threading
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from smsgate.domain.errors import Unfit

MIN_CHARACTERS = 12
MAX_CHARACTERS = 128
_MIN_GUESSES_LOG10 = 11.5
"""Twelve characters at random have 12."""
_GUESSES_TIMEOUT_S = 30.0
_KNOWN = ("smsgate", "correct horse battery staple")
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODYS_HASH = _HASHER.hash(secrets.token_hex())
_NICE = 10


def _lower_priority() -> None:
    with suppress(OSError):  # only Linux has priorities of threads
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


_thread = ThreadPoolExecutor(1, initializer=_lower_priority)
"""One is hashed or judged at a time in a process: 19 MiB at most, and webhooks go first."""


def refuse_unfit(password: str, name: str) -> None:
    """Raise ``Unfit`` for a password that is too short, too long, or tried first by attackers."""
    problem, text = "", _normal(password)
    inputs = [*_KNOWN, name, *re.split(r"[\W\d_]+", name)]
    if len(password) < MIN_CHARACTERS:
        problem = f"is too short: use at least {MIN_CHARACTERS} characters, such as"
    elif len(password) > MAX_CHARACTERS:
        problem = f"is too long: use at most {MAX_CHARACTERS} characters, such as"
    elif _thread.submit(_guesses_log10, text[:72], inputs).result() < _MIN_GUESSES_LOG10:
        problem = "is easy to guess: let a password manager create one, or use"
    if problem:
        raise Unfit(f"The password {problem} a few unrelated words.", field="new")


def _guesses_log10(text: str, words: list[str]) -> float:
    """Estimate by zxcvbn in a process of its own; other users of the machine see no arguments."""
    done = subprocess.run(
        [sys.executable, "-m", "smsgate.features.operators.guess_process"],
        input=json.dumps([text, [one for one in words if one]]),
        capture_output=True,
        check=True,
        text=True,
        timeout=_GUESSES_TIMEOUT_S,
    )
    return float(done.stdout)


def hash_password(password: str) -> str:
    """Return the hash that is kept of a password."""
    return _thread.submit(_HASHER.hash, _normal(password)).result()


def is_right(password: str, kept: str) -> bool:
    """Whether it is the password that was kept. Takes as long where nothing was (``""``)."""
    given = _normal(password[:MAX_CHARACTERS])
    try:
        _thread.submit(_HASHER.verify, kept or _NOBODYS_HASH, given).result()
    except (Argon2Error, InvalidHashError):
        return False
    return bool(kept)


def _normal(password: str) -> str:
    """Return one spelling of what keyboards spell in several ways (SP 800-63B asks for it)."""
    return unicodedata.normalize("NFKC", password)
