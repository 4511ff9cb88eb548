"""The pages for signing in and out, the operator's own account, and the operators."""

from __future__ import annotations

from dataclasses import replace

import segno
from flask import (
    Flask,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask import Response as FlaskResponse
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.domain.errors import CallFailed, SignInRefused, Unfit
from smsgate.features.operators import second_factor
from smsgate.features.operators.service import LINK_S, ROLES, ActionAuthor, make_action, now_us
from smsgate.features.operators.sign_in import CODE_REFUSED, NewSession
from smsgate.mail import send_email
from smsgate.pipeline.services import Services
from smsgate.settings.alerts import EMAIL_ADDRESS
from smsgate.web.console.auth import (
    FACTOR,
    IN,
    ME,
    NEXT,
    OUT,
    actor,
    console_auth,
    current_session,
    lacks_factor,
    needs,
    operator,
)
from smsgate.web.console.return_path import HOME, own_path

CODE = f"{IN}/code"
PROVIDER = f"{IN}/provider"
"""Leads to the provider of single sign-on."""
CALLBACK = f"{PROVIDER}/back"
"""Where the provider leads back to."""
FIRST = "/console/first/<token>"
PASSWORD = "/console/password/<token>"  # noqa: S105 - a path
PEOPLE = "/console/people"
PAGE_SIZE = 50
"""Actions on one page."""
_INVITATION = """Hello {name},

{by} gave you access to smsgate. This link sets your password, once, within {hours} hours:

{link}

If you do not expect this, tell {by} and do not open it.
"""
_OFFERED = "factor"
"""In the form's cookie: the secret that is offered, encrypted."""


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes.

    A link is opened by GET as often as previews and scanners like; only its form uses it up.
    """
    viewer, viewer_again = needs("viewer"), needs("viewer", again=True)
    admin, admin_again = needs("admin"), needs("admin", again=True)
    for path, endpoint, view in (
        (IN, "sign_in", show_sign_in),
        (CODE, "code", show_code),
        (PROVIDER, "to_provider", go_to_provider),
        (CALLBACK, "from_provider", return_from_provider),
        (FIRST, "first", show_first),
        (PASSWORD, "password", show_password),
        (ME, "me", viewer(show_account)),
        (FACTOR, "factor", viewer(show_factor)),
        (PEOPLE, "everybody", admin(show_operators)),
    ):
        console.get(path, endpoint=endpoint)(view)
    for path, endpoint, change in (
        (IN, "signed_in", sign_in),
        (CODE, "code_given", check_code),
        (OUT, "out", sign_out),
        (FIRST, "become_first", become_first),
        (PASSWORD, "password_set", set_password),
        (f"{ME}/password", "change_password", viewer(change_password)),
        (f"{ME}/sessions", "end_session", viewer(end_session)),
        (FACTOR, "factor_on", viewer_again(turn_factor_on)),
        (f"{FACTOR}/off", "factor_off", viewer_again(turn_factor_off)),
        (f"{FACTOR}/recovery", "new_recovery", viewer_again(renew_recovery_codes)),
        (f"{PEOPLE}/add", "add", admin_again(add)),
        (f"{PEOPLE}/reset", "reset", admin_again(reset)),
        (f"{PEOPLE}/role", "give_role", admin_again(set_role)),
        (f"{PEOPLE}/end", "end", admin_again(deactivate)),
    ):
        console.post(path, endpoint=endpoint)(change)


# --- signing in and out --------------------------------------------------------------------------


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
        return auth.provider.redirect(f"{auth.origin}{CALLBACK}")
    except SignInRefused as error:
        return _back_to_sign_in(error)


def return_from_provider() -> Response:
    """Sign in whom the provider names; where there is a second factor, go on to its page."""
    auth = console_auth()
    if auth.provider is None:
        raise NotFound
    try:
        person = auth.provider.person()
        return _go_on(auth.sign_in.by_provider(person, auth.visitor(), auth.cookies.token))
    except SignInRefused as error:
        return _back_to_sign_in(error)


def _back_to_sign_in(error: SignInRefused) -> Response:
    flash(str(error), "bad")
    return redirect(IN, 303)


def show_code() -> Response | str:
    """Ask for the code of the second factor."""
    return render_template("code.html") if _is_half() else redirect(IN, 303)


def check_code() -> Response:
    """Check the code of the second factor."""
    if not _is_half():
        return redirect(IN, 303)
    auth = console_auth()
    return _go_on(auth.sign_in.by_code(current_session(), _field("code"), auth.visitor()))


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
    auth, visitor, password = console_auth(), console_auth().visitor(), _new_password("password")
    row = auth.own_account.become_first(token, _field("name"), password, visitor.address)
    return _go_on(auth.sign_in.begin(row, visitor, auth.cookies.token))


def show_password(token: str) -> str:
    """Ask for a new password."""
    return render_template("password.html", name=console_auth().own_account.find_linked(token).name)


def set_password(token: str) -> Response:
    """Set the password, so that its owner can sign in with it."""
    auth, visitor = console_auth(), console_auth().visitor()
    auth.own_account.find_linked(token)
    row = auth.own_account.set_by_link(token, _new_password("password"), visitor.address)
    flash("Password set. Sign in with it.", "good")
    answer = make_response(redirect(IN, 303))
    # Attackers at this address do not keep the link's holder from signing in.
    auth.cookies.set_device(answer, auth.sign_in.device_token(row, visitor))
    return answer


def _go_on(new: NewSession) -> Response:
    """Lead to the second page, or to the page that was wanted: one of ours, for we noted it."""
    path = CODE if new.half else own_path(str(session.get(NEXT, ""))) or HOME
    return _let_in(make_response(redirect(path, 303)), new)


def _let_in(answer: FlaskResponse, new: NewSession) -> Response:
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
    return g.known is not None and g.known.session.half


def _field(name: str) -> str:
    return request.form.get(name, "")


def _new_password(field: str) -> str:
    """Return the new password of a form. Raises ``Unfit`` where it was typed differently."""
    if _field(field) != _field("repeated"):
        raise Unfit("The passwords differ: enter the same one twice.", field="repeated")
    return _field(field)


# --- the operator's own account ------------------------------------------------------------------


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
    password = _new_password("new")
    auth.sign_in.prove(current, _field("password"), visitor)
    try:
        row = auth.own_account.change_password(current.operator, password, visitor.address)
    except Unfit as error:
        error.field = "new"
        raise
    answer = _let_in(make_response(redirect(ME, 303)), auth.sign_in.begin(row, visitor))
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


# --- operators -----------------------------------------------------------------------------------


def show_operators(**values: str) -> str:
    """Show everybody, and what was done about signing in."""
    auth, before = console_auth(), request.args.get("before", "")
    actions = auth.actions.newest(before, PAGE_SIZE + 1)
    return render_template(
        "people.html",
        people=auth.operators.all(),
        roles=ROLES,
        now=now_us(),
        actions=actions[:PAGE_SIZE],
        older=actions[PAGE_SIZE - 1].id if len(actions) > PAGE_SIZE else "",
        before=before,
        sends_mail=auth.mailbox is not None,
        has_provider=auth.provider.name if auth.provider else "",
        **values,
    )


def add() -> Response | str:
    """Add an operator; send the link to set their password, or show it."""
    auth, address = console_auth(), _address()
    origin = auth.origin
    return _hand_over(
        origin + auth.operators.add(_field("name"), _field("role"), _author(), address), address
    )


def reset() -> Response | str:
    """Remove an operator's password; send the link to set a new one, or show it."""
    auth, also, address = console_auth(), _field("second_factor") == "yes", _address()
    origin = auth.origin
    return _hand_over(
        origin + auth.operators.reset(_field("name"), _author(), second_factor=also, email=address),
        address,
    )


def set_role() -> Response:
    """Give an operator another role."""
    name, role = _field("name"), _field("role")
    console_auth().operators.set_role(name, role, _author())
    flash(f"{name} now has the role {role} and must sign in again.", "good")
    return redirect(PEOPLE, 303)


def deactivate() -> Response:
    """Deactivate an operator."""
    name = _field("name")
    console_auth().operators.deactivate(name, _author())
    flash(f"Deactivated {name}: signed out everywhere, and can no longer sign in.", "good")
    return redirect(PEOPLE, 303)


def _address() -> str:
    """Return a person's e-mail address; empty where none was typed. Raises ``Unfit``."""
    address, auth = _field("email").strip(), console_auth()
    if address and auth.mailbox is None and auth.provider is None:
        raise Unfit(
            "Neither a mail server nor single sign-on is configured: leave this empty.",
            field="email",
        )
    if address and not EMAIL_ADDRESS.fullmatch(address):
        raise Unfit("This is no e-mail address: write it as maria@example.com.", field="email")
    return address


def _hand_over(link: str, address: str) -> Response | str:
    """Send a link by e-mail. Show it this once if there is no address, or the server fails."""
    auth, name, hours, problem = console_auth(), _field("name"), str(LINK_S // 3600), ""
    if address and auth.mailbox is not None:
        try:
            send_email(
                replace(auth.mailbox, to=(address,)),
                "Your link to sign in to smsgate",
                _INVITATION.format(name=name, by=actor(), hours=hours, link=link),
            )
        except CallFailed as error:
            problem = f"The link was not sent to {address}: {error}. Send it yourself."
        else:
            named = auth.operators.named(name).name
            auth.actions.add(make_action("link sent by e-mail", named, _author(), address))
            flash(f"Sent a link to {address}. It sets the password once.", "good")
            return redirect(PEOPLE, 303)
    # Shown this once, so it is no redirect.
    return show_operators(link=link, named=name, hours=hours, problem=problem)


def _author() -> ActionAuthor:
    return ActionAuthor(actor(), console_auth().visitor().address)
