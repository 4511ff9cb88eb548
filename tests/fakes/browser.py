"""A browser for the console's pages: it keeps cookies and sends the token of its forms."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from smsgate.process.services import Services
from smsgate.web import create_app

PASSWORD = "eleven horses on a roof"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser(FlaskClient):
    """Posts from the last page, with the token of the last one that had a form.

    Without the token if told ``csrf=False``.
    """

    _token = ""
    _page = ""

    def get(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer = super().get(*args, **kwargs)
        is_page = answer.mimetype == "text/html" and "HX-Request" not in answer.request.headers
        self._page = answer.request.url if is_page else self._page
        found = _TOKEN.search(answer.text) if answer.mimetype == "text/html" else None
        self._token = found[1] if found else self._token
        return answer

    def post(self, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        if kwargs.pop("csrf", True):
            if not self._token:
                self.get("/console/in", follow_redirects=True, base_url=kwargs.get("base_url"))
            data = {"csrf_token": self._token, **(data or {})}
        headers = dict(kwargs.pop("headers", {}))
        if self._page:
            headers.setdefault("Referer", self._page)
        answer = super().post(path, data=data, headers=headers, **kwargs)
        found = _TOKEN.search(answer.text) if answer.mimetype == "text/html" else None
        self._token = found[1] if found else self._token
        return answer

    def sign_in(self, name: str, password: str = PASSWORD, **kwargs: Any) -> TestResponse:
        """As a person does. A new session has new tokens."""
        self._token = ""
        answer = self.post("/console/in", {"name": name, "password": password}, **kwargs)
        self._token = "" if answer.status_code == 303 else self._token
        return answer


_made: list[tuple[Services, Flask]] = []
"""The application of the newest services: making it takes longer than most tests do."""


def browser(services: Services) -> Browser:
    """A new one, on the application of some services."""
    if not _made or _made[0][0] is not services:
        app = create_app(services)
        app.test_client_class = Browser
        _made[:] = [(services, app)]
    client = _made[0][1].test_client()
    assert isinstance(client, Browser)
    return client


def browser_in_session(services: Services, token: str) -> Browser:
    """One that has a session, as after signing in, by http on its own machine or by https."""
    made, signing = browser(services), Flask("signing")
    signing.secret_key = services.settings.secret_keys[0].get_secret_value()
    serializer = SecureCookieSessionInterface().get_signing_serializer(signing)
    assert serializer is not None
    for name in ("smsgate", "__Host-smsgate"):
        made.set_cookie(name, serializer.dumps({"token": token}))
    return made
