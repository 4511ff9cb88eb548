"""What operators do to a number: each is an entry of the inbox with their name and a reason.

The number comes in the form, not in the path, so that it stands in no log.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask, flash, redirect, request, url_for
from werkzeug import Response

from smsgate.consent.restore import CONSENT, EVIDENCE
from smsgate.domain.errors import SmsGateError, Unfit
from smsgate.domain.messages import Consent
from smsgate.domain.phone import MAX_SENDER_CHARS, as_recorded, is_e164
from smsgate.features.numbers.console.story import page
from smsgate.gateway import Gateway
from smsgate.pipeline.manual_input import consent_of, earliest_us, evidence_of, reason_of
from smsgate.pipeline.restores import RestoreRequest
from smsgate.web.console.auth import actor, needs, operator

Answer = Response | tuple[str, int]
Act = Callable[[Gateway, str], str]
"""Does something to a number; gives the sentence that says so."""


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""
    for name, act in _ACTS.items():
        view = needs("agent")(_view(gateway, name, act))
        console.post(f"/console/numbers/{name}", endpoint=f"number_{name}")(view)
    view = needs("admin", again=True)(_view(gateway, "forget", _forget))
    console.post("/console/numbers/forget", endpoint="number_forget")(view)


def _view(gateway: Gateway, name: str, act: Act) -> Callable[[], Answer]:
    """Do it and show the number's page; what was wrong stands in its form, with what it had."""

    def view() -> Answer:
        number = as_recorded(request.form.get("number", "").strip()[: 2 * MAX_SENDER_CHARS])
        if not number:
            raise Unfit("The form has no number in it: go back to the number's page.")
        try:
            flash(act(gateway, number), "good")
        except SmsGateError as error:
            if not is_e164(number):
                raise  # its page has no forms
            return page(gateway, number, {name: str(error)}, error.status)
        return redirect(url_for("number", number=number), 303)

    return view


def _opt_out(gateway: Gateway, number: str) -> str:
    gateway.override("suppress", number, request.form.get("scope", ""), actor(), _reason())
    return "Opted out. It blocks from now on."


def _restore(gateway: Gateway, number: str) -> str:
    form, found = request.form, operator()
    basis = form.get("basis", "")
    gateway.restore(
        RestoreRequest(
            number=number,
            scope=form.get("scope", ""),
            actor=actor(),
            reason=_reason(),
            basis=basis,
            consent=_consent() if basis == CONSENT else None,
            earliest_given_us=earliest_us(_given(), datetime.now(UTC)),
            evidence=evidence_of(form.get("evidence", "")) if basis == EVIDENCE else "",
            is_admin=found is not None and found.may("admin"),
        )
    )
    return "The restore is stored. How the number stands is shown below once it is applied."


def _lock(gateway: Gateway, number: str) -> str:
    gateway.lock(number, actor(), _reason())
    return "Locked: no program may text it, and no START of its own changes that."


def _unlock(gateway: Gateway, number: str) -> str:
    gateway.lock(number, actor(), _reason(), locked=False)
    return "Unlocked. It stays opted out until it texts START, or is restored."


def _record_consent(gateway: Gateway, number: str) -> str:
    program = request.form.get("program", "")
    gateway.record_consent(number, program, _consent(), "operator", actor())
    return "The consent is on record. Where the number opted out, that stays."


def _forget(gateway: Gateway, number: str) -> str:
    if request.form.get("digits", "").strip() != number[-4:]:
        raise Unfit("Type the last four characters of the number, so that it is the right one.")
    done = gateway.forget(number, actor(), _reason())
    cases = f" {done.cases:,} test cases of keyword sets are gone too." if done.cases else ""
    return (
        f"The texts of {done.records:,} records and {done.trail:,} ordinary texts are erased."
        f"{cases} The number is suppressed where it was."
    )


def _reason() -> str:
    return reason_of(request.form.get("reason", ""))


def _given() -> str:
    """A day, or a moment where the form has its time."""
    day, at = (request.form.get(name, "").strip() for name in ("given", "at"))
    return f"{day}T{at}" if day and at else day


def _consent() -> Consent:
    words, medium, source = (request.form.get(name, "") for name in ("words", "medium", "source"))
    return consent_of(words, medium, source, _given())


_ACTS: dict[str, Act] = {
    "opt-out": _opt_out,
    "restore": _restore,
    "lock": _lock,
    "unlock": _unlock,
    "consent": _record_consent,
}
