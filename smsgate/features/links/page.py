"""The page behind an opt-out link: ``/o/<token>``.

GET shows it and changes nothing, since previews and virus scanners fetch links; only POST opts
out. Nobody logs in, and no page says whether the number was subscribed: nothing is looked up.
A form from elsewhere (CSRF) needs the token, and whoever has the token may opt out anyway; so there
is no cookie and no second secret. ``List-Unsubscribe=One-Click`` as the body does the same without
the page (RFC 8058, 3.1).
"""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from hashlib import sha256
from importlib import resources
from typing import NamedTuple

import structlog
from flask import Blueprint, Flask, Response, render_template, request
from limits import RateLimitItemPerMinute
from markupsafe import Markup

from smsgate.consent.rules import scope_of
from smsgate.domain.errors import (
    LinkBroken,
    LinkExpired,
    SmsGateError,
    TooManyGuesses,
    UnknownProgram,
    reason_of,
)
from smsgate.domain.messages import ALL, Arrival, Decision, Entry, Intent
from smsgate.domain.phone import masked
from smsgate.features.links.page_text import PageText, choose_language, fill
from smsgate.links import PATH, is_shaped, program_id, read_token
from smsgate.process.published_programs import check_program
from smsgate.settings import Program, Settings
from smsgate.store.store import Store
from smsgate.web.limits import Limits
from smsgate.web.wsgi_request import address_of

MAX_FORM_BYTES = 4 * 1024
"""Of a posted form; ours has a few dozen."""
_MAX_FIELDS = 8
ONE_CLICK = ("List-Unsubscribe", "One-Click")
WRONG_LINKS = RateLimitItemPerMinute(30)
"""How many wrong links an address may open; after that it waits until the minute is over."""
_RETRY_AFTER_S = "60"
_TEMPLATES = resources.files("smsgate.features.links").joinpath("templates")
_CSS = _TEMPLATES.joinpath("optout_page.css").read_text("utf-8")
_CSS_HASH = base64.b64encode(sha256(_CSS.encode()).digest()).decode("ascii")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
"""No browser, proxy or search engine may keep, frame or pass on the page. The styles stand in the
page, so that one request shows it; the policy has their hash."""
_log = structlog.get_logger("smsgate.web")


class PageButton(NamedTuple):
    """One button, and the field that the form has when it is pressed."""

    name: str
    value: str
    label: str


class OpenedLink(NamedTuple):
    """The number of a valid link, and the program that sent it."""

    number: str
    program: Program | None
    """None if that program is no longer configured."""


def open_link(settings: Settings, token: str) -> OpenedLink:
    """What a token says; changes nothing. Raises ``LinkBroken``, ``LinkExpired``."""
    secrets = [one.get_secret_value() for one in settings.secret_keys]
    link = read_token(token, secrets, now_s=time.time())
    programs = [
        program
        for program in settings.programs
        if link.program_id in map(program_id, (program.name, *program.formerly))
    ]
    return OpenedLink(link.number, programs[0] if len(programs) == 1 else None)


def opt_out(
    settings: Settings, store: Store, opened: OpenedLink, choice: str, language: str
) -> str:
    """Opt the link's number out, and return the scope; from here on the number is blocked.

    ``choice`` is ``all`` or a program; if empty, the scope is that of a STOP to the link's
    program. Raises ``UnknownProgram``, ``StoreUnavailable``.
    """
    is_program = choice not in ("", ALL)
    program = check_program(settings, choice) if is_program else opened.program
    decision = Decision(
        Intent.OPT_OUT,
        rule="link",
        language=language,
        scope=ALL if choice == ALL or program is None else "program" if choice else "",
        note=f"chose {choice} on the page" if choice else "stopped by the link itself",
    )
    entry = Entry(
        number=opened.number,
        program=program.name if program else ALL,
        decision=decision,
        scope=scope_of(decision, program) if program else ALL,
        source="link",
    )
    store.inbox.add([Arrival(entry)])
    return entry.scope


