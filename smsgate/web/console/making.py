"""The console's Flask application, put together."""

from __future__ import annotations

from flask import Flask
from flask_wtf import CSRFProtect

from smsgate.gateway import Gateway
from smsgate.gateway.people.sessions import LASTS_S
from smsgate.web.console import (
    assets,
    closed,
    guide,
    home,
    keywords,
    lists,
    me,
    numbers,
    people,
    people_page,
    problems,
    replies,
    review,
    setup,
    showing,
    signing_in,
    simulator,
)
from smsgate.web.console.page import PAGES, guard


def make(gateway: Gateway) -> Flask:
    """Return the application; connects to nothing yet."""
    if not gateway.settings.secret_keys:
        return closed.make()
    app = Flask("smsgate.web.console", static_folder=None, template_folder="templates")
    app.secret_key, *older = [one.value for one in gateway.settings.secret_keys]
    app.config["SECRET_KEY_FALLBACKS"] = older
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.context_processor(lambda: {"pages": PAGES, "asset": assets.path_of})
    app.after_request(guard)
    # As long as a session may last: a page that stood open all day still works.
    app.config["WTF_CSRF_TIME_LIMIT"] = LASTS_S
    CSRFProtect(app)
    people.register(app, gateway)
    showing.register(app)
    problems.register(app)
    assets.register(app)
    for page in (
        signing_in,
        home,
        numbers,
        review,
        keywords,
        simulator,
        lists,
        replies,
        setup,
        guide,
        me,
        people_page,
    ):
        page.register(app, gateway)
    return app
