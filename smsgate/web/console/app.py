"""The console's Flask application, with its assets and security headers."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from flask import Flask, Response, abort, jsonify, redirect, render_template, send_from_directory
from flask_wtf import CSRFProtect
from jinja2 import FileSystemLoader
from werkzeug.exceptions import HTTPException

from smsgate import features
from smsgate.domain.errors import StoreUnavailable
from smsgate.features.operators.sessions import LASTS_S
from smsgate.interface import pages
from smsgate.interface.parts import Parts
from smsgate.monitoring.deadlines import NoAnswerInTime
from smsgate.records import Records
from smsgate.settings import Settings
from smsgate.store.store import Store
from smsgate.web.app import bare_application
from smsgate.web.console import auth, errors, origin, template_filters
from smsgate.web.console.return_path import HOME
from smsgate.web.wsgi_request import YEAR_S

BADGES = "/console/badges"
"""Counts beside the entries of the menu."""
MENU = tuple(one.menu for one in features.FEATURES if one.menu)
"""Of the features; list pages with a group follow."""
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
_ASSETS = Path(__file__).with_name("assets")
_DIGESTS = {one.name: sha256(one.read_bytes()).hexdigest()[:12] for one in _ASSETS.iterdir()}
_WITHOUT_SECRETS = (
    "Set SMSGATE_SECRET_KEYS, or SMSGATE_SECRET_KEYS_FILE, to a long random text and restart the "
    "web process: it signs sessions and forms, so nobody can sign in safely without it. To make "
    "one: `openssl rand -hex 32`. Opt-out links need it as well. Texts are received, and opt-outs "
    "apply."
)


def create_console(parts: Parts, settings: Settings, store: Store, records: Records) -> Flask:
    """Return the application; connects to nothing yet.

    Without secret keys it has one page, which says what to set.
    """
    app = _bare_app(settings)
    if not settings.secret_keys:

        @app.errorhandler(HTTPException)
        def closed(_: HTTPException) -> tuple[str, int]:
            return render_template("closed.html", sentence=_WITHOUT_SECRETS, closed=True), 503

        return app
    app.secret_key, *older = [one.get_secret_value() for one in settings.secret_keys]
    app.config["SECRET_KEY_FALLBACKS"] = older
    # As long as a session may last: a page that stood open all day still works.
    app.config["WTF_CSRF_TIME_LIMIT"] = LASTS_S
    app.config["WTF_CSRF_SSL_STRICT"] = False  # it knows one host; see origin.py
    app.add_url_rule("/console", "console", lambda: redirect(HOME, 308))
    origin.register(app, settings)
    auth.register(app, settings, records.database, store.client)
    CSRFProtect(app)
    template_filters.register(app, settings)
    _count_in_menu(app, store)
    errors.register(app)
    for page in features.modules("console"):
        parts.bind(page.register, 1)(app)
    operations = features.modules("operations")
    listed = [page for one in operations for page in getattr(one, "PAGES", ())]
    pages.register(app, listed, parts, settings, auth)
    app.jinja_env.globals["list_pages"] = listed  # for their tabs
    named = [
        features.MenuEntry(one.title, one.path, one.operation.role, group=one.group)
        for one in listed
        if one.group
    ]
    app.context_processor(lambda: _menu([*MENU, *named]))
    return app


def _bare_app(settings: Settings) -> Flask:
    """An application with templates, assets and security headers, and no pages."""
    # Werkzeug's own redirects would lead to whatever host the request names.
    app = bare_application(settings, streamed=["upload_list"], make=errors.page)
    app.jinja_loader = FileSystemLoader(
        [Path(__file__).with_name("templates"), pages.TEMPLATES, *features.template_folders()]
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(lambda: {"asset": asset_path})

    @app.get("/console/assets/<digest>/<name>")
    def asset(digest: str, name: str) -> Response:
        """One file. The digest in its path changes with it, so browsers may keep it for ever."""
        if digest != _DIGESTS.get(name):
            abort(404)
        answer = send_from_directory(_ASSETS, name, max_age=YEAR_S)
        answer.cache_control.immutable = True
        return answer

    @app.after_request
    def guard(answer: Response) -> Response:
        """Let no browser, proxy or search engine keep, frame or tell of a page."""
        answer.headers.extend(SECURITY_HEADERS)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    return app


def _count_in_menu(console: Flask, store: Store) -> None:
    """Show on every page what waits for a person, and let the script of the pages ask for it."""

    def count() -> dict[str, int]:
        """By the path of the menu's entry; empty where the store does not answer."""
        try:
            counts = auth.console_auth().deadlines.store.call(store.backlog.attention)
        except (StoreUnavailable, NoAnswerInTime):
            return {}  # every page that needs the store says so itself
        paths = ("/console/review", "/console/replies", "/console/deliveries")
        return dict(zip(paths, counts, strict=True))

    console.jinja_env.globals["menu_badges"] = count

    @console.get(BADGES)
    @auth.needs("viewer")
    def menu_counts() -> Response:
        """The counts as JSON."""
        return jsonify(count())


def _menu(
    pages: Sequence[features.MenuEntry],
) -> dict[str, list[tuple[str, list[features.MenuEntry]]]]:
    """The pages that the operator of this request may see, by group."""
    found = auth.operator()
    seen = [one for one in pages if found is not None and found.may(one.role)]
    groups = [(group, [one for one in seen if one.group == group]) for group in features.GROUPS]
    return {"menu": [(group, entries) for group, entries in groups if entries]}


def asset_path(name: str) -> str:
    """The path of a style, script or picture, as a page names it."""
    return f"/console/assets/{_DIGESTS[name]}/{name}"
