"""What must be seen nowhere: numbers, texts and secrets that occur in nothing else.

``Canaries.in_(text)`` finds them as they are, without regard to case, percent-encoded, in JSON,
and in base64, as in HTTP Basic, whatever stands before them there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote_plus

NUMBER = "+14155550177"
OTHER_NUMBER = "+14155550188"
"""Of the person who gets alerts."""
TEXT = "zanzibar quokka"
"""Stands in every body."""
STOP = f"STOP, {TEXT}"
API_KEY = "canary-api-key-4f1c4f1c4f1c4f1c"
METRICS_KEY = "canary-metrics-key-77aa77aa77aa"
SECRET_KEY = "canary-secret-key-0b9d0b9d0b9d"
PATH_SECRET = "canary-path-secret-5a5a5a5a5a5a5a5a"
AUTH_TOKEN = "canaryauthtoken1234567890abcdef0"
FEED_SECRET = "whsec_" + base64.b64encode(b"canary-feed-secret-32-bytes-long").decode()
REDIS_PASSWORD = "canary-redis-password-c0de"
DATABASE_PASSWORD = "canary-database-password-d00d"
HOOK = "canary-hook-path-9e9e"
MAIL_PASSWORD = "canary-mail-password-3c3c"
WRONG = "canary-wrong-secret-1e1e1e1e1e1e1e1e"
"""What somebody gives for a secret, such as one that was mistyped."""
SECRETS = (
    API_KEY, METRICS_KEY, SECRET_KEY, PATH_SECRET, AUTH_TOKEN, FEED_SECRET, REDIS_PASSWORD,
    DATABASE_PASSWORD, HOOK, MAIL_PASSWORD, WRONG,
)  # fmt: skip
NUMBERS = (NUMBER, OTHER_NUMBER)


class Canaries:
    """Everything that is looked for."""

    def __init__(self, more: Iterable[str] = (), *, numbers: bool = True) -> None:
        """``more`` are further secrets; without ``numbers`` only texts and secrets count."""
        self._needles = {
            needle.casefold(): told for told, needle in _needles([*SECRETS, *more], numbers)
        }

    def in_(self, text: str | bytes) -> list[str]:
        """What is in the text, each named once."""
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        seen = f"{text}\n{unquote_plus(text)}".casefold()
        return sorted({told for needle, told in self._needles.items() if needle in seen})


def _needles(secrets: Iterable[str], numbers: bool) -> Iterator[tuple[str, str]]:
    yield "the text", TEXT.partition(" ")[0]
    yield "the text", _in_base64(TEXT)[0]
    if numbers:
        for number in NUMBERS:
            yield f"number {number}", number[2:]
    for secret in secrets:
        for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
            yield f"secret {secret}", form
        for form in _in_base64(secret):
            yield f"secret {secret}", form


def _in_base64(secret: str) -> list[str]:
    """The part of its base64 that does not depend on what stands before or after it."""
    found = []
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + secret.encode()).decode()
        found.append(coded[(0, 2, 3)[before] :].rstrip("=")[:-1])
    return found
