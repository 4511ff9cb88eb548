"""The pages for signing in and out, of links that set a password, and of one's own account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

import pyotp
import segno
from flask import Flask, abort, flash, g, redirect, render_template, request, session
from sqlalchemy import Connection, delete, update
from werkzeug.wrappers import Response

from smsgate.domain.errors import RecordsUnavailable, Unfit
from smsgate.domain.time_zones import zone_names
from smsgate.features.operators import service
from smsgate.features.operators.factors import (
    APP,
    CODE_REFUSED,
    PASSKEY,
    add_credential,
    find_factors,
    find_step,
    new_recovery_codes,
)
from smsgate.features.operators.service import LINK_PATH, OperatorRow, SignInRefused, token_digest
from smsgate.features.operators.single_sign_on import SignInProvider
from smsgate.interface.values import typed_zone
from smsgate.records.tables import credentials, operators
from smsgate.web.console.auth import (
    FACTOR,
    IN,
    ME,
    NEXT,
    OUT,
    console_auth,
    current_session,
    forget_session,
    lacks_factor,
    let_in,
    needs,
    operator,
    session_token,
)
from smsgate.web.console.return_path import HOME, own_path

CODE, CALLBACK = f"{IN}/code", f"{IN}/provider/back"
_OFFERED = "factor"
"""In the cookie: the secret that is offered, encrypted."""
_COPIES_STAY = (
    "This browser has forgotten your session, but the session itself could not be ended: the "
    "records' database does not answer. A copy of its cookie works until it was not used for 30 "
    "minutes, 12 hours at most. To end it sooner, sign in when the database is back and look under "
    "Your account."
)


def register(console: Flask) -> None:
    """Add the routes.

    A link is opened by GET as often as previews and scanners like; only its form uses it up.
    """
    viewer, viewer_again = needs("viewer"), needs("viewer", again=True)
    for method, path, view in (
        ("GET", IN, show_sign_in),
        ("POST", IN, sign_in),
        ("GET", CODE, show_code),
        ("POST", CODE, check_factor),
        ("GET", f"{IN}/provider", go_to_provider),
        ("GET", CALLBACK, return_from_provider),
        ("POST", OUT, sign_out),
        ("GET", f"{LINK_PATH}<token>", show_password),
        ("POST", f"{LINK_PATH}<token>", set_password),
        ("GET", ME, viewer(show_account)),
        ("POST", f"{ME}/password", viewer(change_password)),
        ("POST", f"{ME}/sessions", viewer_again(end_session)),
        ("POST", f"{ME}/zone", viewer(choose_zone)),
        ("GET", FACTOR, viewer_again(show_factors)),
        ("POST", FACTOR, viewer_again(add_factor)),
        ("POST", f"{FACTOR}/remove", viewer_again(remove_factor)),
    ):
        console.add_url_rule(path, None, view, methods=[method])


# --- in and out ---------------------------------------------------------------------------------


def show_sign_in() -> Response | str:
    """Ask for name and password; ``next`` of the address is where to go on."""
    wanted = own_path(request.args.get("next", ""))
    if operator() is not None and (NEXT not in session or current_session().is_fresh):
        return redirect(wanted or HOME, 303)
    if wanted:
        session[NEXT] = wanted
    auth = console_auth()
    provider = auth.provider.name if auth.provider else ""
    nobody = not service.find_operators(auth.people.database)
    return render_template("sign_in.html", nobody=nobody, provider=provider)


def sign_in() -> Response:
    """Check name and password; where there is a second factor, go on to its page."""
    auth = console_auth()
    return _go_on(auth.sign_in.by_password(_field("name"), _field("password"), auth.visitor()))


def go_to_provider() -> Response:
    """Lead to the provider of single sign-on."""
    return _provider().redirect(CALLBACK)


def return_from_provider() -> Response:
    """Sign in whom the provider names; where there is a second factor, go on to its page."""
    auth = console_auth()
    return _go_on(
        auth.sign_in.by_provider(*_provider().person(), auth.visitor()), "by single sign-on"
    )


def show_code() -> str:
    """Ask for the second factor: a passkey, a code, or a recovery code."""
    auth, current = console_auth(), current_session(half=True)
    kinds = {one.kind for one in find_factors(auth.people.database, current.operator)}
    asked = {}
    if PASSKEY in kinds:
        passkeys = auth.passkeys
        asked = {"origin": passkeys.origin, "options": passkeys.request_options(current)}
    return render_template("code.html", has_app=APP in kinds, **asked)


def check_factor() -> Response:
    """Check what the browser answered by a passkey, or a code of an app, or a recovery code."""
    auth, current = console_auth(), current_session(half=True)
    row, credential = current.operator, _field("credential")
    with auth.sign_in.counting_factors(row, auth.visitor()):
        if credential:
            note = auth.passkeys.accept(current, credential)
        else:
            note = auth.factors.accept_code(row, _field("code"))
    return _go_on(row, note, is_whole=True)


def _go_on(row: OperatorRow, note: str = "", *, is_whole: bool = False) -> Response:
    """Let somebody in, and lead to the page that was wanted: one of ours, for we noted it.

    Who has a second factor comes in half, to its page, unless the session ``is_whole`` by it.
    """
    is_half = row.has_second_factor and not is_whole
    path = CODE if is_half else own_path(str(session.get(NEXT, ""))) or HOME
    let_in(row, None if is_half else note)
    return redirect(path, 303)


def sign_out() -> Response:
    """End the session of this browser, which forgets it also while the records are away."""
    sessions, token = console_auth().sessions, session_token()
    forget_session()
    try:
        known = sessions.find(token) if token else None
        if known is not None:
            sessions.end(known, known.digest)
    except RecordsUnavailable:
        g.known = None  # the page is that of nobody
        page = render_template("problem.html", title="Signed out here", sentence=_COPIES_STAY)
        return Response(page, 503, content_type="text/html; charset=utf-8")
    return _notice("Signed out.", IN)


def show_password(token: str) -> str:
    """Ask for a new password."""
    return render_template("password.html", row=console_auth().people.linked(token))


def set_password(token: str) -> Response:
    """Set the password, and let its owner in."""
    auth, row = console_auth(), console_auth().people.linked(token)  # before any work is done
    given = (_new_password(), auth.visitor().address, token)
    return _go_on(auth.people.set_password(row, *given), "by a link")


# --- one's own account --------------------------------------------------------------------------


def show_account() -> str:
    """Show the second factors, the sessions, and the form for another password."""
    auth, current = console_auth(), current_session()
    return render_template(
        "me.html",
        found=current,
        sessions=auth.sessions.of(current.operator),
        factors=find_factors(auth.people.database, current.operator),
        codes_left=service.recovery_codes_left(auth.people.database, current.operator),
        zones=[("", "The browser’s"), *((one, one.replace("_", " ")) for one in zone_names())],
    )


def choose_zone() -> Response:
    """Show times in another zone (IANA) from now on, or in the browser's. Raises ``Unfit``."""
    typed_zone(_field("zone"), UTC)
    mine = update(operators).where(operators.c.id == current_session().operator.id)
    with console_auth().people.database.writing() as connection:
        connection.execute(mine.values(zone=_field("zone")))
    return _notice("Time zone saved.", ME)


