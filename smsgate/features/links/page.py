"""The page behind an opt-out link: ``/o/<token>``.

GET shows it and changes nothing, since previews and virus scanners fetch links; only POST opts
out. Nobody logs in, and no page says whether the number was subscribed: nothing is looked up.
A form from elsewhere (CSRF) needs the token, and who has the token may do by hand what the form
does; so there is no cookie and no second secret. ``List-Unsubscribe=One-Click`` as the body does
the same without the page (RFC 8058, 3.1).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress

import structlog
from flask import Blueprint, Flask, Response, request

from smsgate.domain.errors import (
    LinkBroken,
    LinkExpired,
    SmsGateError,
    StoreUnavailable,
    TooManyGuesses,
    UnknownProgram,
)
from smsgate.domain.messages import ALL
from smsgate.domain.opt_out_links import PATH, is_shaped
from smsgate.features.links import page_text
from smsgate.features.links.service import Linking, Opened
from smsgate.features.links.view import HEADERS, Button, shown
from smsgate.logs import masked
from smsgate.pipeline.services import Services
from smsgate.settings import Program
from smsgate.web.abuse import RefusalLog
from smsgate.web.problems import reason_of
from smsgate.web.wsgi_request import address_of

PAGE_LIMIT = 4 * 1024
"""Bytes of a posted form; ours is of a few dozen."""
_MAX_FIELDS = 8
ONE_CLICK = ("List-Unsubscribe", "One-Click")
_RETRY_AFTER_S = "60"
_log = structlog.get_logger("smsgate.web")


def register(app: Flask, services: Services) -> None:
    """Add the routes. HEAD is GET without the body, OPTIONS is Flask's."""
    page = Blueprint(
        "optout_page", __name__, url_prefix=PATH.rstrip("/"), template_folder="templates"
    )
    lines = RefusalLog(_log, services.settings.trust_proxy, "refused opt-out links", "outcome")

    @page.url_value_preprocessor
    def prepare(_: str | None, __: dict[str, object] | None) -> None:
        request.max_content_length = PAGE_LIMIT
        request.max_form_parts = _MAX_FIELDS

    @page.get("/<token>")
    def show(token: str) -> Response:
        """Say who asks and what can be stopped; change nothing."""
        opened = _opened(services, token)
        return _choices(services, opened)

    @page.post("/<token>")
    def stop(token: str) -> Response:
        """Opt out, as often as it is pressed: the second time changes nothing."""
        return _stopped(services, _opened(services, token), request.form)

    @page.errorhandler(SmsGateError)
    def failed(error: SmsGateError) -> Response:
        """Say what to do instead: STOP by text works whatever is wrong here."""
        return _failed(error, lines)

    @page.after_request
    def guard(answer: Response) -> Response:
        """Let no browser, proxy or search engine keep, frame or tell of the page."""
        answer.headers.extend(HEADERS)
        return answer

    app.register_blueprint(page)


def _stopped(services: Services, opened: Opened, form: Mapping[str, str]) -> Response:
    """Do what the form says; a form that says nothing that we know is shown the choices again."""
    choice = form.get("scope", "")
    if not choice and form.get(ONE_CLICK[0]) != ONE_CLICK[1]:
        return _choices(services, opened, 422)
    try:
        scope = Linking.of(services).opt_out(opened, choice, _texts().language)
    except UnknownProgram:
        return _choices(services, opened, 422)
    _log.info("opt-out by link", number=masked(opened.link.number), scope=scope)
    return _done(services, opened, scope)


def _failed(error: SmsGateError, lines: RefusalLog) -> Response:
    outcome = reason_of(error)
    lines.report_left_out(time.perf_counter())
    if (more := lines.fields_of(error.status, outcome, request.environ)) is not None:
        _log.info("opt-out page", outcome=outcome, status=error.status, **more)
    texts = _texts()
    if isinstance(error, LinkBroken):
        return shown(texts, texts.broken, [texts.broken_text], status=error.status)
    answer = shown(texts, texts.later, [texts.later_text], status=error.status)
    answer.headers["Retry-After"] = _RETRY_AFTER_S
    return answer


def _opened(services: Services, token: str) -> Opened:
    """The link, unless the address guesses. What was cut by hand or by a program is no guess."""
    guesses = services.store.guesses
    address = address_of(request.environ, services.settings.trust_proxy)
    with suppress(StoreUnavailable):  # Links are safe without the limit.
        if address and guesses.too_many(address):
            raise TooManyGuesses("Too many wrong links came from this address; wait a minute.")
    try:
        return Linking.of(services).open(token)
    except LinkExpired:
        raise
    except LinkBroken:
        with suppress(StoreUnavailable):
            if address and is_shaped(token):
                guesses.note(address)
        raise


def _texts() -> page_text.Texts:
    return page_text.best(request.accept_languages.values())


def _choices(services: Services, opened: Opened, status: int = 200) -> Response:
    texts = _texts()
    said = [texts.sent_by(_title(opened.program))] if opened.program else []
    first, *rest = _buttons(services, opened, texts)
    return shown(texts, texts.title, [*said, texts.choose], first, rest, status)


def _done(services: Services, opened: Opened, scope: str) -> Response:
    texts = _texts()
    stopped = services.settings.programs.get(scope)
    said = texts.done_one(_title(stopped)) if stopped else texts.done_all
    rest = [
        one for one in _buttons(services, opened, texts) if one.value not in (scope, ONE_CLICK[1])
    ]
    return shown(texts, texts.done, [said, texts.resume], rest=[] if scope == ALL else rest)


def _buttons(services: Services, opened: Opened, texts: page_text.Texts) -> list[Button]:
    """The link's program first, then the others, then all; a single program needs no choice."""
    programs = sorted(services.settings.programs, key=lambda one: one is not opened.program)
    if len(programs) == 1 and opened.program:
        return [Button(*ONE_CLICK, texts.stop_one(_title(programs[0])))]
    buttons = [Button("scope", one.name, texts.stop_one(_title(one))) for one in programs]
    return [*buttons, Button("scope", ALL, texts.stop_all)]


def _title(program: Program) -> str:
    return program.title or program.name
