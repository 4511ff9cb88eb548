"""Who is signed in, and what they may do.

``@needs("agent")`` on a view lets only agents and admins use it; a visitor who is not signed in is
led to the sign-in page and back. ``@needs("admin", again=True)`` protects an action on a screen
that was left open: unless the password was given in the last ten minutes, the form must contain
it. Its template calls ``{{ again() }}`` (``parts.html``), which shows the field if it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import wraps
from typing import ParamSpec, TypeVar, get_args

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

from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.domain.time_zones import find_zone
from smsgate.features.operators.passkeys import Passkeys, relying_party
from smsgate.features.operators.service import (
    ROLES,
    ActionAuthor,
    OperatorService,
    OwnAccount,
    make_action,
)
from smsgate.features.operators.sessions import OperatorSession, Sessions, Visitor
from smsgate.features.operators.sign_in import SignIn
from smsgate.features.operators.single_sign_on import SignInProvider
from smsgate.features.operators.storage import ActionLog
from smsgate.interface.operation import Role
from smsgate.pipeline.readiness import Deadlines
from smsgate.pipeline.services import Services
from smsgate.web.console.origin import Origin
from smsgate.web.console.return_path import HOME, is_part, return_path
from smsgate.web.wsgi_request import address_of

IN, OUT = "/console/in", "/console/out"
ME = "/console/me"
FACTOR = f"{ME}/factor"
NEXT = "next"
"""In the form's cookie: the page that somebody wanted to see before signing in."""
ENDED = "ended"
"""In the form's cookie: the session that somebody used has ended; whether a form was sent in it."""
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)
_SESSION, _FORMS, _DEVICE = "smsgate", "smsgate-forms", "smsgate-device"
_DEVICE_S = 180 * 24 * 3600
_HOST = "__Host-"
"""Browsers take a cookie of that name only from this very host, by https, for every path."""
P = ParamSpec("P")
R = TypeVar("R")


class Cookies(SecureCookieSessionInterface):
    """Reads and sets the cookies: who is signed in, what guards the forms, which browser it is.

    That of the forms is Flask's own session, signed, not enciphered.

    All are ``Lax``: with ``Strict`` a link in a mail to a number's page would ask for the
    password. Nothing is ever done by GET, and every POST needs the token of a form.
    """

    def __init__(self, services: Services) -> None:
        self._origin = Origin(services.settings)

    @property
    def secure(self) -> bool:
        """Whether they are for https alone: always, but for a trial on one's own machine."""
        return not self._origin.is_local_trial(request.environ)

    @property
    def token(self) -> str:
        """What the browser's cookie holds; empty where it has none."""
        return request.cookies.get(self._name(_SESSION), "")

    @property
    def device(self) -> str:
        """By which the browser is known; empty where it is not."""
        return request.cookies.get(self._name(_DEVICE), "")

    def set_device(self, answer: Response, device: str) -> None:
        """Let the browser say by which it is known, for half a year; that opens nothing."""
        self._set(answer, _DEVICE, device, _DEVICE_S)

    def set_session(self, answer: Response, token: str) -> None:
        """Let the browser keep a session until it is closed; the server ends it earlier."""
        self._set(answer, _SESSION, token)

    def clear_session(self, answer: Response) -> None:
        """Let the browser forget the session."""
        name = self._name(_SESSION)
        answer.delete_cookie(name, httponly=True, secure=self.secure, samesite="Lax")

    def get_cookie_name(self, app: Flask) -> str:  # noqa: ARG002 - Flask's
        """Of the form's cookie."""
        return self._name(_FORMS)

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's
        """As the other one."""
        return self.secure

    def get_cookie_samesite(self, app: Flask) -> str:  # noqa: ARG002 - Flask's
        """As the other one."""
        return "Lax"

    def _set(self, answer: Response, name: str, value: str, max_age_s: int | None = None) -> None:
        answer.set_cookie(
            self._name(name),
            value,
            max_age=max_age_s,
            httponly=True,
            secure=self.secure,
            samesite="Lax",
        )

    def _name(self, name: str) -> str:
        return _HOST + name if self.secure else name


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who is signed in."""

    name: str
    """Stands as the actor in every event that they make."""
    role: str
    zone: str = ""
    """The time zone that they chose; empty for the browser's."""

    def may(self, role: str) -> bool:
        """Whether their role is at least that."""
        return ROLES.index(self.role) >= ROLES.index(role)