def change_password() -> Response:
    """Set another password; ends every session, and begins one here as a sign-in does."""
    auth, row, password = console_auth(), current_session().operator, _new_password()
    auth.sign_in.by_password(row.name, _field("password"), auth.visitor())
    session[NEXT] = ME
    answer = _go_on(auth.people.set_password(row, password, auth.visitor().address))
    flash("Password changed. You are signed out everywhere else.", "good")
    return answer


def end_session() -> Response:
    """End one of one's sessions."""
    try:
        console_auth().sessions.end(current_session(), bytes.fromhex(_field("session")))
    except ValueError:
        raise Unfit("This session no longer exists: reload the page.") from None
    return _notice("Signed out of that session.", ME)


def show_factors() -> str:
    """Let the browser make a passkey, or offer the secret of an app as a QR code.

    It is the same secret until a code shows that it has arrived.
    """
    auth, current = console_auth(), current_session()
    secret = auth.factors.decrypt(session.get(_OFFERED, "")) or pyotp.random_base32()
    session[_OFFERED] = auth.factors.encrypt(secret).decode()
    uri = pyotp.TOTP(secret).provisioning_uri(name=current.operator.name, issuer_name="smsgate")
    picture = segno.make(uri, error="m")
    return render_template(
        "factor.html",
        needed=lacks_factor(),
        origin=auth.passkeys.origin,
        options=auth.passkeys.creation_options(current),
        name=auth.visitor().browser,
        longest_name=service.MAX_NAME_CHARACTERS,
        picture=picture.svg_data_uri(scale=5, border=3, dark="#000", light="#fff"),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    )


