"""The pages of the operator's own account: password, sessions, and the second factor."""

from __future__ import annotations

import segno
from flask import Flask, flash, make_response, redirect, render_template, request, session
from werkzeug.wrappers import Response

from smsgate.domain.errors import Unfit
from smsgate.domain.time_zones import zone_names
from smsgate.features.operators import second_factor
from smsgate.features.operators.errors import SignInRefused
from smsgate.features.operators.passkeys import MAX_NAME_CHARACTERS, NO_ADDRESS, show_id
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

PASSKEYS = f"{ME}/passkeys"
_OFFERED = "factor"
"""In the form's cookie: the secret that is offered, encrypted."""
_OFF = "Two-step sign-in is off."


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes."""
    viewer, viewer_again = needs("viewer"), needs("viewer", again=True)
    for path, endpoint, view in (
        (ME, "me", viewer(show_account)),
        (FACTOR, "factor", viewer(show_factor)),
        (PASSKEYS, "passkey", viewer(show_new_passkey)),
    ):
        console.get(path, endpoint=endpoint)(view)
    for path, endpoint, change in (
        (f"{ME}/password", "change_password", viewer(change_password)),
        (f"{ME}/sessions", "end_session", viewer(end_session)),
        (f"{ME}/zone", "choose_zone", viewer(choose_zone)),
        (FACTOR, "factor_on", viewer_again(turn_factor_on)),
        (f"{FACTOR}/off", "factor_off", viewer_again(turn_factor_off)),
        (f"{FACTOR}/recovery", "new_recovery", viewer_again(renew_recovery_codes)),
        (f"{PASSKEYS}/password", "passkey_password", viewer_again(go_to_new_passkey)),
        (PASSKEYS, "passkey_added", viewer_again(add_passkey)),
        (f"{PASSKEYS}/name", "passkey_named", viewer(rename_passkey)),
        (f"{PASSKEYS}/remove", "passkey_removed", viewer_again(remove_passkey)),
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
        passkeys=[(show_id(one), one) for one in console_auth().passkeys.of(row)],
        longest_name=MAX_NAME_CHARACTERS,
        zones=[("", "The browser’s"), *((one, one.replace("_", " ")) for one in zone_names())],
    )


def choose_zone() -> Response:
    """Show times in another zone from now on."""
    auth, row = console_auth(), current_session().operator
    auth.own_account.choose_zone(row, _field("zone"), auth.visitor().address)
    flash("Time zone saved.", "good")
    return redirect(ME, 303)


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
    session.pop(_OFFERED, None)
    return _after_new_factor(codes, "Codes of your authenticator app are on.")


def _after_new_factor(codes: list[str], sentence: str) -> Response:
    """Show new recovery codes, this once. The first factor signs out every other session."""
    auth, current = console_auth(), current_session()
    if not current.operator.has_second_factor:
        auth.sessions.end_others(current, auth.visitor())
    if codes:
        return make_response(render_template("recovery.html", codes=codes))
    flash(sentence, "good")
    return redirect(ME, 303)


def turn_factor_off() -> Response:
    """Ask for no codes of an authenticator any more."""
    auth, row = console_auth(), current_session().operator
    auth.own_account.turn_factor_off(row, auth.visitor().address)
    said = "Codes of the authenticator app are off." if row.has_passkey else _OFF
    flash(said, "good")
    return redirect(ME, 303)


def renew_recovery_codes() -> Response:
    """Show new recovery codes, this once."""
    auth, row = console_auth(), current_session().operator
    if not row.has_second_factor:
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


# --- passkeys ------------------------------------------------------------------------------------


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


def add_passkey() -> Response:
    """Add the passkey that the browser made."""
    auth, current = console_auth(), current_session()
    address = auth.visitor().address
    codes = auth.passkeys.add(current, _field("name"), _field("credential"), address)
    return _after_new_factor(codes, "Passkey added.")


def rename_passkey() -> Response:
    """Give a passkey another name."""
    auth, row = console_auth(), current_session().operator
    auth.passkeys.rename(row, _field("passkey"), _field("name"), auth.visitor().address)
    flash("Passkey renamed.", "good")
    return redirect(ME, 303)


def remove_passkey() -> Response:
    """Remove a passkey."""
    auth, row = console_auth(), current_session().operator
    removed = auth.passkeys.remove(row, _field("passkey"), auth.visitor().address)
    is_last = not row.totp_secret and not auth.passkeys.of(row)
    flash(f"Removed {removed.name}. {_OFF if is_last else ''}".strip(), "good")
    return redirect(ME, 303)


def _field(name: str) -> str:
    return request.form.get(name, "")
