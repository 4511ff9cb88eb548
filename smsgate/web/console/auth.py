"""Who is signed in, and what they may do.

``@needs("agent")`` on a view lets only agents and admins use it; a visitor who is not signed in is
led to the sign-in page and back. ``@needs("admin", again=True)`` protects an action on a screen
that was left open: whoever did not sign in during the last ten minutes is led there as well.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta, tzinfo
from functools import cached_property, wraps
from http import HTTPStatus
from secrets import token_urlsafe
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import structlog
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask.sessions import SecureCookieSessionInterface

from smsgate.api_keys import Caller
from smsgate.domain.errors import RecordsUnavailable
from smsgate.domain.time_zones import find_zone
from smsgate.features.operators.factors import Factors
from smsgate.features.operators.service import OperatorRow, OperatorService, token_digest
from smsgate.features.operators.sessions import OperatorSession, Sessions, Visitor
from smsgate.features.operators.sign_in import SignIn
from smsgate.features.operators.single_sign_on import SignInProvider
from smsgate.interface.operation import Context
from smsgate.monitoring.deadlines import Deadlines
from smsgate.records.database import Database
from smsgate.records.operator_actions import ActionAuthor, add_action
from smsgate.settings import Settings
from smsgate.store.connection import Client
from smsgate.web.console.origin import Origin
from smsgate.web.console.return_path import HOME, is_part, return_path
from smsgate.web.limits import Limits, RefusalLog
from smsgate.web.wsgi_request import address_of

if TYPE_CHECKING:
    from smsgate.features.operators.passkeys import Passkeys

IN, OUT = "/console/in", "/console/out"
ME = "/console/me"
FACTOR = f"{ME}/factor"
NEXT = "next"
"""In the cookie: the page that somebody wanted to see before signing in."""
ENDED = "ended"
"""In the cookie: the session that somebody used has ended; whether a form was sent in it."""
_TOKEN = "token"  # noqa: S105 - in the cookie: the token of the operator's session
_BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox": "", "Chrome": "", "Safari": ""}
_SYSTEMS = {"Android": "", "iPhone": "", "iPad": "", "Windows": "", "Mac OS": "Mac", "Linux": ""}
"""By what browsers and systems name themselves their names, where they differ."""
_DEVICE = "device"
"""In the cookie: who signed in with the browser last, and its random name."""
_DEVICE_LASTS = timedelta(days=180)
_POLLED = {"/console/simulator/watch"}
"""Forms that pages send by themselves, over and over."""
_SESSION = "smsgate"
_HOST = "__Host-"
"""Browsers take a cookie of that name only from this very host, by https, for every path."""
_log = structlog.get_logger("smsgate.console")
P = ParamSpec("P")
R = TypeVar("R")


class Cookies(SecureCookieSessionInterface):
    """Flask's session, by the rules of this console.

    It is ``Lax``: with ``Strict`` a link in a mail to a number's page would ask for the password.
    Nothing is ever done by GET, and every POST needs the token of a form.
    """

    def __init__(self, settings: Settings) -> None:
        self._origin = Origin(settings)

    @property
    def secure(self) -> bool:
        """Whether they are for https alone: always, but for a trial on one's own machine."""
        return not self._origin.is_local_trial(request.environ)

    def get_cookie_name(self, app: Flask) -> str:  # noqa: ARG002 - Flask's
        """By the way of this request."""
        return _HOST + _SESSION if self.secure else _SESSION

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's
        """By the way of this request."""
        return self.secure


class ConsoleAuth:
    """Everything that the pages about signing in ask."""

    def __init__(self, settings: Settings, database: Database, client: Client) -> None:
        keys, self._settings = settings.secret_keys, settings
        self.cookies = Cookies(settings)
        self.deadlines = Deadlines()
        self.sessions = Sessions(database)
        self.people = OperatorService(database, settings.web.mail)
        self.sign_in = SignIn(self.people, Limits(client), keys[0])
        self.factors = Factors(database, keys)
        oidc = settings.oidc
        self.provider = SignInProvider(oidc, settings.public_url) if oidc else None
        """For single sign-on; None where none is configured."""

    @cached_property
    def passkeys(self) -> Passkeys:
        """Made when somebody first uses one, since webauthn takes 11 MiB."""
        from smsgate.features.operators.passkeys import Passkeys  # noqa: PLC0415

        return Passkeys(self.people.database, self._settings.public_url, self._settings.port)

    def visitor(self) -> Visitor:
        """The browser that makes this request."""
        counted = address_of(request.environ)
        agent = request.headers.get("User-Agent", "")
        # A short description for its owner; nothing else of the header is kept.
        browser = next((_BROWSERS[one] or one for one in _BROWSERS if one in agent), "A browser")
        system = next((f" on {_SYSTEMS[one] or one}" for one in _SYSTEMS if one in agent), "")
        operator_id, device = session.get(_DEVICE, ("", ""))
        address = counted or request.remote_addr or ""
        return Visitor(address, counted, browser + system, device, operator_id)

    def author(self) -> ActionAuthor:
        """Who makes this request, from where it comes."""
        return ActionAuthor(actor(), self.visitor().address)


def console_auth() -> ConsoleAuth:
    """The one of this application."""
    found: ConsoleAuth = current_app.extensions["smsgate_auth"]
    return found


def current_session(*, half: bool = False) -> OperatorSession:
    """Whose session it is; leads to signing in where it is nobody's, or not ``half`` as asked."""
    found: OperatorSession | None = g.get("known")
    if found is None or (half and not found.half):
        abort(to_sign_in())
    return found