class ConsoleAuth:
    """Everything that the pages about signing in ask."""

    def __init__(self, services: Services) -> None:
        keys = services.settings.secret_keys
        self.cookies = Cookies(services)
        self.deadlines = Deadlines()
        self.sessions = Sessions(services.records)
        party = relying_party(services.settings.public_url, services.settings.port)
        self.sign_in = SignIn(services.records, services.store, keys, party)
        self.passkeys = Passkeys(services.records, party)
        self.own_account = OwnAccount(services.records, keys)
        self.operators = OperatorService(services.records)
        self.actions = ActionLog(services.records.database)
        self.public_url = services.settings.public_url
        found = services.settings.oidc
        self.provider = SignInProvider(found) if found else None
        """For single sign-on; None where none is configured."""
        self.mailbox = services.settings.web.mail
        """By which links for passwords may be sent; None where no mail server is configured."""
        self._trust_proxy = services.settings.web.trust_proxy

    @property
    def origin(self) -> str:
        """The base URL of links for other people. Raises ``Unfit`` if it is not configured.

        Never the host of the request: anyone who can change its ``Host`` would get the link's
        password set at a place of their own.
        """
        if self.public_url:
            return self.public_url
        if not self.cookies.secure:  # a trial on one's own machine
            return request.host_url.rstrip("/")
        raise Unfit(
            "Nothing was done: a link for a password leads to SMSGATE_PUBLIC_URL, which is not "
            "set. Set it and restart smsgate, or make the link on the server by "
            "`smsgate operators add` or `reset`."
        )

    def visitor(self) -> Visitor:
        """The browser that makes this request."""
        counted = address_of(request.environ, self._trust_proxy)
        shown = counted or request.remote_addr or ""
        browser = _browser(request.headers.get("User-Agent", ""))
        return Visitor(shown, counted, browser, self.cookies.device)


def console_auth() -> ConsoleAuth:
    """The one of this application."""
    found: ConsoleAuth = current_app.extensions["smsgate_auth"]
    return found


def current_session() -> OperatorSession:
    """Whose session it is, whole or half; leads to signing in where it is nobody's."""
    found: OperatorSession | None = g.get("known")
    if found is None:
        abort(to_sign_in())
    return found


def operator() -> Operator | None:
    """Who makes this request, if anybody is signed in."""
    found: Operator | None = g.get("operator")
    return found


def operator_zone() -> tzinfo:
    """The time zone that the operator of this request chose; UTC where there is none."""
    found = operator()
    return find_zone(found.zone) if found else UTC


def actor() -> str:
    """The name for the ledger. Only behind ``needs``."""
    found = operator()
    if found is None:
        abort(403)
    return found.name


def role() -> Role:
    """What the operator of this request may do. Only behind ``needs``."""
    found = operator()
    if found is None:
        abort(403)
    return next(one for one in get_args(Role) if one == found.role)


def record_action(what: str, note: str = "") -> None:
    """Put on record that the operator of this request did something. Only behind ``needs``."""
    name = actor()
    author = ActionAuthor(name, console_auth().visitor().address)
    console_auth().actions.add(make_action(what, name, author, note))


def needs(role: str, *, again: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only operators of at least that role use a view; see the top of this file."""

    def guarded(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            found = operator()
            if found is None:
                abort(to_sign_in())
            if not found.may(role):
                abort(403, f"This needs the role {role!r}. Yours is {found.role!r}.")
            if again and not current_session().proved:
                console_auth().sign_in.prove(
                    current_session(), request.form.get("password", ""), console_auth().visitor()
                )
            return view(*args, **kwargs)

        return checked

    return guarded


def register(console: Flask, services: Services) -> None:
    """Find out at each request who makes it."""
    made = ConsoleAuth(services)
    console.extensions["smsgate_auth"] = made
    console.session_interface = made.cookies

    @console.before_request
    def who() -> Response | None:
        if request.endpoint == "asset":
            return None
        g.known = made.sessions.find(made.cookies.token) if made.cookies.token else None
        if g.known is None or g.known.session.half:
            return None
        row = g.known.operator
        g.operator = Operator(row.name, row.role, row.zone)
        if request.method != "GET" or not is_part():
            made.sessions.mark_seen(g.known)
        # One's own account and the way out open before a second factor is set up.
        is_open = request.path in (OUT, ME) or request.path.startswith(f"{ME}/")
        return _redirect(FACTOR) if lacks_factor() and not is_open else None

    console.context_processor(lambda: {"operator": operator()})
    # A global: macros that are imported know nothing else.
    console.jinja_env.globals["asks_again"] = lambda: not current_session().proved


def lacks_factor() -> bool:
    """Whether the operator has to set up a second factor before anything else.

    Admins need one; in a trial on one's own machine it is only offered.
    """
    row = current_session().operator
    return row.role == "admin" and not row.has_second_factor and console_auth().cookies.secure


def is_signed_in() -> bool:
    """Whether somebody is, also where a request was refused before that was found out.

    While the records are away, yes: who was signed in stays so.
    """
    token = console_auth().cookies.token
    try:
        found = console_auth().sessions.find(token) if token else None
    except RecordsUnavailable:
        return True
    return found is not None and not found.session.half


def to_sign_in() -> Response:
    """Lead to the page for signing in, and from there back to the page that the request is about.

    A form that a script sent is answered by a sentence with a link, and its page stays as it is.
    """
    path, posted = return_path(), request.method != "GET"
    if path and not path.startswith(IN):
        session[NEXT] = path
    if posted or (console_auth().cookies.token and g.get("known") is None):
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


def _browser(agent: str) -> str:
    """A short description of a browser for its owner; nothing else of its header is kept."""
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    browser = browser or ("Safari" if "Safari/" in agent else "A browser")
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    return f"{browser} on {system}" if system else browser
