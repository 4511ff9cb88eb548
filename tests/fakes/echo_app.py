"""The real endpoints around a gateway that answers with what it was given, served in earnest."""

from __future__ import annotations

import json
import os
from pathlib import Path

from flask import Flask

from smsgate.domain.messages import HttpReply, WebhookRequest
from smsgate.pipeline.ingest import IngestResult
from smsgate.settings import Account, Web
from smsgate.web import create_app
from tests.fakes.services import FakeServices, settings

ELKS = Account(name="elks", provider="elks", public_url="https://sms.example.com")
"""Of a provider that signs nothing."""


class EchoServices(FakeServices):
    """Answers with URL, method, body and headers of the request."""

    def receive(self, account: str, request: WebhookRequest) -> IngestResult:
        if noted := os.environ.get("ECHO_SEEN"):
            with Path(noted).open("ab") as file:
                file.write(request.body + b"\0")
        seen = {
            "url": request.url,
            "method": request.method,
            "body": request.body.decode("latin-1"),
            "headers": dict(request.headers),
        }
        answer = HttpReply(200, "application/json", json.dumps(seen).encode())
        return IngestResult(answer, "nothing", "")


def create(*, trust_proxy: bool = False) -> Flask:
    """Make the application."""
    accounts = {**settings().accounts, "elks": ELKS}
    web = Web(trust_proxy=trust_proxy)
    return create_app(EchoServices(settings(accounts=accounts, web=web)))


def create_behind_proxy() -> Flask:
    """Make one that believes its proxy."""
    return create(trust_proxy=True)
