"""A gateway that understands texts: with the keyword sets of its configuration."""

from __future__ import annotations

from dataclasses import replace

from smsgate.classifier import OperatorSets
from smsgate.content import CurrentContent, first_content
from smsgate.process.services import Services

TWO = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "a-token"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["zu"]

[programs.orders]
name     = "Acme Orders"
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["en"]
region   = "US"
kind     = "service"
"""
"""Zulu is the set that is read fastest; the required words are those of English."""


def understanding(services: Services) -> Services:
    """The same with classifiers, as a process that has just read its configuration."""
    settings = services.settings
    files = OperatorSets.read(settings.config_dir / "keywords")
    content, _ = first_content(settings, files, services.records)
    return replace(services, content=CurrentContent(content))
