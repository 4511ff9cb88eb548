"""Setup: programs, accounts and keys as they are configured, and whether all is well."""

from __future__ import annotations

from flask import Flask

from smsgate.gateway import Gateway
from smsgate.web.console.setup import accounts, doctor, programs


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""
    for pages in (programs, accounts, doctor):
        pages.register(console, gateway)
