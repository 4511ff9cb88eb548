"""The cookies: who is signed in, what guards the forms, and by which a browser is known."""

from __future__ import annotations

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface

from smsgate.pipeline.services import Services
from smsgate.web.console.origin import Origin

_PLAIN, _FORMS, _DEVICE = "smsgate", "smsgate-forms", "smsgate-device"
_DEVICE_S = 180 * 24 * 3600
_HOST = "__Host-"
"""Browsers take a cookie of that name only from this very host, by https, for every path."""


class Cookies(SecureCookieSessionInterface):
    """Names and flags of them. That of the forms is Flask's own session, signed, not enciphered.

    All are ``Lax``: with ``Strict`` a link in a mail to a number's page would ask for the
    password. Nothing is ever done by GET, and every POST needs the token of a form.
    """

    def __init__(self, services: Services) -> None:
        """Look at the settings for what may be known of the way to us."""
        self._origin = Origin(services.settings)

    @property
    def secure(self) -> bool:
        """Whether they are for https alone: always, but for a trial on one's own machine."""
        return not self._origin.is_local_trial(request.environ)

    @property
    def token(self) -> str:
        """What the browser's cookie holds; empty where it has none."""
        return request.cookies.get(self._name(_PLAIN), "")

    @property
    def device(self) -> str:
        """By which the browser is known; empty where it is not."""
        return request.cookies.get(self._name(_DEVICE), "")

    def know(self, answer: Response, device: str) -> None:
        """Let the browser say by which it is known, for half a year; that opens nothing."""
        answer.set_cookie(
            self._name(_DEVICE),
            device,
            max_age=_DEVICE_S,
            httponly=True,
            secure=self.secure,
            samesite="Lax",
            path="/",
        )

    def give(self, answer: Response, token: str) -> None:
        """Let the browser keep a session until it is closed; the server ends it earlier."""
        answer.set_cookie(
            self._name(_PLAIN), token, httponly=True, secure=self.secure, samesite="Lax", path="/"
        )

    def take(self, answer: Response) -> None:
        """Let the browser forget it."""
        answer.delete_cookie(
            self._name(_PLAIN), httponly=True, secure=self.secure, samesite="Lax", path="/"
        )

    def get_cookie_name(self, app: Flask) -> str:  # noqa: ARG002 - Flask's
        """Of the form's cookie."""
        return self._name(_FORMS)

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's
        """As the other one."""
        return self.secure

    def get_cookie_samesite(self, app: Flask) -> str:  # noqa: ARG002 - Flask's
        """As the other one."""
        return "Lax"

    def _name(self, name: str) -> str:
        return _HOST + name if self.secure else name
