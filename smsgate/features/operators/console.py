"""The pages for signing in and out, of links that set a password, and of one's own account."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pyotp
import segno
import webauthn
from flask import Flask, flash, g, redirect, render_template, request, session
from sqlalchemy import Connection, delete, update
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.domain.errors import Unfit
from smsgate.domain.time_zones import zone_names
from smsgate.features.operators.factors import (
    APP,
    CODE_REFUSED,
    NO_ADDRESS,
    PASSKEY,
    add_credential,
    find_step,
    new_recovery_codes,
)
from smsgate.features.operators.service import (
    LINK_PATH,
    MAX_NAME_CHARACTERS,
    RECOVERY,
    OperatorRow,
    SignInRefused,
    find_operators,
    log_action,
    new_row,
    token_digest,
)
from smsgate.features.operators.single_sign_on import CALLBACK, SignInProvider
from smsgate.pipeline.services import Services
from smsgate.records.console_tables import credentials, operators
from smsgate.web.console.auth import (
    FACTOR,
    IN,
    ME,
    NEXT,
    OUT,
    console_auth,
    current_session,
    lacks_factor,
    let_in,
    needs,
    operator,
    prove,
)
from smsgate.web.console.return_path import HOME, own_path

CODE = f"{IN}/code"
PASSKEYS = f"{ME}/passkeys"
_OFFERED = "factor"
"""In the cookie: the secret that is offered, encrypted."""


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes.

    A link is opened by GET as often as previews and scanners like; only its form uses it up.
    """
    viewer, viewer_again = needs("viewer"), needs("viewer", again=True)
    for method, path, view in (
        ("GET", IN, show_sign_in),
        ("POST", IN, sign_in),
        ("GET", CODE, show_code),
        ("POST", CODE, check_code),
        ("POST", f"{IN}/passkey", check_passkey),
        ("GET", f"{IN}/provider", go_to_provider),
        ("GET", CALLBACK, return_from_provider),
        ("POST", OUT, sign_out),
        ("GET", f"{LINK_PATH}<token>", show_password),
        ("POST", f"{LINK_PATH}<token>", set_password),
        ("GET", ME, viewer(show_account)),
        ("POST", f"{ME}/password", viewer(change_password)),
        ("POST", f"{ME}/sessions", viewer(end_session)),
        ("POST", f"{ME}/zone", viewer(choose_zone)),
        ("GET", FACTOR, viewer(show_app)),
        ("POST", FACTOR, viewer_again(add_app)),
        ("POST", f"{FACTOR}/remove", viewer_again(remove_factor)),
        ("POST", f"{FACTOR}/recovery", viewer_again(renew_recovery_codes)),
        ("GET", PASSKEYS, viewer(show_passkey)),
        ("POST", PASSKEYS, viewer_again(add_passkey)),
    ):
        console.add_url_rule(path, None, view, methods=[method])


# --- in and out ---------------------------------------------------------------------------------


def show_sign_in() -> Response | str:
    """Ask for name and password; ``next`` of the address is where to go on."""
    wanted = own_path(request.args.get("next", ""))
    if operator() is not None:
        return redirect(wanted or HOME, 303)
    if wanted:
        session[NEXT] = wanted
    auth = console_auth()
    provider = auth.provider.name if auth.provider else ""
    return render_template(
        "sign_in.html", nobody=not find_operators(auth.people.database), provider=provider
    )


def sign_in() -> Response:
    """Check name and password; where there is a second factor, go on to its page."""
    auth = console_auth()
    return _go_on(auth.sign_in.by_password(_field("name"), _field("password"), auth.visitor()))


def go_to_provider() -> Response:
    """Lead to the provider of single sign-on."""
    return _asking(lambda provider: provider.redirect())


def return_from_provider() -> Response:
    """Sign in whom the provider names; where there is a second factor, go on to its page."""
    auth = console_auth()

    def enter(provider: SignInProvider) -> Response:
        row = auth.sign_in.by_provider(*provider.person(), auth.visitor())
        return _go_on(row, "by single sign-on")

    return _asking(enter)


def _asking(ask: Callable[[SignInProvider], Response]) -> Response:
    provider = console_auth().provider
    if provider is None:
        raise NotFound
    try:
        return ask(provider)
    except SignInRefused as error:
        return _notice(str(error), IN, "bad")


