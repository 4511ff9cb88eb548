"""A small provider of OpenID Connect on loopback: real signatures, PKCE checked, codes used once.

with OidcProvider() as provider:
    provider.claims = {"sub": "1", "email": "maria@example.com", "email_verified": True}
    …  # provider.issuer
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "smsgate", "a-client-secret-that-is-long-enough-for-HS256"


def _person() -> dict[str, Any]:
    return {"sub": "1", "email": "maria@example.com", "email_verified": True}


@dataclass
class OidcProvider:
    """Signs in at once whoever is sent to it, as ``claims`` says."""

    claims: dict[str, Any] = field(default_factory=_person)
    """Of the person; they may also replace ``iss``, ``aud``, ``exp`` and the others."""
    clock_s: int = 0
    """How far its clock is ahead."""
    algorithm: str = "RS256"
    """``HS256`` signs with the client secret, as an attacker may who knows it."""
    is_foreign_key: bool = False
    """Whether it signs with a key that it does not publish."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """What it says of itself otherwise than it should."""
    errors: list[str] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)
    """Cleared, it answers nobody who asks what it says of itself."""
    asked: list[str] = field(default_factory=list)
    """The paths of what was asked."""

    def __enter__(self) -> Self:
        self._key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self._other = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self._codes: dict[str, Mapping[str, str]] = {}
        provider = self
        self.answering.set()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                provider.asked.append(url.path)
                provider.answering.wait(30)
                if url.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider._authorized(_single(url.query)))
                    self.end_headers()
                    return
                answers = {
                    "/.well-known/openid-configuration": provider._described,
                    "/keys": lambda: {"keys": [provider._key.as_dict(private=False)]},
                }
                self._answer(200 if url.path in answers else 404, answers.get(url.path, dict)())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(*provider._token(_single(body), self.headers["Authorization"] or ""))

            def _answer(self, status: int, content: Any) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_: object) -> None:
                """Keep the terminal quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _described(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **self.metadata,
        }

    def _authorized(self, asked: Mapping[str, str]) -> str:
        """Where a browser is sent back to, with a code."""
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT_ID
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def _token(self, asked: Mapping[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        begun = self._codes.pop(asked.get("code", ""), None)
        client = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        challenge = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        is_right = begun is not None and (
            client == f"{CLIENT_ID}:{CLIENT_SECRET}"
            and asked["redirect_uri"] == begun["redirect_uri"]
            and base64.urlsafe_b64encode(challenge).decode().rstrip("=") == begun["code_challenge"]
        )
        if begun is None or not is_right:
            self.errors.append("invalid_grant")
            return 400, {"error": "invalid_grant"}
        now = int(time.time()) + self.clock_s
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": begun["nonce"],
            **self.claims,
        }
        key: Any = self._other if self.is_foreign_key else self._key
        if self.algorithm == "HS256":
            key = OctKey.import_key(CLIENT_SECRET)
        header = {"alg": self.algorithm, "kid": "one"}
        token = jwt.encode(header, claims, key, algorithms=[self.algorithm])
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}


def _single(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
