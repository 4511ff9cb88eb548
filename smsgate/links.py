"""Opt-out links: a number, a program and a day, encrypted in 26 characters.

``Links`` is a public name, kept stable.

A token is 19 bytes in base64url. Whoever has it may opt that number out, and nothing else.

Layout. Sixteen bytes are one block: the number without its plus (7 bytes), the first three bytes
of the SHA-256 of the program's name, the day of issue (2 bytes, days since 1970) and four zero
bytes. The block is enciphered with AES-256; three bytes of HMAC-SHA256 over the enciphered block
follow. Both keys are derived from one secret.

Why this is enough. AES is a permutation of blocks that looks random without the key: a link shows
neither number nor program, two links of one number share nothing, and a changed link deciphers
to 128 random bits ("encode then encipher", Bellare and Rogaway 2000). One block needs no nonce and
no mode; the same number, program and day give the same link. To be taken, random bits have to show
32 zero bits, a number of 7 to 15 digits (6 bits) and a day within the last year and a day (7 bits),
behind a tag of 24 bits: a guess is right with a chance of about 1 in 2^69. At 1,000 guesses a
second that is one number, which nobody chose, in ten billion years; and an address that guesses
is stopped long before (``web/limits.py``). All that a forged link could do is to opt a
number out, which START undoes.

The last character of a token is one of A, Q, g and w: programs that turn text into links leave
out a hyphen or underscore at the end. Every secret is tried, the newest first, so a link outlives
a rotation as long as its secret stays in the list.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from typing import TYPE_CHECKING

from smsgate.domain.errors import LinkBroken, LinkExpired, LinksNotReady
from smsgate.domain.phone import is_e164

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

if find_spec("cryptography") is None:
    raise ImportError("Links need cryptography: pip install 'smsgate[links]'")

PATH = "/o/"
VALID_DAYS = 366
"""The law asks for 30 to 60 (CASL s. 11(2): 60); texts are kept for longer than that."""
_DAY_S = 24 * 3600
_TOKEN = re.compile(r"[A-Za-z0-9_-]{25}[AQgw]")
_BLOCK = 16
_TAG = 3
_ZEROS = bytes(4)


@dataclass(frozen=True, slots=True)
class OptOutLink:
    """What a token says."""

    number: str
    """E.164."""
    program_id: bytes
    """See ``program_id``."""
    day: int
    """Day of issue, in days since 1970 (UTC)."""


@dataclass(frozen=True, slots=True)
class Links:
    """What links are made with: where they lead, and the secrets, newest first."""

    public_url: str
    """Where subscribers reach the ``web`` process, such as ``https://sms.example.com``."""
    secrets: Sequence[str] = field(repr=False)

    def make(self, number: str, program: str, now_s: float) -> str:
        """The link for a number (E.164), as it goes into a text. Raises ``LinksNotReady``."""
        if not self.public_url:
            raise LinksNotReady("Set SMSGATE_PUBLIC_URL: opt-out links begin with it.")
        token = make_token(number, program, self.secrets, now_s)
        return self.public_url.rstrip("/") + PATH + token


def program_id(name: str) -> bytes:
    """The three bytes by which a link names a program. Two in sixteen million share theirs."""
    return sha256(name.encode()).digest()[:3]


def make_token(number: str, program: str, secrets: Sequence[str], now_s: float) -> str:
    """The token for a number (E.164) and a program, by the newest of the secrets.

    ``now_s`` is the time in seconds since 1970. Raises ``LinksNotReady`` without a secret.
    """
    if not secrets:
        raise LinksNotReady("Set SMSGATE_SECRET_KEYS: opt-out links are made with the first of it.")
    cipher, tag_key = _keys(secrets[0])
    day = int(now_s // _DAY_S)
    plain = int(number[1:]).to_bytes(7) + program_id(program) + day.to_bytes(2) + _ZEROS
    block = _run(cipher.encryptor(), plain)
    return base64.urlsafe_b64encode(block + _tag(tag_key, block)).decode().rstrip("=")


def read_token(token: str, secrets: Sequence[str], now_s: float) -> OptOutLink:
    """What a token says.

    ``now_s`` is the time in seconds since 1970. Raises ``LinkBroken`` for what none of the secrets
    made, and ``LinkExpired`` for a true one that is older than ``VALID_DAYS``.
    """
    raw = base64.urlsafe_b64decode(f"{token}==") if is_shaped(token) else b""
    found = (_decipher(raw, secret) for secret in secrets) if raw else ()
    link = next((one for one in found if one is not None), None)
    if link is None:
        raise LinkBroken("The link is cut or changed, or was made with a secret that is gone.")
    today = int(now_s // _DAY_S)
    if link.day > today + 1:  # one day ahead is a clock that is ahead
        raise LinkBroken("The link is from the future.")
    if link.day < today - VALID_DAYS:
        raise LinkExpired(f"The link is older than {VALID_DAYS} days.")
    return link


def is_shaped(token: str) -> bool:
    """Whether a text has the form of a token; one without it was cut, and is no guess."""
    return _TOKEN.fullmatch(token) is not None


def _decipher(raw: bytes, secret: str) -> OptOutLink | None:
    """The link, if this secret made the token."""
    cipher, tag_key = _keys(secret)
    block, tag = raw[:_BLOCK], raw[_BLOCK:]
    if not hmac.compare_digest(tag, _tag(tag_key, block)):
        return None
    plain = _run(cipher.decryptor(), block)
    number = f"+{int.from_bytes(plain[:7])}"
    if plain[12:] != _ZEROS or not is_e164(number):
        return None
    return OptOutLink(number, plain[7:10], int.from_bytes(plain[10:12]))


def _tag(key: bytes, block: bytes) -> bytes:
    return hmac.digest(key, block, "sha256")[:_TAG]


def _run(context: object, block: bytes) -> bytes:
    return bytes(context.update(block) + context.finalize())  # type: ignore[attr-defined]


@lru_cache(maxsize=16)
def _keys(secret: str) -> tuple[Cipher[modes.ECB], bytes]:
    """Two keys that have nothing in common with each other, or with other uses of the secret."""
    encipher, tag = (
        hmac.digest(secret.encode(), f"smsgate link {purpose} 1".encode(), "sha256")
        for purpose in ("encipher", "tag")
    )
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415 - 8 MiB, until it is used
        Cipher,
        algorithms,
        modes,
    )

    # ECB of one block is AES itself; what is wrong with it begins with the second block.
    return Cipher(algorithms.AES256(encipher), modes.ECB()), tag  # noqa: S305
