"""An authenticator in software: makes passkeys and signs challenges, as honestly as it is told."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import bytes_to_base64url

_PRESENT, _VERIFIED, _HAS_KEY = 0x01, 0x04, 0x40


class Authenticator:
    """One passkey of a person, at one origin; ``count`` is the next signature's counter."""

    def __init__(self, origin: str, party: str) -> None:
        self.origin = origin
        self.party = party
        self.count = 1
        self.verifies = True
        self.id = secrets.token_bytes(32)
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: str, **client: Any) -> str:
        """The answer to ``navigator.credentials.create()``; ``client`` replaces client data."""
        point = self._key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        key = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        length = len(self.id).to_bytes(2, "big")
        data = self._data(_HAS_KEY) + secrets.token_bytes(16) + length + self.id + key
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client_data = self._client_data("webauthn.create", options, client)
        return self._credential(clientDataJSON=client_data, attestationObject=attestation)

    def sign(self, options: str, **client: Any) -> str:
        """The answer to ``navigator.credentials.get()``; ``client`` replaces client data."""
        data, client_data = self._data(), self._client_data("webauthn.get", options, client)
        signed = data + sha256(client_data).digest()
        signature = self._key.sign(signed, ec.ECDSA(SHA256()))
        return self._credential(
            clientDataJSON=client_data, authenticatorData=data, signature=signature
        )

    def _data(self, flags: int = 0) -> bytes:
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        count = self.count.to_bytes(4, "big")
        self.count += 1 if self.count else 0
        return sha256(self.party.encode()).digest() + bytes([flags]) + count

    def _client_data(self, kind: str, options: str, changed: dict[str, Any]) -> bytes:
        said = {
            "type": kind,
            "challenge": json.loads(options)["challenge"],
            "origin": self.origin,
            "crossOrigin": False,
        }
        return json.dumps(said | changed).encode()

    def _credential(self, **response: bytes) -> str:
        id_ = bytes_to_base64url(self.id)
        coded = {name: bytes_to_base64url(value) for name, value in response.items()}
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": coded})
