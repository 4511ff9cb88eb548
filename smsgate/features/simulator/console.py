"""The simulator's page: a phone, and what becomes of each text, step by step."""

from __future__ import annotations

from typing import Any

from flask import Flask, make_response, redirect, render_template, request, session
from werkzeug.wrappers import Response

from smsgate.domain.errors import CallFailed, InvalidNumber, SmsGateError, UnknownProgram
from smsgate.features.simulator.service import (
    OUR_NUMBER,
    RANGES,
    PhoneView,
    SentText,
    draw_number,
    make_message,
    parse_fictional,
    post_text,
    read_phone,
    simulated_account,
)
from smsgate.pipeline.history import History
from smsgate.settings import ANY_SENDER, Account, Settings
from smsgate.store.store import Store
from smsgate.web.console.auth import needs

PATH = "/console/simulator"
MAX_CHARACTERS = 1_600
"""As many as ten joined texts have."""
_PHONE = "phone"
"""In the form's cookie: the number of the phone, and the text that is followed."""
SUGGESTIONS = {
    "US": ("STOP", "stop please", "🛑", "See you at the bus stop", "START", "HELP"),
    "GB": ("STOP", "take me off your list please", "Stopp", "Who is this?", "START", "HELP"),
    "FR": ("ARRÊT", "arrêtez de m'écrire s'il vous plaît", "On se voit à l'arrêt de bus", "AIDE"),
    "DE": ("STOPP", "bitte keine Nachrichten mehr", "Treffen wir uns am Bus?", "HILFE"),
}
"""Texts to try, by country."""


def register(console: Flask, settings: Settings, store: Store, history: History) -> None:
    """Add the routes."""
    account = simulated_account(settings)
    agent = needs("agent")
    if account is None:
        off = agent(lambda: render_template("simulator_off.html"))
        console.add_url_rule(PATH, "no_simulator", off)
        return
    pages = _SimulatorPages(settings, store, history, account)
    console.get(PATH, endpoint="simulator")(agent(pages.show))
    console.post(f"{PATH}/phone", endpoint="simulator_phone")(agent(pages.change_phone))
    console.post(f"{PATH}/text", endpoint="simulator_text")(agent(pages.send_text))
    console.post(f"{PATH}/watch", endpoint="simulator_watch")(agent(pages.answer))


class _SimulatorPages:
    def __init__(
        self, settings: Settings, store: Store, history: History, account: Account
    ) -> None:
        self._store, self._history = store, history
        self._account = account
        self._senders = [
            (OUR_NUMBER if sender == ANY_SENDER else sender, program.title)
            for program in settings.programs
            for sender in program.senders
        ]

    def show(self, problem: str = "") -> str:
        """Show the phone."""
        return render_template(
            "simulator.html",
            senders=self._senders,
            ranges=RANGES,
            suggestions=SUGGESTIONS[_phone()["region"]],
            longest=MAX_CHARACTERS,
            **self._values(problem),
        )

    def change_phone(self) -> Response:
        """Take another number: a random one of a country, or the one in the form."""
        region = request.form.get("region", "")
        region = region if region in RANGES else "US"
        given = request.form.get("number", "").strip()
        number = parse_fictional(given) if given else draw_number(region)
        session[_PHONE] = {"region": region, "number": number}
        return redirect(PATH, 303)

    def send_text(self) -> Response:
        """Post the text to our own endpoint, as the provider would."""
        phone, account = _phone(), self._account
        body = request.form.get("text", "")[:MAX_CHARACTERS]
        sender = request.form.get("sender", "")
        if sender not in [value for value, _ in self._senders]:
            raise UnknownProgram("That sender belongs to no program: reload the page.")
        if not body.strip():
            return self.answer("Enter a text.")
        try:
            message = make_message(account, body, phone["number"], sender)
            sent, _ = post_text(message, account, f"{account.public_url}/webhooks/{account.name}")
        except (CallFailed, InvalidNumber) as error:
            return self.answer(f"The text did not reach the webhook: {error}")
        session[_PHONE] = phone | {"sender": sender, "sent": sent._asdict()}
        return self.answer()

    def answer(self, problem: str = "") -> Response:
        """Show the progress of the last text."""
        if request.headers.get("HX-Request"):
            return make_response(render_template("part_phone.html", **self._values(problem)))
        if problem:
            return make_response(self.show(problem), 422)
        return redirect(PATH, 303)

    def _values(self, problem: str) -> dict[str, Any]:
        phone, view = _phone(), PhoneView((), (), settled=True)
        sent = SentText(**phone["sent"]) if "sent" in phone else None
        try:
            view = read_phone(self._history, self._store, phone["number"], sent)
        except SmsGateError as error:
            problem = problem or str(error)
        return {"phone": phone, "view": view, "problem": problem}


def _phone() -> dict[str, Any]:
    kept = session.get(_PHONE)
    if not isinstance(kept, dict) or "number" not in kept or "region" not in kept:
        kept = session[_PHONE] = {"region": "US", "number": draw_number("US")}
    return kept
