"""Environment and ``config/`` in, frozen objects out. Every fault is reported, not the first."""

from __future__ import annotations

from smsgate.settings.applications import Application, Feed, Secret
from smsgate.settings.read import read_settings
from smsgate.settings.settings import Alerts, Mailbox, Settings, SingleSignOn, SmsRecipients
from smsgate.settings.values import Account, Program, Programs

__all__ = [
    "Account",
    "Alerts",
    "Application",
    "Feed",
    "Mailbox",
    "Program",
    "Programs",
    "Secret",
    "Settings",
    "SingleSignOn",
    "SmsRecipients",
    "read_settings",
]
