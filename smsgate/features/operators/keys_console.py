"""The page of the keys of programs that call ``/v1``: made, shown once, rotated, revoked."""

from __future__ import annotations

from flask import Flask, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.features.operators.service import now_us
from smsgate.pipeline import api_keys
from smsgate.pipeline.services import Services
from smsgate.records.api_keys import ApiKeyRow
from smsgate.web.console.auth import actor, needs, record_action

KEYS = "/console/setup/keys"
GRACES = {"0": "no longer", "1": "1 hour", "24": "1 day", "168": "1 week", "720": "30 days"}
"""Hours for which the current key stays valid, and how the page says it."""
_SCOPES = {
    "check": "ask whether numbers may be texted",
    "write": "also read and change consent",
    "admin": "full access",
}


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = _KeyPages(services)
    again = needs("admin", again=True)
    console.get(KEYS, endpoint="keys")(needs("admin")(pages.show))
    console.post(f"{KEYS}/make", endpoint="make_key")(again(pages.make))
    console.post(f"{KEYS}/rotate", endpoint="rotate_key")(again(pages.rotate))
    console.post(f"{KEYS}/revoke", endpoint="revoke_key")(again(pages.revoke))


class _KeyPages:
    def __init__(self, services: Services) -> None:
        self._keys = services.records.keys
        self._others = len(services.settings.api_keys)

    def show(self, key: str = "", name: str = "") -> str:
        """Show the keys that open; ``key`` is a new one of that name."""
        rows, problem = list[ApiKeyRow](), ""
        try:
            rows = self._keys.all(now_us())
        except RecordsUnavailable as error:
            problem = str(error)
        return render_template(
            "setup_keys.html",
            rows=rows,
            problem=problem,
            key=key,
            named=name,
            scopes=_SCOPES,
            scope_options=[(scope, f"{scope}: {text}") for scope, text in _SCOPES.items()],
            graces=GRACES,
            others=self._others,
        )

    def make(self) -> str:
        """Make a key; it is shown this once, so the answer is no redirect."""
        name = request.form.get("name", "")
        scope = next((one for one in api_keys.SCOPES if one == request.form.get("scope")), None)
        if scope is None:
            raise Unfit(f"Choose a scope: {', '.join(api_keys.SCOPES)}.", field="scope")
        key = api_keys.make(self._keys, name, scope, actor(), now_us())
        record_action(f"made the API key {name}")
        return self.show(key, name)

    def rotate(self) -> str:
        """Make a new key of that name, likewise."""
        name, grace = request.form.get("name", ""), request.form.get("grace", "")
        if grace not in GRACES:
            raise Unfit("Choose how long the current key stays valid.", field="grace")
        key = api_keys.rotate(self._keys, name, int(grace) * 3600, actor(), now_us())
        record_action(f"rotated the API key {name}")
        return self.show(key, name)

    def revoke(self) -> Response:
        """End every key of a name."""
        name = request.form.get("name", "")
        count = api_keys.revoke(self._keys, name, now_us())
        record_action(f"revoked the API key {name}")
        ended = f"Revoked the key {name}" if count == 1 else f"Revoked {count} keys named {name}"
        flash(f"{ended}. Calls with it are refused within 5 seconds.", "good")
        return redirect(KEYS, 303)
