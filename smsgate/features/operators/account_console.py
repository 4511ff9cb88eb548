"""One's own account: password, second factor, and where one is signed in."""

from __future__ import annotations

import segno
from flask import Flask, flash, make_response, redirect, render_template, request, session
from werkzeug.wrappers import Response as Answer

from smsgate.domain.errors import SignInRefused, Unfit
from smsgate.features.operators import second_factor
from smsgate.features.operators.sign_in_console import let_in, new_password
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import FACTOR, ME, console_auth, current_session, lacks_factor, needs

_OFFERED = "factor"
"""In the form's cookie: the secret that is offered, sealed."""


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes."""
    anybody, anybody_again = needs("viewer"), needs("viewer", again=True)
    console.get(ME)(anybody(me))
    console.post(f"{ME}/password")(anybody(change_password))
    console.post(f"{ME}/sessions")(anybody(end_session))
    console.get(FACTOR)(anybody(factor))
    console.post(FACTOR)(anybody_again(factor_on))
    console.post(f"{FACTOR}/off")(anybody_again(factor_off))
    console.post(f"{FACTOR}/recovery")(anybody_again(new_recovery))


def me(problem: str = "") -> str:
    """Show it."""
    row = current_session().operator
    return render_template(
        "me.html",
        found=current_session(),
        sessions=console_auth().sessions.of(row),
        codes_left=second_factor.left(row.recovery),
        problem=problem,
    )


def change_password() -> Answer:
    """Ends every session, and begins a new one here."""
    made, found, visitor = console_auth(), current_session(), console_auth().visitor()
    try:
        new = new_password("new")
        made.signing_in.prove(found, request.form.get("password", ""), visitor)
        row = made.own.change_password(found.operator, new, visitor.address)
    except (Unfit, SignInRefused) as error:
        return make_response(me(str(error)), error.status)
    answer = let_in(make_response(redirect(ME, 303)), made.signing_in.begin(row, visitor))
    flash("Your password is changed. You are signed out everywhere else.", "good")
    return answer


def end_session() -> Answer:
    """End one of one's sessions, or all but this one."""
    found, which = current_session(), request.form.get("session", "")
    if which == "others":
        console_auth().sessions.end_others(found, console_auth().visitor())
        flash("You are signed out everywhere else.", "good")
    else:
        console_auth().sessions.end(found, _digest(which), console_auth().visitor())
        flash("That session is ended.", "good")
    return redirect(ME, 303)


def factor() -> Answer | str:
    """Offer a secret as a QR code, until a code shows that it has arrived."""
    return redirect(ME, 303) if current_session().operator.totp_secret else _offer()


def factor_on() -> Answer:
    """Turn it on, and show the recovery codes, this once."""
    found = current_session()
    if found.operator.totp_secret:
        return redirect(ME, 303)
    sealed, code = session.get(_OFFERED, ""), request.form.get("code", "")
    address = console_auth().visitor().address
    try:
        codes = console_auth().own.turn_factor_on(found, sealed, code, address)
    except SignInRefused as error:
        return make_response(_offer(str(error)), error.status)
    session.pop(_OFFERED, None)
    return make_response(render_template("recovery.html", codes=codes))


def factor_off() -> Answer:
    """Turn it off."""
    console_auth().own.turn_factor_off(current_session().operator, console_auth().visitor().address)
    flash("You are asked for no code any more.", "good")
    return redirect(ME, 303)


def new_recovery() -> Answer:
    """Show new recovery codes, this once."""
    row = current_session().operator
    if not row.totp_secret:
        return redirect(ME, 303)
    codes = console_auth().own.renew_recovery(row, console_auth().visitor().address)
    return make_response(render_template("recovery.html", codes=codes))


def _offer(problem: str = "") -> str:
    """The page with the QR code; the same one until it is turned on, or the secrets are new."""
    sealed = session.get(_OFFERED, "")
    secret = console_auth().own.secret_of(sealed) if sealed else None
    if secret is None:
        sealed, secret = console_auth().own.offer_factor()
        session[_OFFERED] = sealed
    picture = segno.make(second_factor.address(secret, current_session().operator.name), error="m")
    return render_template(
        "factor.html",
        picture=picture.svg_data_uri(scale=5, border=3, dark="#000", light="#fff"),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        needed=lacks_factor(),
        problem=problem,
    )


def _digest(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
