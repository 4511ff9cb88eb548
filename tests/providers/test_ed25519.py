"""Ed25519 against the tests of RFC 8032, 7.1, and against every other spelling."""

from __future__ import annotations

import base64

import pytest

from smsgate.providers import ed25519


def base64_of(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


# Private key, public key, message, signature.
TESTS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]  # fmt: skip
PRIVATE, PUBLIC, _, SIGNATURE = map(base64_of, TESTS[1])


@pytest.mark.parametrize(("private", "public", "message", "signature"), TESTS)
def test_a_signature_is_made_and_accepted_as_the_rfc_has_it(private, public, message, signature):
    message = bytes.fromhex(message)
    private, public, signature = map(base64_of, (private, public, signature))
    assert ed25519.sign(message, private) == signature
    assert ed25519.fits(signature, message, public)
    assert not ed25519.fits(signature, message + b"\0", public)


@pytest.mark.parametrize(
    "signature",
    ["", "=", "é", "\ud800", SIGNATURE[:-1], SIGNATURE + "=", " " + SIGNATURE, SIGNATURE + "\n",
     SIGNATURE[:-3] + "B==", SIGNATURE[:20], SIGNATURE.replace("/", "_").replace("+", "-") + "-"],
)  # fmt: skip
def test_only_the_one_spelling_of_a_signature_counts(signature):
    assert not ed25519.fits(signature, b"\x72", PUBLIC)


@pytest.mark.parametrize(
    "key",
    ["", "é", PUBLIC[:-1], PUBLIC + "=", PUBLIC[:40], SIGNATURE, "A" * 43 + "=", "A" * 42 + "B="],
)
def test_what_is_no_public_key_fits_nothing(key):
    assert not ed25519.fits(SIGNATURE, b"\x72", key)