def show_code() -> str:
    """Ask for the second factor: a passkey, a code, or a recovery code."""
    factors, current = console_auth().factors, current_session(half=True)
    return render_template(
        "code.html",
        has_app=bool(factors.of(current.operator, APP)),
        has_passkey=bool(factors.of(current.operator, PASSKEY)),
        party=factors.party,
        options=factors.request_options(current),
        no_address=NO_ADDRESS,
    )


def check_code() -> Response:
    """Check a code of an authenticator app, or a recovery code."""
    auth, row = console_auth(), current_session(half=True).operator
    with auth.sign_in.counting_factors(row, auth.visitor()):
        note = auth.factors.accept_code(row, _field("code"))
    return _go_on(row, note, is_whole=True)


def check_passkey() -> Response:
    """Check what the browser answered by a passkey."""
    auth, current = console_auth(), current_session(half=True)
    with auth.sign_in.counting_factors(current.operator, auth.visitor()):
        note = auth.factors.accept_passkey(current, _field("credential"))
    return _go_on(current.operator, note, is_whole=True)


def _go_on(row: OperatorRow, note: str = "", *, is_whole: bool = False) -> Response:
    """Let somebody in, and lead to the page that was wanted: one of ours, for we noted it.

    Who has a second factor comes in half, to its page, unless the session ``is_whole`` by it.
    """
    is_half = row.has_second_factor and not is_whole
    path = CODE if is_half else own_path(str(session.get(NEXT, ""))) or HOME
    let_in(row, None if is_half else note)
    return redirect(path, 303)


def sign_out() -> Response:
    """End the session of this browser."""
    if g.known is not None:
        console_auth().sessions.end(g.known, g.known.digest)
    session.clear()
    return _notice("Signed out.", IN)


def show_password(token: str) -> str:
    """Ask for a new password, and for the name of the first admin."""
    return render_template("password.html", row=console_auth().people.linked(token))


def set_password(token: str) -> Response:
    """Set the password, and let its owner in."""
    auth, found = console_auth(), console_auth().people.linked(token)  # before any work is done
    row, password = found or new_row(_field("name"), "admin"), _new_password()
    setting = (row, password, auth.visitor().address, token)
    return _go_on(auth.sign_in.set_password(*setting, first=found is None), "by a link")


# --- one's own account --------------------------------------------------------------------------


def show_account() -> str:
    """Show the second factors, the sessions, and the form for another password."""
    auth, current = console_auth(), current_session()
    return render_template(
        "me.html",
        found=current,
        sessions=auth.sessions.of(current.operator),
        factors=auth.factors.of(current.operator, APP, PASSKEY),
        codes_left=len(auth.factors.of(current.operator, RECOVERY)),
        zones=[("", "The browser’s"), *((one, one.replace("_", " ")) for one in zone_names())],
    )


def choose_zone() -> Response:
    """Show times in another zone (IANA) from now on, or in the browser's. Raises ``Unfit``."""
    auth, row, name = console_auth(), current_session().operator, _field("zone")
    if name and name not in zone_names():
        raise Unfit(
            f"There is no time zone {name[:40]!r}: choose one of the list, such as Europe/Berlin.",
            field="zone",
        )
    if name != row.zone:
        with auth.people.database.writing() as connection:
            connection.execute(update(operators).where(operators.c.id == row.id).values(zone=name))
            note = name or "the browser's"
            log_action(connection, "time zone changed", row.name, auth.author(), note)
    return _notice("Time zone saved.", ME)


def change_password() -> Response:
    """Set another password; ends every session, and begins a new one here."""
    auth, row, password = console_auth(), current_session().operator, _new_password()
    prove()
    let_in(auth.sign_in.set_password(row, password, auth.visitor().address))
    return _notice("Password changed. You are signed out everywhere else.", ME)


def end_session() -> Response:
    """End one of one's sessions, or all but this one."""
    auth, current, which = console_auth(), current_session(), _field("session")
    if which == "others":
        auth.sessions.end(current, current.digest, others=True)
        return _notice("Signed out everywhere else.", ME)
    try:
        auth.sessions.end(current, bytes.fromhex(which))
    except ValueError:
        raise Unfit("This session no longer exists: reload the page.") from None
    return _notice("Signed out of that session.", ME)


