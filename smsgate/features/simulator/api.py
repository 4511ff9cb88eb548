"""Stands in for Twilio's Messages API in ``smsgate dev``: keeps what would have been sent.

Answers as twilio.com/docs/messaging/api/message-resource says, so that the same code sends here
and there. It exists only where the settings have the simulated account.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec
from flask import Blueprint, Flask, Response, request
from werkzeug.datastructures import Authorization

from smsgate.gateway import Gateway
from smsgate.settings import Account
from smsgate.signing import same


def register(app: Flask, gateway: Gateway) -> None:
    """Add the route, open to the simulated account alone; nothing where there is none."""
    for account in gateway.settings.accounts.values():
        if account.simulated:
            app.register_blueprint(_blueprint(gateway, account))


def _blueprint(gateway: Gateway, account: Account) -> Blueprint:
    simulator = Blueprint("simulator", __name__, url_prefix="/simulator/2010-04-01")

    @simulator.post("/Accounts/<sid>/Messages.json")
    def send(sid: str) -> Response:
        """Keep one text and answer with its id."""
        if not _authentic(request.authorization, sid, account):
            return _refusal(401, 20003, "Authenticate")
        text = _text(request.form)
        for missing, code in (("to", 21604), ("body", 21602), ("from", 21603)):
            if not text[missing]:
                return _refusal(400, code, f"A {missing!r} is required.")
        text["sid"] = "SM" + secrets.token_hex(16)
        gateway.store.simulator.add(text)
        return _json(201, _resource(text, sid))

    return simulator


def _authentic(given: Authorization | None, sid: str, account: Account) -> bool:
    if given is None or sid != account.options["account_sid"]:
        return False
    token = account.secrets["auth_token"][0]
    return same(given.username or "", sid) and same(given.password or "", token.value)


def _text(form: dict[str, str]) -> dict[str, str]:
    return {
        "from": form.get("From", "") or form.get("MessagingServiceSid", ""),
        "to": form.get("To", ""),
        "body": form.get("Body", ""),
        "created": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def _resource(text: dict[str, str], sid: str) -> dict[str, object]:
    return {
        "sid": text["sid"],
        "account_sid": sid,
        "status": "queued",
        "direction": "outbound-api",
        "from": text["from"],
        "to": text["to"],
        "body": text["body"],
        "date_created": format_datetime(datetime.fromisoformat(text["created"])),
        "error_code": None,
        "error_message": None,
    }


def _refusal(status: int, code: int, message: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return _json(status, {"code": code, "message": message, "more_info": more, "status": status})


def _json(status: int, value: object) -> Response:
    return Response(msgspec.json.encode(value), status, content_type="application/json")