def operator() -> OperatorRow | None:
    """Who makes this request, if anybody is signed in."""
    found: OperatorSession | None = g.get("known")
    return found.operator if found is not None and not found.half else None


def operator_zone() -> tzinfo:
    """The time zone that the operator of this request chose; UTC where there is none."""
    found = operator()
    return find_zone(found.zone) if found else UTC


def actor() -> str:
    """The name for the ledger. Only behind ``needs``."""
    return current_session().operator.name


def may(role: str) -> bool:
    """Whether the operator of this request has at least that role. Only behind ``needs``."""
    return current_session().operator.may(role)


def context() -> Context:
    """What operations of this request work with. Only behind ``needs``."""
    caller = Caller(actor(), "admin" if may("admin") else "write")
    return Context(caller, is_person=True, address=console_auth().visitor().address)


def record_action(what: str, note: str = "") -> None:
    """Put on record that the operator of this request did something. Only behind ``needs``."""
    auth = console_auth()
    add_action(auth.people.database, what, auth.author(), note)


def needs(role: str, *, again: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only operators of at least that role use a view; see the top of this file."""

    def guarded(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            found = operator()
            if found is None:
                abort(to_sign_in())
            if not found.may(role):
                abort(
                    403,
                    f"This needs the role {role!r}. Yours is {found.role!r}. While the records are "
                    "away, everybody is a viewer.",
                )
            # One's own account and the way out open before a second factor is set up.
            is_open = request.path in (OUT, ME) or request.path.startswith(f"{ME}/")
            if lacks_factor() and not is_open:
                abort(_redirect(FACTOR))
            if again and not current_session().is_fresh:
                abort(to_sign_in())
            return view(*args, **kwargs)

        return checked

    return guarded


def register(console: Flask, settings: Settings, database: Database, client: Client) -> None:
    """Find out at each request who makes it, and log what is refused to whom."""
    made, lines = ConsoleAuth(settings, database, client), RefusalLog()
    console.extensions["smsgate_auth"] = made
    console.session_interface = made.cookies
    console.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    console.config["SESSION_REFRESH_EACH_REQUEST"] = False
    console.config["PERMANENT_SESSION_LIFETIME"] = _DEVICE_LASTS

    @console.before_request
    def who() -> None:
        token = session_token() if request.endpoint != "asset" else ""
        try:
            g.known = made.sessions.find(token) if token else None
        except RecordsUnavailable:
            if request.path != OUT:  # which must empty the cookie all the same
                raise
            g.known = None
        is_poll = is_part() and (request.method == "GET" or request.path in _POLLED)
        if operator() is not None and not is_poll:
            made.sessions.mark_seen(g.known)

    @console.after_request
    def log_refusal(answer: Response) -> Response:
        found = operator() if answer.status_code == HTTPStatus.FORBIDDEN else None
        if found is not None and lines.takes("", found.id):
            rule = request.url_rule
            _log.warning("page refused", name=found.name, role=found.role, route=rule and rule.rule)
        return answer

    console.context_processor(lambda: {"operator": operator()})


def lacks_factor() -> bool:
    """Whether the operator has to set up a second factor before anything else.

    Admins need one; in a trial on one's own machine it is only offered.
    """
    row = current_session().operator
    return row.role == "admin" and not row.has_second_factor and console_auth().cookies.secure


def session_token() -> str:
    """The token of the operator's session in the browser's cookie; empty where there is none."""
    return str(session.get(_TOKEN, ""))


def let_in(row: OperatorRow, note: str | None = "") -> None:
    """Begin a session in this browser, in place of the one before. Earlier forms become invalid.

    ``note`` says for the log how the operator signed in; None begins a half session. Raises
    ``SignInRefused``.
    """
    auth, visitor, wanted = console_auth(), console_auth().visitor(), session.get(NEXT)
    token = auth.sessions.start(row, visitor, token_digest(session_token()), note)
    if note is not None:
        # A link has set a password, of which they are told.
        if not visitor.known_as(row) and note != "by a link":
            where = f"({visitor.browser}), from {visitor.address}"
            auth.people.notify(row, f"somebody signed in as you in a new browser {where}")
        session[_DEVICE] = row.id, visitor.known_as(row) or token_urlsafe(16)
    forget_session()
    session[_TOKEN] = token
    if note is None and wanted:
        session[NEXT] = wanted


def forget_session() -> None:
    """Leave nothing in the cookie but by whom the browser was used (OWASP's "device cookies")."""
    device = session.get(_DEVICE)
    session.clear()
    if device:
        session[_DEVICE], session.permanent = device, True


def to_sign_in() -> Response:
    """Lead to the page for signing in, and from there back to the page that the request is about.

    A form that a script sent is answered by a sentence with a link, and its page stays as it is.
    """
    path, posted = return_path(), request.method != "GET"
    if path and not path.startswith(IN):
        session[NEXT] = path
    if posted or (session_token() and g.get("known") is None):
        # The menu asks for its counts after a form, too.
        session[ENDED] = posted or session.get(ENDED, False)
    if posted and is_part():
        return notice("part_session_ended.html", 401, path=path or HOME)
    return _redirect(IN)


def notice(template: str, status: int, **values: object) -> Response:
    """An answer to a script that is shown at the top of its page, and leaves the rest of it."""
    answer = make_response(render_template(template, **values), status)
    answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#notice", "innerHTML"
    return answer


def _redirect(path: str) -> Response:
    """A redirect; where a part of a page was asked for, one of the whole page."""
    if is_part():
        return Response(status=401, headers={"HX-Redirect": path})
    answer = redirect(path, 303)
    assert isinstance(answer, Response)  # noqa: S101 - what Flask makes
    return answer
