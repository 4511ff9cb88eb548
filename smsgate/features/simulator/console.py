"""Simulator: a phone on the page, and what becomes of each text, step by step."""

from __future__ import annotations

import time
from typing import Any

from flask import Flask, make_response, redirect, render_template, request, session
from werkzeug.wrappers import Response as Answer

from smsgate.errors import CallFailed, InvalidNumber, SmsGateError, UnknownProgram
from smsgate.features.simulator.fictional import RANGES, fictional, range_of
from smsgate.features.simulator.simulating import OUR_NUMBER, message_of, post, simulated_account
from smsgate.features.simulator.steps import Sent, conversation, watched
from smsgate.gateway import Gateway
from smsgate.messages import InboundMessage
from smsgate.settings import Account
from smsgate.settings.values import ANY_SENDER
from smsgate.web.console.people import needs

PATH = "/console/simulator"
LONGEST = 1_600
"""Characters of a text: as many as ten joined ones have."""
_PHONE = "phone"
"""In the form's cookie: the number of the phone, and the text that is watched."""
SUGGESTIONS = {
    "US": ("STOP", "stop please", "🛑", "See you at the bus stop", "START", "HELP"),
    "GB": ("STOP", "take me off your list please", "Stopp", "Who is this?", "START", "HELP"),
    "FR": ("ARRÊT", "arrêtez de m'écrire s'il vous plaît", "On se voit à l'arrêt de bus", "AIDE"),
    "DE": ("STOPP", "bitte keine Nachrichten mehr", "Treffen wir uns am Bus?", "HILFE"),
}
"""By country texts that show something."""


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""
    account = simulated_account(gateway.settings)
    if account is None:

        @console.get(PATH)
        @needs("agent")
        def no_simulator() -> str:
            """How to have one."""
            return render_template("simulator_off.html")

        return
    page = _Page(gateway, account)
    agent = needs("agent")
    console.get(PATH, endpoint="simulator")(agent(page.simulator))
    console.post(f"{PATH}/phone", endpoint="simulator_phone")(agent(page.another))
    console.post(f"{PATH}/text", endpoint="simulator_text")(agent(page.text))
    console.post(f"{PATH}/watch", endpoint="simulator_watch")(agent(page.watch))


class _Page:
    """The views, with what they ask."""

    def __init__(self, gateway: Gateway, account: Account) -> None:
        self._gateway = gateway
        self._account = account

    def simulator(self) -> str:
        """The phone as it is."""
        return self._shown(_phone())

    def another(self) -> Answer:
        """Another phone, by lot, or one that somebody asks for."""
        region = range_of(request.form.get("region", "")).region
        given = request.form.get("number", "").strip()
        number = fictional(given) if given else range_of(region).drawn()
        session[_PHONE] = {"region": region, "number": number}
        return redirect(PATH, 303)

    def text(self) -> Answer:
        """Post it to our own door, as the provider would."""
        phone = _phone()
        body = request.form.get("text", "")[:LONGEST]
        phone["sender"] = sender = request.form.get("sender", "")
        if sender not in [value for value, _ in self._senders()]:
            raise UnknownProgram("That sender belongs to no program: load the page anew.")
        if not body.strip():
            return self._answered(phone, problem="Write a text first.")
        try:
            sent = self._post(message_of(self._account, body, phone["number"], sender))
        except (CallFailed, InvalidNumber) as error:
            return self._answered(phone, problem=f"The text did not reach our own door: {error}")
        kept = sent._asdict() | {"text": ""}  # a cookie has no room for it
        session[_PHONE] = phone | {"sent": kept, "settled": False}
        return self._answered(session[_PHONE], sent)

    def watch(self) -> Answer:
        """How far the last text has come."""
        return self._answered(_phone(), self._sent(_phone(), request.form.get("text", "")))

    def _answered(
        self, phone: dict[str, Any], sent: Sent | None = None, problem: str = ""
    ) -> Answer:
        if not request.headers.get("HX-Request"):
            if not problem:
                return redirect(PATH, 303)
            return make_response(self._shown(phone, problem), 422)
        return make_response(render_template("part_phone.html", **self._said(phone, sent, problem)))

    def _shown(self, phone: dict[str, Any], problem: str = "") -> str:
        return render_template(
            "simulator.html",
            senders=self._senders(),
            ranges=RANGES,
            suggestions=SUGGESTIONS[phone["region"]],
            longest=LONGEST,
            **self._said(phone, self._sent(phone, ""), problem),
        )

    def _said(self, phone: dict[str, Any], sent: Sent | None, problem: str) -> dict[str, Any]:
        """What becomes of the text, and what the phone shows."""
        said: dict[str, Any] = {"phone": phone, "sent": sent, "problem": problem, "watched": None}
        try:
            if sent is None:
                return said | {"bubbles": conversation(self._gateway, phone["number"])}
            found = watched(self._gateway, sent)
        except SmsGateError as error:
            return said | {"bubbles": [], "problem": problem or str(error)}
        return said | {"watched": found, "bubbles": found.bubbles}

    def _post(self, message: InboundMessage) -> Sent:
        url = f"{self._account.public_url}/webhooks/{self._account.name}"
        answer = post(message, self._account, url)
        sent_us = message.sent_us or 0
        return Sent(
            message.message_id, message.number, message.sender, message.text,
            sent_us, time.time_ns() // 1000 - sent_us, answer.status,
        )  # fmt: skip

    @staticmethod
    def _sent(phone: dict[str, Any], text: str) -> Sent | None:
        kept = phone.get("sent")
        return Sent(**kept)._replace(text=text[:LONGEST]) if kept else None

    def _senders(self) -> list[tuple[str, str]]:
        """What can be texted: every program's senders; its own one where it takes any."""
        return [
            (OUR_NUMBER if sender == ANY_SENDER else sender, program.title)
            for program in self._gateway.settings.programs
            for sender in program.senders
        ]


def _phone() -> dict[str, Any]:
    kept = session.get(_PHONE)
    if not isinstance(kept, dict) or "number" not in kept or "region" not in kept:
        kept = session[_PHONE] = {"region": "US", "number": range_of("US").drawn()}
    return kept
