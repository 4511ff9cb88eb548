"""Programs as configured, with what they answer in each language."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, render_template
from werkzeug.exceptions import NotFound

from smsgate.features.accounts.reply_texts import languages, wordings
from smsgate.pipeline.services import Services
from smsgate.providers import usable
from smsgate.web.console.auth import needs

SETUP = "/console/setup"
AT_FIRST = 4
"""Languages whose replies are shown at once; the others on demand."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    settings = services.settings

    @console.get(SETUP)
    @needs("viewer")
    def setup() -> str:
        """Every program and every account."""
        return render_template(
            "setup.html",
            programs=[(one, len(languages(one))) for one in settings.programs],
            accounts=[(one, usable(one)) for one in settings.accounts.values()],
        )

    @console.get(f"{SETUP}/programs/<name>")
    @needs("viewer")
    def program(name: str) -> str:
        """One program."""
        found = settings.programs.get(name)
        if found is None:
            raise NotFound
        return render_template(
            "setup_program.html",
            program=found,
            wordings=[*wordings(found)],
            first=languages(found)[:AT_FIRST],
            feed=_place(found.feed.url) if found.feed else "",
            forward=_place(found.forward.url) if found.forward else "",
            links=bool(settings.secret_keys and settings.public_url),
        )


def _place(url: str) -> str:
    """Scheme and host of an address: what follows may be a secret."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}/…"
