"""The console's Flask application, put together."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, redirect
from flask_wtf import CSRFProtect
from jinja2 import FileSystemLoader

from smsgate import features
from smsgate.gateway import Gateway
from smsgate.gateway.people.sessions import LASTS_S
from smsgate.web import bodies, hsts
from smsgate.web.console import assets, closed, origin, people, problems, showing
from smsgate.web.console.page import guard
from smsgate.web.console.return_path import HOME

MENU = tuple(one.menu for one in features.FEATURES if one.menu)
_TEMPLATES = Path(__file__).with_name("templates")


def make(gateway: Gateway) -> Flask:
    """Return the application; connects to nothing yet."""
    if not gateway.settings.secret_keys:
        return closed.make(gateway.settings)
    app = Flask("smsgate.web.console", static_folder=None, template_folder=None)
    app.jinja_loader = FileSystemLoader([_TEMPLATES, *features.template_folders()])
    app.secret_key, *older = [one.value for one in gateway.settings.secret_keys]
    app.config["SECRET_KEY_FALLBACKS"] = older
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    bodies.register(app, streamed=["upload_list"])
    app.context_processor(lambda: {"pages": MENU, "asset": assets.path_of})
    app.after_request(guard)
    hsts.register(app, gateway.settings)
    # Werkzeug's own redirects lead to whatever host the request names.
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    app.add_url_rule("/console", "console", lambda: redirect(HOME, 308))
    # As long as a session may last: a page that stood open all day still works.
    app.config["WTF_CSRF_TIME_LIMIT"] = LASTS_S
    origin.register(app, gateway.settings)
    CSRFProtect(app)
    people.register(app, gateway)
    showing.register(app)
    problems.register(app)
    assets.register(app)
    for page in features.modules("console"):
        page.register(app, gateway)
    return app
