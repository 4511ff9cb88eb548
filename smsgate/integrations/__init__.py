"""The gate inside what other programs send with, so that nothing leaves unasked.

Each module belongs to one library and is imported by name: ``integrations.twilio``,
``integrations.requests``. They ask whatever has ``require``: a ``smsgate.Gate`` (Redis) or a
``smsgate.client.SmsGate`` (HTTP).
"""

from __future__ import annotations

from smsgate.integrations.asking import Asks, checked

__all__ = ["Asks", "checked"]
