"""The pages for signing in and out, and of the links that set a password."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, flash, g, redirect, render_template, request, session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.domain.errors import Unfit
from smsgate.features.operators.passkeys import NO_ADDRESS
from smsgate.features.operators.single_sign_on import SignInProvider
from smsgate.features.operators.storage import OperatorRow, SignInRefused
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import (
    IN,
    NEXT,
    OUT,
    console_auth,
    current_session,
    let_in,
    operator,
)
from smsgate.web.console.return_path import HOME, own_path

CODE = f"{IN}/code"
PROVIDER = f"{IN}/provider"
"""Leads to the provider of single sign-on, which leads back to the page below it."""


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes.

    A link is opened by GET as often as previews and scanners like; only its form uses it up.
    """
    for method, path, endpoint, view in (
        ("GET", IN, "sign_in", show_sign_in),
        ("POST", IN, "signed_in", sign_in),
        ("GET", CODE, "code", show_code),
        ("POST", CODE, "code_given", check_code),
        ("POST", f"{IN}/passkey", "passkey_given", check_passkey),
        ("GET", PROVIDER, "to_provider", go_to_provider),
        ("GET", f"{PROVIDER}/back", "from_provider", return_from_provider),
        ("POST", OUT, "out", sign_out),
        ("GET", "/console/first/<token>", "first", show_first),
        ("POST", "/console/first/<token>", "become_first", become_first),
        ("GET", "/console/password/<token>", "password", show_password),
        ("POST", "/console/password/<token>", "password_set", set_password),
    ):
        console.add_url_rule(path, endpoint, view, methods=[method])


def show_sign_in() -> Response | str:
    """Ask for name and password; ``next`` of the address is where to go on."""
    wanted = own_path(request.args.get("next", ""))
    if operator() is not None:
        return redirect(wanted or HOME, 303)
    if wanted:
        session[NEXT] = wanted
    auth = console_auth()
    provider = auth.provider.name if auth.provider else ""
    return render_template("sign_in.html", nobody=not auth.people.all(), provider=provider)


def sign_in() -> Response:
    """Check name and password; where there is a second factor, go on to its page."""
    auth, form = console_auth(), request.form
    name, password = form.get("name", ""), form.get("password", "")
    return _go_on(auth.sign_in.by_password(name, password, auth.visitor()))


def go_to_provider() -> Response:
    """Lead to the provider of single sign-on."""
    try:
        return _provider().redirect(f"{console_auth().origin}{PROVIDER}/back")
    except SignInRefused as error:
        return _back_to_sign_in(error)


def return_from_provider() -> Response:
    """Sign in whom the provider names; where there is a second factor, go on to its page."""
    auth, provider = console_auth(), _provider()
    try:
        person = provider.person()
        return _go_on(auth.sign_in.by_provider(*person, auth.visitor()), "by single sign-on")
    except SignInRefused as error:
        return _back_to_sign_in(error)


def _provider() -> SignInProvider:
    found = console_auth().provider
    if found is None:
        raise NotFound
    return found


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
    """Check a code of the authenticator, or a recovery code."""
    if not _is_half():
        return redirect(IN, 303)
    row, code = current_session().operator, request.form.get("code", "")
    return _by_factor(lambda: console_auth().sign_in.accept_code(row, code))


def check_passkey() -> Response:
    """Check what the browser answered by a passkey."""
    if not _is_half():
        return redirect(IN, 303)
    current, answer = current_session(), request.form.get("credential", "")
    return _by_factor(lambda: console_auth().passkeys.accept(current, answer))


def _by_factor(accept: Callable[[], str]) -> Response:
    auth, row = console_auth(), current_session().operator
    return _go_on(row, auth.sign_in.by_factor(row, auth.visitor(), accept), is_whole=True)


def sign_out() -> Response:
    """End the session of this browser."""
    if g.known is not None:
        console_auth().sessions.end(g.known, g.known.digest)
    session.clear()
    flash("Signed out.", "good")
    return redirect(IN, 303)


def show_first(token: str) -> str:
    """Ask for the name and password of the first admin."""
    if console_auth().people.linked(token) is not None:
        raise NotFound
    return render_template("first.html")


def become_first(token: str) -> Response:
    """Add the first admin, and sign them in."""
    auth, name = console_auth(), request.form.get("name", "")
    if auth.people.linked(token) is not None:  # before any work is done for a password
        raise NotFound
    password = new_password("password")
    return _go_on(auth.people.become_first(token, name, password, auth.visitor().address))


def show_password(token: str) -> str:
    """Ask for a new password."""
    row = console_auth().people.linked(token)
    if row is None:
        raise NotFound
    return render_template("password.html", name=row.name)


def set_password(token: str) -> Response:
    """Set the password, so that its owner can sign in with it."""
    auth, visitor = console_auth(), console_auth().visitor()
    row = auth.people.linked(token)
    if row is None:
        raise NotFound
    auth.people.set_password(row, new_password("password"), visitor.address, token)
    flash("Password set. Sign in with it.", "good")
    # Attackers at this address do not keep the link's holder from signing in.
    g.device = auth.sign_in.device_token(row, visitor)
    return redirect(IN, 303)


def _go_on(row: OperatorRow, note: str = "", *, is_whole: bool = False) -> Response:
    """Let somebody in, and lead to the page that was wanted: one of ours, for we noted it.

    Who has a second factor comes in half, to its page, unless the session ``is_whole`` by it.
    """
    half = row.has_second_factor and not is_whole
    path = CODE if half else own_path(str(session.get(NEXT, ""))) or HOME
    let_in(row, half=half, note=note)
    return redirect(path, 303)


def _is_half() -> bool:
    known = g.get("known")  # not looked for where the form was too large
    return known is not None and known.half


def new_password(field: str) -> str:
    """Return the new password of a form. Raises ``Unfit`` where it was typed differently."""
    password = request.form.get(field, "")
    if password != request.form.get("repeated", ""):
        raise Unfit("The passwords differ: enter the same one twice.", field="repeated")
    return password
