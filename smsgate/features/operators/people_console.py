"""People: who may sign in, as what, and what happened around it."""

from __future__ import annotations

from flask import Flask, flash, redirect, render_template, request
from werkzeug.wrappers import Response as Answer

from smsgate.features.operators.service import LINK_S, ROLES, By, now_us
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import actor, console_auth, needs

PEOPLE = "/console/people"
AT_ONCE = 50
"""Actions on one page."""


def register(console: Flask, services: Services) -> None:  # noqa: ARG001 - as every page
    """Add the routes."""
    admins_again = needs("admin", again=True)
    console.get(PEOPLE)(needs("admin")(everybody))
    console.post(f"{PEOPLE}/add")(admins_again(add))
    console.post(f"{PEOPLE}/reset")(admins_again(reset))
    console.post(f"{PEOPLE}/role")(admins_again(give_role))
    console.post(f"{PEOPLE}/end")(admins_again(end))


def everybody(**values: str) -> str:
    """Show everybody and what happened."""
    before = request.args.get("before", "")
    actions = console_auth().actions.newest(before, AT_ONCE + 1)
    return render_template(
        "people.html",
        people=console_auth().people.all(),
        roles=ROLES,
        now=now_us(),
        actions=actions[:AT_ONCE],
        older=actions[AT_ONCE - 1].id if len(actions) > AT_ONCE else "",
        before=before,
        **values,
    )


def add() -> str:
    """Add somebody, and show the link that lets them set their password."""
    origin = console_auth().origin
    return _linked(origin + console_auth().people.add(_name(), request.form.get("role", ""), _by()))


def reset() -> str:
    """Take somebody's password, and show the link that lets them set a new one."""
    also = request.form.get("second_factor") == "yes"
    origin = console_auth().origin
    return _linked(origin + console_auth().people.reset(_name(), _by(), second_factor=also))


def give_role() -> Answer:
    """Give somebody another role."""
    role = request.form.get("role", "")
    console_auth().people.give_role(_name(), role, _by())
    flash(f"{_name()} is {role} now, and signs in anew.", "good")
    return redirect(PEOPLE, 303)


def end() -> Answer:
    """Let somebody in no more."""
    console_auth().people.end(_name(), _by())
    flash(f"{_name()} is signed out everywhere and cannot sign in any more.", "good")
    return redirect(PEOPLE, 303)


def _linked(link: str) -> str:
    """The page with a link, which is shown this once; so it is no redirect."""
    return everybody(link=link, named=_name(), hours=str(LINK_S // 3600))


def _name() -> str:
    return request.form.get("name", "")


def _by() -> By:
    return By(actor(), console_auth().visitor().address)
