"""Environment and ``config/`` in, frozen objects out. Every fault is reported, not the first."""

from __future__ import annotations

from smsgate.settings.read import read_settings
from smsgate.settings.values import Account, Feed, Program, Programs, Secret, Settings

__all__ = ["Account", "Feed", "Program", "Programs", "Secret", "Settings", "read_settings"]
