"""Sign-in by a provider of OpenID Connect: authorization code flow with PKCE, through Authlib.

Authlib checks state, nonce, signature, issuer, audience and times of the ID token. State, nonce and
code verifier wait in the forms' cookie of the browser, which is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App
from flask import session
from joserfc.errors import JoseError
from werkzeug.wrappers import Response

from smsgate.features.operators.errors import SignInRefused
from smsgate.features.operators.sign_in import ProvidedPerson
from smsgate.features.operators.sign_in_limits import FairQueue
from smsgate.settings import SingleSignOn

TIMEOUT_S = 5.0
LEEWAY_S = 60
"""How far the provider's clock may differ from ours."""
_AT_ONCE, _MAX_WAITING, _WAIT_S = 2, 4, 2.0
"""Requests of one process that talk to the provider at once, how many may wait, and how long. While
the provider hangs, the other threads go on answering."""
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a key of the provider's own; none that our client secret could make."""
_STATE_PREFIX = "_state_oidc_"
_log = structlog.get_logger("smsgate.console")


class SignInProvider:
    """The provider. Everything raises ``SignInRefused`` where it is away or answers nonsense.

    ``origin`` is where a request comes from; ``TooManyGuesses`` says that too many wait for the
    provider. Of those who wait, one of each origin is let in by turns.
    """

    def __init__(self, settings: SingleSignOn) -> None:
        self.name = settings.name
        self._settings = settings
        self._queue = FairQueue(_AT_ONCE, _MAX_WAITING, _WAIT_S)
        self._metadata: Mapping[str, Any] = {}
        """What the provider said of itself last. Threads share it, and replace it as a whole."""

    def redirect(self, callback: str, origin: str) -> Response:
        """Lead to the provider, which leads back to ``callback``."""
        for key in [key for key in session if key.startswith(_STATE_PREFIX)]:
            session.pop(key)  # of a sign-in that was begun and left
        app = self._new_app()
        try:
            # Read again for each sign-in: if the provider is away, we say so and not the browser.
            with self._queue.slot(origin):
                self._load_metadata(app)
            answer: Response = app.authorize_redirect(callback)
        except _FAILURES as error:
            raise self._refusal(error) from error
        return answer

    def person(self, origin: str) -> ProvidedPerson:
        """Return who signed in, by the code in this request."""
        app = self._new_app()
        app.server_metadata = dict(self._metadata)
        try:
            with self._queue.slot(origin):
                if not app.server_metadata:
                    self._load_metadata(app)
                issuer = {"essential": True, "value": app.server_metadata["issuer"]}
                token = app.authorize_access_token(leeway=LEEWAY_S, claims_options={"iss": issuer})
            claims = token["userinfo"]
            subject = f"{claims['iss']}\0{claims['sub']}"
        except _FAILURES as error:
            raise self._refusal(error) from error
        is_verified = claims.get("email_verified") is True
        email = str(claims.get("email") or "") if is_verified else ""
        return ProvidedPerson(sha256(subject.encode()).hexdigest(), email)

    def _new_app(self) -> FlaskOAuth2App:
        """Return a client for one request: Authlib's changes while it is used."""
        return FlaskOAuth2App(
            FlaskIntegration("oidc"),
            name="oidc",
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.value,
            server_metadata_url=f"{self._settings.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email",
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_S,
            },
        )

    def _load_metadata(self, app: FlaskOAuth2App) -> None:
        """Load what the provider says of itself, and refuse signatures that are none of its own."""
        metadata: dict[str, Any] = app.load_server_metadata()
        # Settings have no slash at the end; the issuer of some providers does.
        if str(metadata.get("issuer", "")).rstrip("/") != self._settings.issuer:
            raise ValueError("another issuer")
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        metadata["id_token_signing_alg_values_supported"] = [
            one for one in offered if one in _ALGORITHMS
        ]
        self._metadata = dict(metadata)

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
