"""RSA signatures (PKCS #1 v1.5): the schemes of Amazon SNS and Azure Event Grid.

``cryptography`` is imported with the first key: it takes 8 MiB, and a process without an account
of these schemes does without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

HashName = Literal["SHA1", "SHA256"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with an RSA key."""

    key: RSAPublicKey
    first_us: int
    """From when on it is valid."""
    last_us: int


def rsa_key(exponent: int, modulus: int) -> RSAPublicKey:
    """Return the key of a JWK. Raises ``ValueError`` where these are no numbers of a key."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers  # noqa: PLC0415

    return RSAPublicNumbers(exponent, modulus).public_key()


def fits(key: RSAPublicKey, signature: bytes, signed: bytes, hash_name: HashName) -> bool:
    """Whether the owner of a key made ``signature`` over ``signed``."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415

    algorithm = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}[hash_name]()
    try:
        key.verify(signature, signed, PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def read_certificate(pem: bytes) -> Certificate:
    """Read a certificate. Raises ``ValueError`` if it is none, or if its key is not RSA."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415

    found = x509.load_pem_x509_certificate(pem)
    key = found.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("its key is of another kind than RSA")  # noqa: TRY004
    first, last = found.not_valid_before_utc.timestamp(), found.not_valid_after_utc.timestamp()
    return Certificate(key, int(first) * 1_000_000, int(last) * 1_000_000)
