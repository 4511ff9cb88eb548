"""The simulator's page: a phone, and what becomes of each text, step by step."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, make_response, redirect, render_template, request, session
from werkzeug.wrappers import Response

from smsgate.domain.errors import CallFailed, InvalidNumber, SmsGateError, UnknownProgram
from smsgate.features.simulator.service import (
    OUR_NUMBER,
    RANGES,
    SentText,
    find_range,
    make_message,
    parse_fictional,
    post_webhook,
    read_conversation,
    read_progress,
    simulated_account,
)
from smsgate.pipeline.services import Services
from smsgate.settings import ANY_SENDER, Account
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


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    account = simulated_account(services.settings)
    agent = needs("agent")
    if account is None:
        off = agent(lambda: render_template("simulator_off.html"))
        console.add_url_rule(PATH, "no_simulator", off)
        return
    pages = _SimulatorPages(services, account)
    console.get(PATH, endpoint="simulator")(agent(pages.show))
    console.post(f"{PATH}/phone", endpoint="simulator_phone")(agent(pages.change_phone))
    console.post(f"{PATH}/text", endpoint="simulator_text")(agent(pages.send_text))
    console.post(f"{PATH}/watch", endpoint="simulator_watch")(agent(pages.show_progress))


class _SimulatorPages:
    def __init__(self, services: Services, account: Account) -> None:
        self._services = services
        self._account = account
        self._senders = [
            (OUR_NUMBER if sender == ANY_SENDER else sender, program.title)
            for program in services.settings.programs
            for sender in program.senders
        ]

    def show(self) -> str:
        """Show the phone."""
        return self._page(_phone())

    def change_phone(self) -> Response:
        """Take another number: a random one of a country, or the one in the form."""
        found = find_range(request.form.get("region", ""))
        given = request.form.get("number", "").strip()
        number = parse_fictional(given) if given else found.draw()
        session[_PHONE] = {"region": found.region, "number": number}
        return redirect(PATH, 303)

    def send_text(self) -> Response:
        """Post the text to our own endpoint, as the provider would."""
        phone = _phone()
        body = request.form.get("text", "")[:MAX_CHARACTERS]
        phone["sender"] = sender = request.form.get("sender", "")
        if sender not in [value for value, _ in self._senders]:
            raise UnknownProgram("That sender belongs to no program: reload the page.")
        if not body.strip():
            return self._answer(phone, problem="Enter a text.")
        try:
            message = make_message(self._account, body, phone["number"], sender)
            sent_us = message.sent_us or 0
            url = f"{self._account.public_url}/webhooks/{self._account.name}"
            status = post_webhook(message, self._account, url).status
        except (CallFailed, InvalidNumber) as error:
            return self._answer(phone, problem=f"The text did not reach the webhook: {error}")
        took_us = time.time_ns() // 1000 - sent_us
        sent = SentText(message.message_id, message.number, sender, body, sent_us, took_us, status)
        kept = sent._asdict() | {"text": ""}  # a cookie has no room for it
        session[_PHONE] = phone | {"sent": kept, "settled": False}
        return self._answer(session[_PHONE], sent)

    def show_progress(self) -> Response:
        """Show the progress of the last text."""
        phone = _phone()
        return self._answer(phone, _sent(phone, request.form.get("text", "")))

    def _answer(
        self, phone: dict[str, Any], sent: SentText | None = None, problem: str = ""
    ) -> Response:
        if request.headers.get("HX-Request"):
            values = self._values(phone, sent, problem)
            return make_response(render_template("part_phone.html", **values))
        if problem:
            return make_response(self._page(phone, problem), 422)
        return redirect(PATH, 303)

    def _page(self, phone: dict[str, Any], problem: str = "") -> str:
        return render_template(
            "simulator.html",
            senders=self._senders,
            ranges=RANGES,
            suggestions=SUGGESTIONS[phone["region"]],
            longest=MAX_CHARACTERS,
            **self._values(phone, _sent(phone, ""), problem),
        )

    def _values(self, phone: dict[str, Any], sent: SentText | None, problem: str) -> dict[str, Any]:
        """Return what the template shows of the text and its conversation."""
        progress, texts = None, []
        try:
            if sent is None:
                texts = read_conversation(self._services, phone["number"])
            else:
                progress = read_progress(self._services, sent)
                texts = [*progress.conversation]
        except SmsGateError as error:
            problem = problem or str(error)
        return {
            "phone": phone,
            "sent": sent,
            "problem": problem,
            "progress": progress,
            "texts": texts,
        }


def _sent(phone: dict[str, Any], text: str) -> SentText | None:
    kept = phone.get("sent")
    return SentText(**kept)._replace(text=text[:MAX_CHARACTERS]) if kept else None


def _phone() -> dict[str, Any]:
    kept = session.get(_PHONE)
    if not isinstance(kept, dict) or "number" not in kept or "region" not in kept:
        kept = session[_PHONE] = {"region": "US", "number": find_range("US").draw()}
    return kept