def register(app: Flask, settings: Settings, store: Store) -> None:
    """Add the routes. HEAD is GET without the body, OPTIONS is Flask's."""
    pages = OptOutPages(settings, store)
    blueprint = Blueprint(
        "optout_page", __name__, url_prefix=PATH.rstrip("/"), template_folder="templates"
    )

    @blueprint.url_value_preprocessor
    def limit_form(_: str | None, __: dict[str, object] | None) -> None:
        request.max_content_length = MAX_FORM_BYTES
        request.max_form_parts = _MAX_FIELDS

    @blueprint.after_request
    def add_headers(answer: Response) -> Response:
        answer.headers.extend(HEADERS)
        return answer

    blueprint.get("/<token>")(pages.show)
    blueprint.post("/<token>")(pages.stop)
    blueprint.errorhandler(SmsGateError)(pages.show_error)
    app.register_blueprint(blueprint)


class OptOutPages:
    """The pages of all links."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._limits = Limits(store.client)

    def show(self, token: str) -> Response:
        """Say who asks and what can be stopped; change nothing."""
        return self._choices(self._open(token))

    def stop(self, token: str) -> Response:
        """Opt out, as often as it is pressed: the second time changes nothing.

        A form with neither a scope of ours nor the one click is shown the choices again.
        """
        opened, text = self._open(token), _text()
        choice = request.form.get("scope", "")
        if not choice and request.form.get(ONE_CLICK[0]) != ONE_CLICK[1]:
            return self._choices(opened, 422)
        try:
            scope = opt_out(self._settings, self._store, opened, choice, text.language)
        except UnknownProgram:
            return self._choices(opened, 422)
        _log.info("opt-out by link", number=masked(opened.number), scope=scope)
        stopped = self._settings.programs.get(scope)
        sentence = fill(text.one_done, stopped.title) if stopped else text.done_all
        others = [
            button
            for button in self._buttons(opened, text)
            if scope != ALL and button.value not in (scope, ONE_CLICK[1])
        ]
        return _page(text, text.done, [sentence, text.resume], others=others)

    def show_error(self, error: SmsGateError) -> Response:
        """Say what to do instead: STOP by text works whatever is wrong here."""
        if error.status >= 500:
            _log.info("opt-out page", outcome=reason_of(error), status=error.status)
        text = _text()
        if isinstance(error, LinkBroken):
            return _page(text, text.broken, [text.broken_text], status=error.status)
        answer = _page(text, text.later, [text.later_text], status=error.status)
        answer.headers["Retry-After"] = _RETRY_AFTER_S
        return answer

    def _open(self, token: str) -> OpenedLink:
        """The link, unless the address guesses. A token that was cut is no guess."""
        address = address_of(request.environ)
        if address and self._limits.is_used_up(WRONG_LINKS, "links", address):
            raise TooManyGuesses("Too many wrong links came from this address; wait a minute.")
        try:
            return open_link(self._settings, token)
        except LinkExpired:
            raise
        except LinkBroken:
            if address and is_shaped(token):
                self._limits.hit(WRONG_LINKS, "links", address)
            raise

    def _choices(self, opened: OpenedLink, status: int = 200) -> Response:
        text = _text()
        program = opened.program
        sentences = [fill(text.sender, program.title)] if program else []
        first, *others = self._buttons(opened, text)
        return _page(text, text.title, [*sentences, text.choose], first, others, status)

    def _buttons(self, opened: OpenedLink, text: PageText) -> list[PageButton]:
        """The link's program, then the others, then all; a single program needs no choice."""
        programs = sorted(self._settings.programs, key=lambda one: one is not opened.program)
        if len(programs) == 1 and opened.program:
            return [PageButton(*ONE_CLICK, fill(text.one, programs[0].title))]
        buttons = [PageButton("scope", one.name, fill(text.one, one.title)) for one in programs]
        return [*buttons, PageButton("scope", ALL, text.stop_all)]


def _text() -> PageText:
    return choose_language(request.accept_languages.values())


def _page(
    text: PageText,
    title: str,
    sentences: Sequence[str],
    first: PageButton | None = None,
    others: Sequence[PageButton] = (),
    status: int = 200,
) -> Response:
    """A page in the language of the text; the template escapes everything."""
    page = render_template(
        "optout_page.html",
        css=Markup(_CSS),  # noqa: S704 - our own file
        texts=text,
        title=title,
        sentences=sentences,
        first=first,
        rest=others,
    )
    answer = Response(page, status, content_type="text/html; charset=utf-8")
    answer.headers["Content-Language"] = text.language
    answer.headers["Vary"] = "Accept-Language"
    return answer
