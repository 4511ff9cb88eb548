"""The pages of the operator's own account: password, sessions, and the second factor."""

from __future__ import annotations

import pyotp
import segno
from flask import Flask, flash, redirect, render_template, request, session
from werkzeug.wrappers import Response

from smsgate.domain.errors import Unfit
from smsgate.domain.time_zones import zone_names
from smsgate.features.operators import second_factor
from smsgate.features.operators.passkeys import NO_ADDRESS
from smsgate.features.operators.service import MAX_NAME_CHARACTERS
from smsgate.features.operators.sign_in import CODE_REFUSED
from smsgate.features.operators.sign_in_console import new_password
from smsgate.features.operators.storage import SignInRefused
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import (
    FACTOR,
    ME,
    console_auth,
    current_session,
    lacks_factor,
    let_in,
    needs,
    prove,
)

PASSKEYS = f"{ME}/passkeys"
_OFFERED = "factor"
"""In the cookie: the secret that is offered, encrypted."""


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes."""
    viewer, viewer_again = needs("viewer"), needs("viewer", again=True)
    for method, path, endpoint, view in (
        ("GET", ME, "me", viewer(show_account)),
        ("POST", f"{ME}/password", "change_password", viewer(change_password)),
        ("POST", f"{ME}/sessions", "end_session", viewer(end_session)),
        ("POST", f"{ME}/zone", "choose_zone", viewer(choose_zone)),
        ("GET", FACTOR, "factor", viewer(show_factor)),
        ("POST", FACTOR, "factor_on", viewer_again(turn_factor_on)),
        ("POST", f"{FACTOR}/off", "factor_off", viewer_again(turn_factor_off)),
        ("POST", f"{FACTOR}/recovery", "new_recovery", viewer_again(renew_recovery_codes)),
        ("GET", PASSKEYS, "passkey", viewer(show_new_passkey)),
        ("POST", f"{PASSKEYS}/password", "passkey_password", viewer_again(go_to_new_passkey)),
        ("POST", PASSKEYS, "passkey_added", viewer_again(add_passkey)),
        ("POST", f"{PASSKEYS}/remove", "passkey_removed", viewer_again(remove_passkey)),
    ):
        console.add_url_rule(path, endpoint, view, methods=[method])


def show_account() -> str:
    """Show the second factor, the sessions, and the form for another password."""
    auth, current = console_auth(), current_session()
    return render_template(
        "me.html",
        found=current,
        sessions=auth.sessions.of(current.operator),
        codes_left=second_factor.count_recovery_codes(current.operator.recovery),
        passkeys=auth.passkeys.of(current.operator),
        zones=[("", "The browser’s"), *((one, one.replace("_", " ")) for one in zone_names())],
    )


def choose_zone() -> Response:
    """Show times in another zone from now on."""
    auth, row = console_auth(), current_session().operator
    auth.people.choose_zone(row, _field("zone"), auth.author())
    flash("Time zone saved.", "good")
    return redirect(ME, 303)


def change_password() -> Response:
    """Set another password; ends every session, and begins a new one here."""
    auth, row, password = console_auth(), current_session().operator, new_password("new")
    prove()
    try:
        let_in(auth.people.set_password(row, password, auth.visitor().address))
    except Unfit as error:
        error.field = "new"
        raise
    flash("Password changed. You are signed out everywhere else.", "good")
    return redirect(ME, 303)


def end_session() -> Response:
    """End one of one's sessions, or all but this one."""
    auth, current, which = console_auth(), current_session(), _field("session")
    if which == "others":
        auth.sessions.end(current, current.digest, others=True)
        flash("Signed out everywhere else.", "good")
    else:
        try:
            digest = bytes.fromhex(which)
        except ValueError:
            digest = b""
        auth.sessions.end(current, digest)
        flash("Signed out of that session.", "good")
    return redirect(ME, 303)


