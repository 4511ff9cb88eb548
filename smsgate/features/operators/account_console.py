"""The pages of the operator's own account: password, sessions, and the second factor."""

from __future__ import annotations

import segno
from flask import Flask, flash, make_response, redirect, render_template, request, session
from werkzeug.wrappers import Response

from smsgate.domain.errors import SignInRefused, Unfit
from smsgate.features.operators import second_factor
from smsgate.features.operators.sign_in import CODE_REFUSED
from smsgate.features.operators.sign_in_console import let_in, new_password
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import (
    FACTOR,
    ME,
    console_auth,
    current_session,
    lacks_factor,
    needs,
)

_OFFERED = "factor"
"""In the form's cookie: the secret that is offered, encrypted."""


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes."""
    viewer, viewer_again = needs("viewer"), needs("viewer", again=True)
    for path, endpoint, view in (
        (ME, "me", viewer(show_account)),
        (FACTOR, "factor", viewer(show_factor)),
    ):
        console.get(path, endpoint=endpoint)(view)
    for path, endpoint, change in (
        (f"{ME}/password", "change_password", viewer(change_password)),
        (f"{ME}/sessions", "end_session", viewer(end_session)),
        (FACTOR, "factor_on", viewer_again(turn_factor_on)),
        (f"{FACTOR}/off", "factor_off", viewer_again(turn_factor_off)),
        (f"{FACTOR}/recovery", "new_recovery", viewer_again(renew_recovery_codes)),
    ):
        console.post(path, endpoint=endpoint)(change)


def show_account() -> str:
    """Show the second factor, the sessions, and the form for another password."""
    row = current_session().operator
    return render_template(
        "me.html",
        found=current_session(),
        sessions=console_auth().sessions.of(row),
        codes_left=second_factor.count_recovery_codes(row.recovery),
    )


def change_password() -> Response:
    """Set another password; ends every session, and begins a new one here."""
    auth, current, visitor = console_auth(), current_session(), console_auth().visitor()
    password = new_password("new")
    auth.sign_in.prove(current, _field("password"), visitor)
    try:
        row = auth.own_account.change_password(current.operator, password, visitor.address)
    except Unfit as error:
        error.field = "new"
        raise
    answer = let_in(make_response(redirect(ME, 303)), auth.sign_in.begin(row, visitor))
    flash("Password changed. You are signed out everywhere else.", "good")
    return answer


def end_session() -> Response:
    """End one of one's sessions, or all but this one."""
    auth, current, which = console_auth(), current_session(), _field("session")
    if which == "others":
        auth.sessions.end_others(current, auth.visitor())
        flash("Signed out everywhere else.", "good")
    else:
        try:
            digest = bytes.fromhex(which)
        except ValueError:
            digest = b""
        auth.sessions.end(current, digest, auth.visitor())
        flash("Signed out of that session.", "good")
    return redirect(ME, 303)


def show_factor() -> Response | str:
    """Offer a secret as a QR code, until a code shows that it has arrived."""
    return redirect(ME, 303) if current_session().operator.totp_secret else _offer_factor()


def turn_factor_on() -> Response:
    """Turn the second factor on, and show the recovery codes, this once."""
    auth, current = console_auth(), current_session()
    if current.operator.totp_secret:
        return redirect(ME, 303)
    address, offered = auth.visitor().address, session.get(_OFFERED, "")
    codes = auth.own_account.turn_factor_on(current.operator, offered, _field("code"), address)
    if codes is None:
        raise SignInRefused(CODE_REFUSED, field="code")
    auth.sessions.end_others(current, auth.visitor())
    session.pop(_OFFERED, None)
    return make_response(render_template("recovery.html", codes=codes))


def turn_factor_off() -> Response:
    """Turn the second factor off."""
    auth = console_auth()
    auth.own_account.turn_factor_off(current_session().operator, auth.visitor().address)
    flash("Two-step sign-in is off.", "good")
    return redirect(ME, 303)


def renew_recovery_codes() -> Response:
    """Show new recovery codes, this once."""
    auth, row = console_auth(), current_session().operator
    if not row.totp_secret:
        return redirect(ME, 303)
    codes = auth.own_account.renew_recovery_codes(row, auth.visitor().address)
    return make_response(render_template("recovery.html", codes=codes))


def _offer_factor() -> str:
    """Return the page with the QR code, the same one until it is turned on or the keys are new."""
    account, offered = console_auth().own_account, session.get(_OFFERED, "")
    secret = account.decrypt_factor(offered) if offered else None
    if secret is None:
        session[_OFFERED], secret = account.offer_factor()
    uri = second_factor.provisioning_uri(secret, current_session().operator.name)
    picture = segno.make(uri, error="m")
    return render_template(
        "factor.html",
        picture=picture.svg_data_uri(scale=5, border=3, dark="#000", light="#fff"),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        needed=lacks_factor(),
    )


def _field(name: str) -> str:
    return request.form.get(name, "")
