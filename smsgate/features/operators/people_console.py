"""The page of the operators, for admins: who may sign in, and as what."""

from __future__ import annotations

from flask import Flask, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from smsgate.domain.errors import CallFailed, Unfit
from smsgate.features.operators.service import LINK_S
from smsgate.features.operators.storage import ROLES, log_action
from smsgate.notifications import send_email
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import actor, console_auth, needs

PEOPLE = "/console/people"
_EMAIL = """Hello {name},

{by} {did}. To set your password, open this link within {hours} hours. It works once:

{link}

If you did not expect this e-mail, do not open the link, and tell {by}.
"""


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes."""
    console.get(PEOPLE, endpoint="everybody")(needs("admin")(show_operators))
    admin_again = needs("admin", again=True)
    for path, endpoint, change in (
        (f"{PEOPLE}/add", "add", add),
        (f"{PEOPLE}/reset", "reset", reset),
        (f"{PEOPLE}/role", "give_role", set_role),
        (f"{PEOPLE}/end", "end", deactivate),
    ):
        console.post(path, endpoint=endpoint)(admin_again(change))


def show_operators(**values: str) -> str:
    """Show everybody."""
    auth = console_auth()
    return render_template(
        "people.html",
        people=auth.people.all(),
        roles=ROLES,
        sends_mail=auth.mailbox is not None,
        has_provider=auth.provider.name if auth.provider else "",
        **values,
    )


def add() -> Response | str:
    """Add an operator; send the link to set their password, or show it."""
    auth, address = console_auth(), _address()
    origin = auth.origin
    path = auth.people.add(_field("name"), _field("role"), auth.author(), address)
    return _hand_over(origin + path, address, "gave you access to smsgate")


def reset() -> Response | str:
    """Remove an operator's password; send the link to set a new one, or show it."""
    auth, also, address = console_auth(), _field("second_factor") == "yes", _address()
    origin = auth.origin
    path = auth.people.reset(_field("name"), auth.author(), second_factor=also, email=address)
    return _hand_over(origin + path, address, "reset your password for smsgate")


def set_role() -> Response:
    """Give an operator another role."""
    name, role = _field("name"), _field("role")
    console_auth().people.set_role(name, role, console_auth().author())
    flash(f"{name} now has the role {role} and must sign in again.", "good")
    return redirect(PEOPLE, 303)


def deactivate() -> Response:
    """Deactivate an operator."""
    name = _field("name")
    console_auth().people.deactivate(name, console_auth().author())
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
    return address


def _hand_over(link: str, address: str, did: str) -> Response | str:
    """Send a link by e-mail. Show it this once if there is no address, or the server fails.

    ``did`` tells the person what the admin did.
    """
    auth, name, hours, problem = console_auth(), _field("name"), str(LINK_S // 3600), ""
    if address and auth.mailbox is not None:
        text = _EMAIL.format(name=name, by=actor(), did=did, hours=hours, link=link)
        try:
            send_email(auth.mailbox, address, "Your link to sign in to smsgate", text)
        except CallFailed as error:
            problem = f"The link was not sent to {address}: {error}. Send it yourself."
        else:
            named = auth.people.named(name).name
            with auth.people.database.writing() as connection:
                log_action(connection, "link sent by e-mail", named, auth.author(), address)
            flash(f"Sent a link to {address}. It sets the password once.", "good")
            return redirect(PEOPLE, 303)
    # Shown this once, so it is no redirect.
    return show_operators(link=link, named=name, hours=hours, problem=problem)


def _field(name: str) -> str:
    return request.form.get(name, "")
