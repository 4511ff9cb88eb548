"""HTTP: webhooks, ``/v1``, the console, health and metrics. Starts in ``app.py``."""

from __future__ import annotations

from smsgate.web.app import create_app

__all__ = ["create_app"]
