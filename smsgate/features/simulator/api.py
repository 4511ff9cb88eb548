"""Stands in for Twilio's Messages API in ``smsgate dev``: accepts texts and sends none.

Answers as twilio.com/docs/messaging/api/message-resource says, so that the same code sends here
and there. It exists only where the settings have the simulated account.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec
from flask import Blueprint, Flask, Response, request

from smsgate.domain.signing import same
from smsgate.settings import Account, Settings

_REQUIRED = {"to": 21604, "body": 21602, "from": 21603}
"""Twilio's error codes by what is missing."""


def register(app: Flask, settings: Settings) -> None:
    """Add the route for the simulated account only; nothing without one."""
    for account in settings.accounts.values():
        if account.simulated:
            app.register_blueprint(_blueprint(account))


def _blueprint(account: Account) -> Blueprint:
    simulator = Blueprint("simulator", __name__, url_prefix="/simulator/2010-04-01")
    token = account.newest_secret("auth_token")

    @simulator.post("/Accounts/<sid>/Messages.json")
    def send(sid: str) -> Response:
        """Accept one text and answer with its id."""
        given, form = request.authorization, request.form
        if (
            given is None
            or sid != account.options["account_sid"]
            or not (same(given.username or "", sid) and same(given.password or "", token))
        ):
            return _refuse(401, 20003, "Authenticate")
        text = {
            "from": form.get("From", "") or form.get("MessagingServiceSid", ""),
            "to": form.get("To", ""),
            "body": form.get("Body", ""),
        }
        for name, code in _REQUIRED.items():
            if not text[name]:
                return _refuse(400, code, f"A {name!r} is required.")
        resource = {
            **text,
            "sid": "SM" + secrets.token_hex(16),
            "account_sid": sid,
            "status": "queued",
            "direction": "outbound-api",
            "date_created": format_datetime(datetime.now(UTC)),
            "error_code": None,
            "error_message": None,
        }
        return _json(201, resource)

    return simulator


def _refuse(status: int, code: int, message: str) -> Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return _json(status, {"code": code, "message": message, "more_info": more, "status": status})


def _json(status: int, value: object) -> Response:
    return Response(msgspec.json.encode(value), status, content_type="application/json")
