"""The pages for signing in and out, and of the links that set a password."""

from __future__ import annotations

from flask import Flask, flash, g, make_response, redirect, render_template, request, session
from flask import Response as FlaskResponse
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.domain.errors import Unfit
from smsgate.features.operators.errors import SignInRefused
from smsgate.features.operators.passkeys import NO_ADDRESS
from smsgate.features.operators.sign_in import NewSession
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import IN, NEXT, OUT, console_auth, current_session, operator
from smsgate.web.console.return_path import HOME, own_path

CODE = f"{IN}/code"
PASSKEY = f"{IN}/passkey"
PROVIDER = f"{IN}/provider"
"""Leads to the provider of single sign-on."""
CALLBACK = f"{PROVIDER}/back"
"""Where the provider leads back to."""
FIRST = "/console/first/<token>"
PASSWORD = "/console/password/<token>"  # noqa: S105 - a path


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes.

    A link is opened by GET as often as previews and scanners like; only its form uses it up.
    """
    for path, endpoint, view in (
        (IN, "sign_in", show_sign_in),
        (CODE, "code", show_code),
        (PROVIDER, "to_provider", go_to_provider),
        (CALLBACK, "from_provider", return_from_provider),
        (FIRST, "first", show_first),
        (PASSWORD, "password", show_password),
    ):
        console.get(path, endpoint=endpoint)(view)
    for path, endpoint, change in (
        (IN, "signed_in", sign_in),
        (CODE, "code_given", check_code),
        (PASSKEY, "passkey_given", check_passkey),
        (OUT, "out", sign_out),
        (FIRST, "become_first", become_first),
        (PASSWORD, "password_set", set_password),
    ):
        console.post(path, endpoint=endpoint)(change)


def show_sign_in() -> Response | str:
    """Ask for name and password; ``next`` of the address is where to go on."""
    wanted = own_path(request.args.get("next", ""))
    if operator() is not None:
        return redirect(wanted or HOME, 303)
    if wanted:
        session[NEXT] = wanted
    auth = console_auth()
    return render_template(
        "sign_in.html",
        nobody=not auth.operators.all(),
        provider=auth.provider.name if auth.provider else "",
    )


def sign_in() -> Response:
    """Check name and password; where there is a second factor, go on to its page."""
    auth = console_auth()
    name, token = _field("name"), auth.cookies.token
    return _go_on(auth.sign_in.by_password(name, _field("password"), auth.visitor(), token))


def go_to_provider() -> Response:
    """Lead to the provider of single sign-on."""
    auth = console_auth()
    if auth.provider is None:
        raise NotFound
    try:
        return auth.provider.redirect(f"{auth.origin}{CALLBACK}", _origin())
    except SignInRefused as error:
        return _back_to_sign_in(error)


def return_from_provider() -> Response:
    """Sign in whom the provider names; where there is a second factor, go on to its page."""
    auth = console_auth()
    if auth.provider is None:
        raise NotFound
    try:
        person = auth.provider.person(_origin())
        return _go_on(auth.sign_in.by_provider(person, auth.visitor(), auth.cookies.token))
    except SignInRefused as error:
        return _back_to_sign_in(error)


def _origin() -> str:
    visitor = console_auth().visitor()
    return visitor.counted or visitor.address


def _back_to_sign_in(error: SignInRefused) -> Response:
    flash(str(error), "bad")
    return redirect(IN, 303)


def show_code() -> Response | str:
    """Ask for the second factor: a passkey, a code, or a recovery code."""
    if not _is_half():
        return redirect(IN, 303)
    passkeys, current = console_auth().passkeys, current_session()
    can_ask = current.operator.has_passkey and passkeys.party is not None
    return render_template(
        "code.html",
        row=current.operator,
        party=passkeys.party,
        options=passkeys.request_options(current) if can_ask else "",
        no_address=NO_ADDRESS,
    )


def check_code() -> Response:
    """Check the code of the second factor."""
    if not _is_half():
        return redirect(IN, 303)
    auth = console_auth()
    return _go_on(auth.sign_in.by_code(current_session(), _field("code"), auth.visitor()))


def check_passkey() -> Response:
    """Check what the browser answered by a passkey."""
    if not _is_half():
        return redirect(IN, 303)
    auth = console_auth()
    return _go_on(auth.sign_in.by_passkey(current_session(), _field("credential"), auth.visitor()))


def sign_out() -> Response:
    """End the session of this browser."""
    auth = console_auth()
    if g.known is not None:
        auth.sessions.end(g.known, g.known.session.digest, auth.visitor())
    session.clear()
    flash("Signed out.", "good")
    answer = make_response(redirect(IN, 303))
    auth.cookies.clear_session(answer)
    return answer


def show_first(token: str) -> str:
    """Ask for the name and password of the first admin."""
    console_auth().own_account.check_first_link(token)
    return render_template("first.html")


def become_first(token: str) -> Response:
    """Add the first admin, and sign them in."""
    auth, visitor, password = console_auth(), console_auth().visitor(), new_password("password")
    row = auth.own_account.become_first(token, _field("name"), password, visitor.address)
    return _go_on(auth.sign_in.begin(row, visitor, auth.cookies.token))


def show_password(token: str) -> str:
    """Ask for a new password."""
    return render_template("password.html", name=console_auth().own_account.find_linked(token).name)


def set_password(token: str) -> Response:
    """Set the password, so that its owner can sign in with it."""
    auth, visitor = console_auth(), console_auth().visitor()
    auth.own_account.find_linked(token)
    row = auth.own_account.set_by_link(token, new_password("password"), visitor.address)
    flash("Password set. Sign in with it.", "good")
    answer = make_response(redirect(IN, 303))
    # Attackers at this address do not keep the link's holder from signing in.
    auth.cookies.set_device(answer, auth.sign_in.device_token(row, visitor))
    return answer


def _go_on(new: NewSession) -> Response:
    """Lead to the second page, or to the page that was wanted: one of ours, for we noted it."""
    path = CODE if new.half else own_path(str(session.get(NEXT, ""))) or HOME
    return let_in(make_response(redirect(path, 303)), new)


def let_in(answer: FlaskResponse, new: NewSession) -> Response:
    """Give a browser its new session. Earlier forms become invalid."""
    wanted = session.get(NEXT)
    session.clear()
    if new.half and wanted:
        session[NEXT] = wanted
    console_auth().cookies.set_session(answer, new.token)
    if new.device:
        console_auth().cookies.set_device(answer, new.device)
    return answer


def _is_half() -> bool:
    known = g.get("known")  # not looked for where the form was too large
    return known is not None and known.session.half


def _field(name: str) -> str:
    return request.form.get(name, "")


def new_password(field: str) -> str:
    """Return the new password of a form. Raises ``Unfit`` where it was typed differently."""
    if _field(field) != _field("repeated"):
        raise Unfit("The passwords differ: enter the same one twice.", field="repeated")
    return _field(field)
