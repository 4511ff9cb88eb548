"""Sign-in by a provider of OpenID Connect: authorization code flow with PKCE, through Authlib.

Authlib checks state, nonce, signature, issuer, audience and times of the ID token. State, nonce and
code verifier wait in the forms' cookie of the browser, which is signed.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App
from flask import session
from joserfc.errors import JoseError
from werkzeug.wrappers import Response

from smsgate.domain.errors import SignInRefused
from smsgate.features.operators.sign_in import ProvidedPerson
from smsgate.settings import SingleSignOn

TIMEOUT_S = 5.0
LEEWAY_S = 60
"""How far the provider's clock may differ from ours."""
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a key of the provider's own; none that our client secret could make."""
_STATE_PREFIX = "_state_oidc_"
_log = structlog.get_logger("smsgate.console")


class SignInProvider:
    """The provider. Everything raises ``SignInRefused`` where it is away or answers nonsense."""

    def __init__(self, settings: SingleSignOn) -> None:
        self.name = settings.name
        self._issuer = settings.issuer
        self._app = FlaskOAuth2App(
            FlaskIntegration("oidc"),
            name="oidc",
            client_id=settings.client_id,
            client_secret=settings.client_secret.value,
            server_metadata_url=f"{settings.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email",
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_S,
            },
        )

    def redirect(self, callback: str) -> Response:
        """Lead to the provider, which leads back to ``callback``."""
        for key in [key for key in session if key.startswith(_STATE_PREFIX)]:
            session.pop(key)  # of a sign-in that was begun and left
        # Read again for each sign-in: if the provider is away, we say so and not the browser.
        self._app.server_metadata.clear()
        try:
            self._check_metadata()
            answer: Response = self._app.authorize_redirect(callback)
        except _FAILURES as error:
            raise self._refusal(error) from error
        return answer

    def person(self) -> ProvidedPerson:
        """Return who signed in, by the code in this request."""
        try:
            self._check_metadata()
            token = self._app.authorize_access_token(
                leeway=LEEWAY_S, claims_options={"iss": {"essential": True, "value": self._issuer}}
            )
            claims = token["userinfo"]
            subject = f"{claims['iss']}\0{claims['sub']}"
        except _FAILURES as error:
            raise self._refusal(error) from error
        is_verified = claims.get("email_verified") is True
        email = str(claims.get("email") or "") if is_verified else ""
        return ProvidedPerson(sha256(subject.encode()).hexdigest(), email)

    def _check_metadata(self) -> None:
        """Load what the provider says of itself, and refuse signatures that are none of its own."""
        metadata: dict[str, Any] = self._app.load_server_metadata()
        if str(metadata.get("issuer", "")).rstrip("/") != self._issuer:
            metadata.pop("_loaded_at", None)
            raise ValueError("another issuer")
        self._issuer = str(metadata["issuer"])
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [
            one for one in offered if one in _ALGORITHMS
        ]

    def _refusal(self, error: Exception) -> SignInRefused:
        # The type alone: what the provider says may hold a code or a token.
        _log.warning("single sign-on failed", reason=type(error).__name__)
        if isinstance(error, requests.RequestException):
            problem = "cannot be reached or does not work right now"
        else:
            problem = "did not confirm who you are"
        return SignInRefused(
            f"Not signed in: {self.name} {problem}. Try again, or sign in with your password."
        )


_FAILURES = (
    requests.RequestException,
    AuthlibBaseError,
    JoseError,
    ValueError,
    KeyError,
    TypeError,
    RuntimeError,
    AttributeError,
)
"""What Authlib raises where the provider is away, or what it sends is missing or wrong."""