def add_factor() -> str:
    """Add the passkey that the browser made, or the app that made a code of the offered secret.

    Shows new recovery codes, this once.
    """
    auth, current, credential = console_auth(), current_session(), _field("credential")
    values: dict[str, object]
    if credential:
        name = " ".join(_field("name").split())
        if not 0 < len(name) <= service.MAX_NAME_CHARACTERS or not name.isprintable():
            raise Unfit(
                f"Use a name of 1 to {service.MAX_NAME_CHARACTERS} characters.", field="name"
            )
        values = {"name": name, **auth.passkeys.new(current, credential)}
    else:
        secret = auth.factors.decrypt(session.get(_OFFERED, ""))
        step = find_step(secret, _field("code")) if secret else None
        if secret is None or step is None:
            raise SignInRefused(CODE_REFUSED, field="code")
        sealed = {"secret": auth.factors.encrypt(secret), "id": token_digest(secret)}
        values = {"name": "Authenticator app", "kind": APP, "counter": step, **sealed}
    with _changing("second factor added", str(values["name"])) as connection:
        if not add_credential(connection, current.operator, values):
            raise Unfit("That is registered already: use another one.")
        codes = new_recovery_codes(connection, current.operator)
    session.pop(_OFFERED, None)
    return render_template("recovery.html", codes=codes)


def remove_factor() -> Response:
    """Remove an authenticator app or a passkey, and the recovery codes with the last one."""
    row = current_session().operator
    mine = find_factors(console_auth().people.database, row)
    found = next((one for one in mine if one.id.hex() == _field("factor")), None)
    if found is None:
        raise Unfit("This no longer exists: reload the page.")
    is_last = len(mine) == 1
    with _changing("second factor removed", found.name) as connection:
        connection.execute(delete(credentials).where(credentials.c.id == found.id))
        if is_last:
            service.issue(connection, service.RECOVERY, row.id, [], 0)
    return _notice(f"Removed {found.name}.{' Two-step sign-in is off.' if is_last else ''}", ME)


@contextmanager
def _changing(what: str, note: str) -> Iterator[Connection]:
    """A transaction that changes how this person signs in; their other sessions end."""
    auth, current = console_auth(), current_session()
    change = (current.operator, what, auth.author(), note)
    with auth.people.changing(*change, keep=current.digest) as connection:
        yield connection


def _provider() -> SignInProvider:
    return console_auth().provider or abort(404)


def _new_password() -> str:
    """Return the new password of a form. Raises ``Unfit`` where it was typed differently."""
    if _field("new") != _field("repeated"):
        raise Unfit("The passwords differ: enter the same one twice.", field="repeated")
    return _field("new")


def _notice(sentence: str, path: str) -> Response:
    """Lead to a page that begins with a sentence."""
    flash(sentence, "good")
    return redirect(path, 303)


def _field(name: str) -> str:
    return request.form.get(name, "")