def show_app() -> str:
    """Offer a secret as a QR code, the same one until a code shows that it has arrived."""
    factors, row = console_auth().factors, current_session().operator
    secret = factors.decrypt(session.get(_OFFERED, ""))
    if secret is None:
        secret = pyotp.random_base32()
        session[_OFFERED] = factors.encrypt(secret).decode()
    uri = pyotp.TOTP(secret).provisioning_uri(name=row.name, issuer_name="smsgate")
    picture = segno.make(uri, error="m")
    return render_template(
        "factor.html",
        picture=picture.svg_data_uri(scale=5, border=3, dark="#000", light="#fff"),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        needed=lacks_factor(),
    )


def add_app() -> Response | str:
    """Add the authenticator app that made a code of the secret that was offered."""
    factors = console_auth().factors
    secret = factors.decrypt(session.get(_OFFERED, ""))
    step = find_step(secret, _field("code")) if secret else None
    if secret is None or step is None:
        raise SignInRefused(CODE_REFUSED, field="code")
    values = {"id": token_digest(secret), "secret": factors.encrypt(secret), "counter": step}
    answer = _add_factor(APP, "Authenticator app", **values)
    session.pop(_OFFERED, None)
    return answer


def show_passkey() -> str:
    """Ask for a name, and let the browser make a passkey.

    The password comes before, on a page without a challenge: else a wrong one would leave a
    passkey in the browser that nobody knows here.
    """
    auth, current = console_auth(), current_session()
    return render_template(
        "passkey.html",
        party=auth.factors.party,
        options=auth.factors.creation_options(current) if current.proved else "",
        no_address=NO_ADDRESS,
        name=auth.visitor().browser,
        longest_name=MAX_NAME_CHARACTERS,
        needed=lacks_factor(),
    )


def add_passkey() -> Response | str:
    """Add the passkey that the browser made; go on to making it, now that the password is right."""
    answer, name = _field("credential"), " ".join(_field("name").split())
    if not answer:
        return redirect(PASSKEYS, 303)
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise Unfit(f"Use a name of 1 to {MAX_NAME_CHARACTERS} characters.", field="name")
    with console_auth().factors.expected(current_session()) as expected:
        made = webauthn.verify_registration_response(credential=answer, **expected)
    values = {"id": made.credential_id, "secret": made.credential_public_key}
    return _add_factor(PASSKEY, name, **values, counter=made.sign_count)


def _add_factor(kind: str, name: str, **values: object) -> Response | str:
    """Add a factor; shows new recovery codes, this once, if there are none."""
    row, factors = current_session().operator, console_auth().factors
    left = factors.of(row, RECOVERY)
    with _changing("second factor added", name) as connection:
        if not add_credential(connection, row, kind, {"name": name, **values}):
            raise Unfit("That is registered already: use another one.")
        codes = [] if left else new_recovery_codes(connection, row)
    if not codes:
        return _notice(f"{name} added.", ME)
    return render_template("recovery.html", codes=codes)


def remove_factor() -> Response:
    """Remove an authenticator app or a passkey, and the recovery codes with the last one."""
    row, kept = current_session().operator, credentials.c
    mine = console_auth().factors.of(row, APP, PASSKEY)
    found = next((one for one in mine if one.id.hex() == _field("factor")), None)
    if found is None:
        raise Unfit("This no longer exists: reload the page.")
    is_last = len(mine) == 1
    which = kept.operator_id == row.id if is_last else kept.id == found.id
    with _changing("second factor removed", found.name) as connection:
        connection.execute(delete(credentials).where(which))
    return _notice(f"Removed {found.name}.{' Two-step sign-in is off.' if is_last else ''}", ME)


def renew_recovery_codes() -> Response | str:
    """Show new recovery codes."""
    row = current_session().operator
    if not row.has_second_factor:
        return redirect(ME, 303)
    with _changing("new recovery codes") as connection:
        codes = new_recovery_codes(connection, row)
    return render_template("recovery.html", codes=codes)


def _changing(what: str, note: str = "") -> AbstractContextManager[Connection]:
    """A transaction that changes how this person signs in; their other sessions end."""
    auth, current = console_auth(), current_session()
    change = (current.operator, what, auth.author(), note)
    return auth.people.changing(*change, keep=current.digest)


def _new_password() -> str:
    """Return the new password of a form. Raises ``Unfit`` where it was typed differently."""
    if _field("new") != _field("repeated"):
        raise Unfit("The passwords differ: enter the same one twice.", field="repeated")
    return _field("new")


def _notice(sentence: str, path: str, tone: str = "good") -> Response:
    """Lead to a page that begins with a sentence."""
    flash(sentence, tone)
    return redirect(path, 303)


def _field(name: str) -> str:
    return request.form.get(name, "")
