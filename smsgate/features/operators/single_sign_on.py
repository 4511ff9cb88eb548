"""Sign-in by a provider of OpenID Connect: authorization code flow with PKCE, through Authlib.

Authlib checks state, nonce, signature, issuer, audience and times of the ID token. State, nonce and
code verifier wait in the browser's cookie, which is signed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import requests
import structlog
from authlib.common.errors import AuthlibBaseError
from flask import request, session
from joserfc.errors import JoseError
from werkzeug.wrappers import Response

from smsgate.features.operators.service import SignInRefused
from smsgate.settings import SingleSignOn
from smsgate.web.limits import RefusalLog, slot
from smsgate.web.wsgi_request import address_of

if TYPE_CHECKING:
    from authlib.integrations.flask_client import FlaskOAuth2App

TIMEOUT_S = 5.0
LEEWAY_S = 60
"""How far the provider's clock may differ from ours."""
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a key of the provider's own; none that our client secret could make."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_STATE_PREFIX = "_state_oidc_"
_NONSENSE = (RuntimeError, ValueError, KeyError, TypeError, AttributeError)
_FAILURES = (requests.RequestException, AuthlibBaseError, JoseError, *_NONSENSE)
"""What Authlib raises where the provider is away, or what it sends is missing or wrong."""
_log = structlog.get_logger("smsgate.console")


class SignInProvider:
    """The provider.

    Everything raises ``SignInRefused`` where it is away or answers nonsense, and ``TooManyGuesses``
    where too many wait for it.
    """

    def __init__(self, settings: SingleSignOn, public_url: str) -> None:
        self.name = settings.name
        self._settings, self._public_url = settings, public_url
        self._lines = RefusalLog()
        self._free = threading.Semaphore(4)
        """While the provider hangs, the other threads go on answering."""

    def redirect(self, callback: str) -> Response:
        """Lead to the provider, which leads back to that path.

        At the public URL; without one at the host of this request, which ``origin.py`` let pass.
        """
        base = self._public_url or request.host_url.rstrip("/")
        for key in [key for key in session if key.startswith(_STATE_PREFIX)]:
            session.pop(key)  # of a sign-in that was begun and left
        with self._asking() as app:
            answer: Response = app.authorize_redirect(base + callback)
        return answer

    def person(self) -> tuple[str, str]:
        """Return who signed in, by the code in this request: subject and e-mail address.

        The subject is a hash of issuer and subject, which never change for a person; the address
        is empty unless the provider verified it.
        """
        with self._asking(f"{_STATE_PREFIX}{request.args.get('state', '')}") as app:
            issuer = app.server_metadata["issuer"]
            is_required = app.server_metadata.get("authorization_response_iss_parameter_supported")
            if request.args.get("iss", None if is_required else issuer) != issuer:
                raise ValueError("answer of another issuer")  # RFC 9207
            options = {
                "iss": {"essential": True, "value": issuer},
                "aud": {"essential": True, "value": app.client_id},
            }
            token = app.authorize_access_token(leeway=LEEWAY_S, claims_options=options)
            claims = token["userinfo"]
            subject = f"{claims['iss']}\0{claims['sub']}"
            is_verified = claims.get("email_verified") is True
            email = str(claims.get("email") or "") if is_verified else ""
        return sha256(subject.encode()).hexdigest(), email

    @contextmanager
    def _asking(self, state: str = "") -> Iterator[FlaskOAuth2App]:
        """A client for one request, which knows what the provider says of itself now.

        Without the ``state`` of a sign-in that began in this browser the provider is not asked.
        """
        # Here, since it takes 4 MiB.
        from authlib.integrations.flask_client import (  # noqa: PLC0415
            FlaskIntegration,
            FlaskOAuth2App,
        )

        app = FlaskOAuth2App(
            FlaskIntegration("oidc"),
            name="oidc",
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
            server_metadata_url=f"{self._settings.issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email",
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_S,
            },
        )
        try:
            if state and state not in session:
                raise ValueError("no sign-in began in this browser")
            with slot(self._free):
                metadata: dict[str, Any] = app.load_server_metadata()
                # Settings have no slash at the end; the issuer of some providers does.
                if str(metadata.get("issuer", "")).rstrip("/") != self._settings.issuer:
                    raise ValueError("another issuer")
                scheme = self._settings.issuer.partition("//")[0]
                if not all(str(metadata.get(one)).startswith(scheme) for one in _ENDPOINTS):
                    raise ValueError("an address that is not https")
                name = "id_token_signing_alg_values_supported"
                offered = metadata.get(name) or ["RS256"]
                metadata[name] = [one for one in offered if one in _ALGORITHMS]
                yield app
        except _FAILURES as error:
            if self._lines.takes("", address_of(request.environ)):
                # The type alone: what the provider says may hold a code or a token.
                _log.warning("single sign-on failed", reason=type(error).__name__)
            is_away = isinstance(error, requests.RequestException)
            problem = "cannot be reached or does not work right now"
            problem = problem if is_away else "did not confirm who you are"
            raise SignInRefused(
                f"Not signed in: {self.name} {problem}. Try again, or sign in with your password."
            ) from error
