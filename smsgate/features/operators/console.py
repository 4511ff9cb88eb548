"""The pages for signing in and out, of links that set a password, and of one's own account."""

from __future__ import annotations

from collections.abc import Callable

import pyotp
import segno
from flask import Flask, flash, g, redirect, render_template, request, session
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.domain.errors import Unfit
from smsgate.domain.time_zones import zone_names
from smsgate.features.operators import second_factor
from smsgate.features.operators.passkeys import NO_ADDRESS
from smsgate.features.operators.service import LINK_PATH, MAX_NAME_CHARACTERS
from smsgate.features.operators.sign_in import CODE_REFUSED
from smsgate.features.operators.single_sign_on import CALLBACK, SignInProvider
from smsgate.features.operators.storage import OperatorRow, SignInRefused
from smsgate.pipeline.services import Services
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
_OFF = "Two-step sign-in is off."


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
        ("GET", FACTOR, viewer(show_factor)),
        ("POST", FACTOR, viewer_again(turn_factor_on)),
        ("POST", f"{FACTOR}/off", viewer_again(turn_factor_off)),
        ("POST", f"{FACTOR}/recovery", viewer_again(renew_recovery_codes)),
        ("GET", PASSKEYS, viewer(show_new_passkey)),
        ("POST", f"{PASSKEYS}/password", viewer_again(go_to_new_passkey)),
        ("POST", PASSKEYS, viewer_again(add_passkey)),
        ("POST", f"{PASSKEYS}/remove", viewer_again(remove_passkey)),
    ):
        console.add_url_rule(path, None, view, methods=[method])


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
    passkeys, current = console_auth().passkeys, current_session(half=True)
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
    row, code = current_session(half=True).operator, _field("code")
    return _by_factor(row, lambda: console_auth().sign_in.accept_code(row, code))


def check_passkey() -> Response:
    """Check what the browser answered by a passkey."""
    current, answer = current_session(half=True), _field("credential")
    accept = console_auth().passkeys.accept
    return _by_factor(current.operator, lambda: accept(current, answer))


def _by_factor(row: OperatorRow, accept: Callable[[], str]) -> Response:
    auth = console_auth()
    return _go_on(row, auth.sign_in.by_factor(row, auth.visitor(), accept), is_whole=True)


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
    """Set the password, so that its owner can sign in with it; the first admin is in at once."""
    auth, visitor = console_auth(), console_auth().visitor()
    row = auth.people.linked(token)  # before any work is done for a password
    password = _new_password("password")
    if row is None:
        return _go_on(auth.sign_in.add_first(token, _field("name"), password, visitor.address))
    auth.sign_in.set_password(row, password, visitor.address, token)
    # Attackers at this address do not keep the link's holder from signing in.
    g.device = auth.sign_in.device_token(row, visitor)
    return _notice("Password set. Sign in with it.", IN)


def _new_password(field: str) -> str:
    """Return the new password of a form. Raises ``Unfit`` where it was typed differently."""
    if _field(field) != _field("repeated"):
        raise Unfit("The passwords differ: enter the same one twice.", field="repeated")
    return _field(field)


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
    """Show times in another zone (IANA) from now on, or in the browser's. Raises ``Unfit``."""
    auth, current, name = console_auth(), current_session(), _field("zone")
    if name and name not in zone_names():
        raise Unfit(
            f"There is no time zone {name[:40]!r}: choose one of the list, such as Europe/Berlin.",
            field="zone",
        )
    if name != current.operator.zone:
        auth.people.set_zone(current.operator, name, auth.author())
    return _notice("Time zone saved.", ME)


def change_password() -> Response:
    """Set another password; ends every session, and begins a new one here."""
    auth, row, password = console_auth(), current_session().operator, _new_password("new")
    prove()
    try:
        let_in(auth.sign_in.set_password(row, password, auth.visitor().address))
    except Unfit as error:
        error.field = "new"
        raise
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
    picture = segno.make(uri, error="m")
    return render_template(
        "factor.html",
        picture=picture.svg_data_uri(scale=5, border=3, dark="#000", light="#fff"),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        needed=lacks_factor(),
    )


def turn_factor_on() -> Response | str:
    """Turn codes of an authenticator on, by one of the secret that was offered."""
    row, offered = current_session().operator, session.get(_OFFERED, "")
    if row.totp_secret:
        return redirect(ME, 303)
    secret = second_factor.decrypt(offered, console_auth().secret_keys)
    step = second_factor.find_step(secret, _field("code")) if secret else None
    if step is None:
        raise SignInRefused(CODE_REFUSED, field="code")
    codes, kept = second_factor.first_recovery_codes(row.recovery)
    _change_factor("second factor on", totp_secret=offered, totp_step=step, recovery=kept)
    session.pop(_OFFERED, None)
    return _show_codes(codes, "Codes of your authenticator app are on.")


def turn_factor_off() -> Response:
    """Ask for no codes of an authenticator any more."""
    row = current_session().operator
    if row.totp_secret:
        rest = row.recovery if row.has_passkey else ""
        _change_factor("second factor off", totp_secret="", totp_step=0, recovery=rest)
    return _notice("Codes of the authenticator app are off." if row.has_passkey else _OFF, ME)


def renew_recovery_codes() -> Response | str:
    """Show new recovery codes."""
    if not current_session().operator.has_second_factor:
        return redirect(ME, 303)
    codes, kept = second_factor.make_recovery_codes()
    _change_factor("recovery codes made", recovery=kept)
    return _show_codes(codes, "")


def _change_factor(what: str, **values: str | int) -> None:
    """Change what this operator signs in with after the password; their other sessions end."""
    auth, current = console_auth(), current_session()
    row, keep = current.operator, current.digest
    with auth.people.changing(row, what, auth.author(), values=values, keep=keep):
        pass


def _show_codes(codes: list[str], sentence: str) -> Response | str:
    """Show new recovery codes, this once; without any say that the factor is on."""
    return render_template("recovery.html", codes=codes) if codes else _notice(sentence, ME)


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
    return _notice(f"Removed {name}. {_OFF if is_last else ''}".strip(), ME)


def _notice(sentence: str, path: str, tone: str = "good") -> Response:
    """Lead to a page that begins with a sentence."""
    flash(sentence, tone)
    return redirect(path, 303)


def _field(name: str) -> str:
    return request.form.get(name, "")