def show_factor() -> Response | str:
    """Offer a secret as a QR code, the same one until a code shows that it has arrived."""
    row, keys = current_session().operator, console_auth().secret_keys
    if row.totp_secret:
        return redirect(ME, 303)
    secret = second_factor.decrypt(session.get(_OFFERED, ""), keys)
    if secret is None:
        secret = pyotp.random_base32()
        session[_OFFERED] = second_factor.encrypt(secret, keys)
    uri = pyotp.TOTP(secret).provisioning_uri(name=row.name, issuer_name="smsgate")
    return render_template(
        "factor.html",
        picture=segno.make(uri, error="m").svg_data_uri(
            scale=5, border=3, dark="#000", light="#fff"
        ),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        needed=lacks_factor(),
    )


def turn_factor_on() -> Response | str:
    """Turn codes of an authenticator on, by one of the secret that was offered."""
    auth, current, offered = console_auth(), current_session(), session.get(_OFFERED, "")
    if current.operator.totp_secret:
        return redirect(ME, 303)
    secret = second_factor.decrypt(offered, auth.secret_keys)
    step = second_factor.find_step(secret, _field("code")) if secret else None
    if step is None:
        raise SignInRefused(CODE_REFUSED, field="code")
    codes, kept = second_factor.first_recovery_codes(current.operator.recovery)
    values: dict[str, str | int] = {"totp_secret": offered, "totp_step": step, "recovery": kept}
    auth.people.change_factor(current, "second factor on", auth.author(), **values)
    session.pop(_OFFERED, None)
    return _show_codes(codes, "Codes of your authenticator app are on.")


def turn_factor_off() -> Response:
    """Ask for no codes of an authenticator any more."""
    auth, current, row = console_auth(), current_session(), current_session().operator
    if row.totp_secret:
        rest = row.recovery if row.has_passkey else ""
        values: dict[str, str | int] = {"totp_secret": "", "totp_step": 0, "recovery": rest}
        auth.people.change_factor(current, "second factor off", auth.author(), **values)
    flash("Codes of the authenticator app are off." if row.has_passkey else _OFF, "good")
    return redirect(ME, 303)


def renew_recovery_codes() -> Response | str:
    """Show new recovery codes."""
    auth, current = console_auth(), current_session()
    if not current.operator.has_second_factor:
        return redirect(ME, 303)
    codes, kept = second_factor.make_recovery_codes()
    auth.people.change_factor(current, "recovery codes made", auth.author(), recovery=kept)
    return _show_codes(codes, "")


def _show_codes(codes: list[str], sentence: str) -> Response | str:
    """Show new recovery codes, this once; without any say that the factor is on."""
    if codes:
        return render_template("recovery.html", codes=codes)
    flash(sentence, "good")
    return redirect(ME, 303)


def show_new_passkey() -> str:
    """Ask for a name, and let the browser make a passkey.

    The password comes before, on a page without a challenge: else a wrong one would leave a
    passkey in the browser that nobody knows here.
    """
    auth, current = console_auth(), current_session()
    can_ask = current.proved and auth.passkeys.party is not None
    return render_template(
        "passkey.html",
        party=auth.passkeys.party,
        options=auth.passkeys.creation_options(current) if can_ask else "",
        no_address=NO_ADDRESS,
        name=auth.visitor().browser,
        longest_name=MAX_NAME_CHARACTERS,
        needed=lacks_factor(),
    )


def go_to_new_passkey() -> Response:
    """Go on, now that the password is right."""
    return redirect(PASSKEYS, 303)


def add_passkey() -> Response | str:
    """Add the passkey that the browser made."""
    auth, current = console_auth(), current_session()
    codes = auth.passkeys.add(current, _field("name"), _field("credential"), auth.author())
    return _show_codes(codes, "Passkey added.")


def remove_passkey() -> Response:
    """Remove a passkey."""
    auth, current = console_auth(), current_session()
    name = auth.passkeys.remove(current, _field("passkey"), auth.author())
    is_last = not current.operator.totp_secret and not auth.passkeys.of(current.operator)
    flash(f"Removed {name}. {_OFF if is_last else ''}".strip(), "good")
    return redirect(ME, 303)


def _field(name: str) -> str:
    return request.form.get(name, "")


_OFF = "Two-step sign-in is off."
