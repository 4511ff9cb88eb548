"""The keys of programs that call ``/v1``: made, shown once, rotated, revoked."""

from __future__ import annotations

from flask import Flask, flash, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from smsgate.domain.errors import RecordsNotReady, RecordsUnavailable, Unfit
from smsgate.features.operators.service import now_us
from smsgate.pipeline import api_keys
from smsgate.pipeline.services import Services
from smsgate.records.keys import KeyRow
from smsgate.web.console.auth import actor, needs, record_action

KEYS = "/console/setup/keys"
GRACES = {"0": "at once", "1": "an hour", "24": "a day", "168": "a week", "720": "a month"}
"""Hours for which the key before goes on to open, and how that is said."""
_SCOPES = {
    "check": "asks the gate",
    "write": "also reads and changes consent",
    "admin": "everything",
}


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = Pages(services)
    again = needs("admin", again=True)
    console.get(KEYS)(needs("admin")(pages.keys))
    console.post(f"{KEYS}/make")(again(pages.make_key))
    console.post(f"{KEYS}/rotate")(again(pages.rotate_key))
    console.post(f"{KEYS}/revoke")(again(pages.revoke_key))


class Pages:
    """The page of keys."""

    def __init__(self, services: Services) -> None:
        """Show the keys of the records."""
        self._keys = services.records.keys
        self._others = len(services.settings.api_keys)

    def keys(self) -> str:
        """Those that open."""
        return self._shown()

    def make_key(self) -> str:
        """Make a key; it is shown this once, so the answer is no redirect."""
        name = request.form.get("name", "")
        scope = next((one for one in api_keys.SCOPES if one == request.form.get("scope")), None)
        if scope is None:
            raise Unfit(f"Say what the key may do: one of {', '.join(api_keys.SCOPES)}.")
        key = api_keys.make(self._keys, name, scope, actor(), now_us())
        record_action(f"made the API key {name}")
        return self._shown(key, name)

    def rotate_key(self) -> str:
        """Make a new key of that name, likewise."""
        name, grace = request.form.get("name", ""), request.form.get("grace", "")
        if grace not in GRACES:
            raise Unfit("Say how long the key before goes on to open.")
        key = api_keys.rotate(self._keys, name, int(grace) * 3600, actor(), now_us())
        record_action(f"rotated the API key {name}")
        return self._shown(key, name)

    def revoke_key(self) -> Answer:
        """Let every key of a name end."""
        name = request.form.get("name", "")
        ended = api_keys.revoke(self._keys, name, now_us())
        record_action(f"revoked the API key {name}")
        said = f"The key {name} ended" if ended == 1 else f"{ended} keys of {name} ended"
        flash(f"{said}; within 5 seconds it opens nothing.", "good")
        return redirect(KEYS, 303)

    def _shown(self, key: str = "", named: str = "") -> str:
        rows, problem = list[KeyRow](), ""
        try:
            rows = self._keys.all(now_us())
        except (RecordsUnavailable, RecordsNotReady) as error:
            problem = str(error)
        return render_template(
            "setup_keys.html",
            rows=rows,
            problem=problem,
            key=key,
            named=named,
            scopes=_SCOPES,
            graces=GRACES,
            others=self._others,
        )
