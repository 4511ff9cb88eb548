"""The page of the keys of programs that call ``/v1``: made, shown once, rotated, revoked."""

from __future__ import annotations

from flask import Flask, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable, Unfit
from smsgate.features.operators.service import now_us
from smsgate.pipeline import api_keys
from smsgate.pipeline.services import Services
from smsgate.records.api_keys import ApiKeyRow
from smsgate.web.console.auth import actor, needs, record_action

KEYS = "/console/setup/keys"
GRACES = {"0": "at once", "1": "an hour", "24": "a day", "168": "a week", "720": "a month"}
"""Hours for which the key before goes on to open, and how the page says it."""
_SCOPES = {
    "check": "asks the gate",
    "write": "also reads and changes consent",
    "admin": "everything",
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
        except (RecordsUnavailable, RecordsNotReady) as error:
            problem = str(error)
        return render_template(
            "setup_keys.html",
            rows=rows,
            problem=problem,
            key=key,
            named=name,
            scopes=_SCOPES,
            graces=GRACES,
            others=self._others,
        )

    def make(self) -> str:
        """Make a key; it is shown this once, so the answer is no redirect."""
        name = request.form.get("name", "")
        scope = next((one for one in api_keys.SCOPES if one == request.form.get("scope")), None)
        if scope is None:
            raise Unfit(f"Say what the key may do: one of {', '.join(api_keys.SCOPES)}.")
        key = api_keys.make(self._keys, name, scope, actor(), now_us())
        record_action(f"made the API key {name}")
        return self.show(key, name)

    def rotate(self) -> str:
        """Make a new key of that name, likewise."""
        name, grace = request.form.get("name", ""), request.form.get("grace", "")
        if grace not in GRACES:
            raise Unfit("Say how long the key before goes on to open.")
        key = api_keys.rotate(self._keys, name, int(grace) * 3600, actor(), now_us())
        record_action(f"rotated the API key {name}")
        return self.show(key, name)

    def revoke(self) -> Response:
        """End every key of a name."""
        name = request.form.get("name", "")
        count = api_keys.revoke(self._keys, name, now_us())
        record_action(f"revoked the API key {name}")
        ended = f"The key {name} ended" if count == 1 else f"{count} keys of {name} ended"
        flash(f"{ended}; within 5 seconds it opens nothing.", "good")
        return redirect(KEYS, 303)
