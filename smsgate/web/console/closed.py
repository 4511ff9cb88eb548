"""What stands in the console's place where it cannot be opened: without secrets."""

from __future__ import annotations

from flask import Flask, render_template
from werkzeug.exceptions import HTTPException

from smsgate.settings import Settings
from smsgate.web import hsts
from smsgate.web.console import assets
from smsgate.web.console.page import guard

_SENTENCE = (
    "Set SMSGATE_SECRET_KEYS, or SMSGATE_SECRET_KEYS_FILE, to a long random text and start the web "
    "process again: sessions and forms are signed with it, so without it nobody could sign in "
    "safely. One is made by `openssl rand -hex 32`. Nothing else waits for it: texts are received "
    "and opt-outs are kept."
)


def make(settings: Settings) -> Flask:
    """An application that says what to set."""
    app = Flask("smsgate.web.console", static_folder=None, template_folder="templates")
    app.context_processor(lambda: {"asset": assets.path_of, "closed": True})
    app.after_request(guard)
    hsts.register(app, settings)
    assets.register(app)

    @app.errorhandler(HTTPException)
    def closed(error: HTTPException) -> tuple[str, int]:  # noqa: ARG001 - whichever path it is
        return render_template("closed.html", sentence=_SENTENCE), 503

    return app
