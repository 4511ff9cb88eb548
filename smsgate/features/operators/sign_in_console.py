"""Signing in and out, and the links by which passwords are set."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, flash, g, make_response, redirect, render_template, request
from flask import session as kept
from werkzeug.wrappers import Response as Answer

from smsgate.domain.errors import SignInRefused, SmsGateError, TooManyGuesses, Unfit
from smsgate.features.operators.signing_in import Started
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import IN, NEXT, OUT, console_auth, current_session, operator
from smsgate.web.console.return_path import HOME, own_path

CODE = "/console/in/code"
FIRST = "/console/first/<token>"
PASSWORD = "/console/password/<token>"  # noqa: S105 - a path


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes.

    A link is opened by GET as often as previews and scanners like; only its form uses it up.
    """
    console.get(IN)(sign_in)
    console.post(IN)(signed_in)
    console.get(CODE)(code)
    console.post(CODE)(code_given)
    console.post(OUT)(out)
    console.get(FIRST)(first)
    console.post(FIRST)(become_first)
    console.get(PASSWORD)(password)
    console.post(PASSWORD)(password_set)


def sign_in() -> Answer | str:
    """Ask for name and password; ``next`` of the address is where to go on."""
    wanted = own_path(request.args.get("next", ""))
    if operator() is not None:
        return redirect(wanted or HOME, 303)
    if wanted:
        kept[NEXT] = wanted
    return render_template("sign_in.html", nobody=not console_auth().people.all())


def signed_in() -> Answer:
    """Take them; where there is a second factor, go on to its page."""
    name, word = _field("name"), _field("password")
    made = console_auth()
    try:
        started = made.signing_in.by_password(name, word, made.visitor(), made.cookies.token)
    except (SignInRefused, TooManyGuesses) as error:
        return _again("sign_in.html", error, name=name)
    return _go_on(started)


def code() -> Answer | str:
    """Ask for the code of the second factor."""
    return render_template("code.html") if _is_half() else redirect(IN, 303)


def code_given() -> Answer:
    """Take it."""
    if not _is_half():
        return redirect(IN, 303)
    try:
        started = console_auth().signing_in.by_code(
            current_session(), _field("code"), console_auth().visitor()
        )
    except (SignInRefused, TooManyGuesses) as error:
        return _again("code.html", error)
    return _go_on(started)


def out() -> Answer:
    """Sign out here."""
    if g.known is not None:
        console_auth().sessions.end(g.known, g.known.session.digest, console_auth().visitor())
    kept.clear()
    flash("You are signed out.", "good")
    answer = make_response(redirect(IN, 303))
    console_auth().cookies.clear_session(answer)
    return answer


def first(token: str) -> str:
    """Ask for the name and password of the first admin."""
    console_auth().own.opens_first(token)
    return render_template("first.html")


def become_first(token: str) -> Answer:
    """Make the first admin, and let them in."""
    made, visitor, name = console_auth(), console_auth().visitor(), _field("name")

    def become() -> Answer:
        row = made.own.become_first(token, name, new_password("password"), visitor.address)
        return _go_on(made.signing_in.begin(row, visitor, made.cookies.token))

    return _tried(become, "first.html", name)


def password(token: str) -> str:
    """Ask for a new password."""
    return render_template("password.html", name=console_auth().own.whose(token).name)


def password_set(token: str) -> Answer:
    """Keep it, and let its owner sign in with it."""
    name = console_auth().own.whose(token).name

    def keep() -> Answer:
        made, visitor = console_auth(), console_auth().visitor()
        row = made.own.set_by_link(token, new_password("password"), visitor.address)
        flash("Your password is set: sign in with it.", "good")
        answer = make_response(redirect(IN, 303))
        # Whoever guessed from here before does not keep the link's holder from signing in.
        made.cookies.set_device(answer, made.signing_in.device_token(row, visitor))
        return answer

    return _tried(keep, "password.html", name)


def let_in(answer: Response, started: Started) -> Response:
    """Give a browser its new session. Nothing of the forms before goes on."""
    wanted = kept.get(NEXT)
    kept.clear()
    if started.half and wanted:
        kept[NEXT] = wanted
    console_auth().cookies.set_session(answer, started.token)
    if started.device:
        console_auth().cookies.set_device(answer, started.device)
    return answer


def new_password(field: str) -> str:
    """The new password of a form. Raises ``Unfit`` where it was typed differently."""
    if _field(field) != _field("repeated"):
        raise Unfit("The two passwords differ: type the same one twice.")
    return _field(field)


def _go_on(started: Started) -> Answer:
    """To the second page, or to the page that was wanted: one of ours, for we noted it."""
    path = CODE if started.half else own_path(str(kept.get(NEXT, ""))) or HOME
    return let_in(make_response(redirect(path, 303)), started)


def _tried(do: Callable[[], Answer], template: str, name: str) -> Answer:
    """Do it; where what was given will not do, show the form again, which says why."""
    try:
        return do()
    except Unfit as error:
        return _again(template, error, name=name)


def _again(template: str, error: SmsGateError, **values: str) -> Answer:
    return make_response(render_template(template, problem=str(error), **values), error.status)


def _is_half() -> bool:
    return g.known is not None and g.known.session.half


def _field(name: str) -> str:
    return request.form.get(name, "")
