"""HTTP: webhooks, ``/v1``, the console, health and metrics. Starts in ``process.py``."""

from __future__ import annotations

from smsgate.web.process import create_app

__all__ = ["create_app"]
