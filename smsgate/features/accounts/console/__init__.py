"""Setup: programs, accounts and keys as they are configured, and whether all is well."""

from __future__ import annotations

from flask import Flask

from smsgate.features.accounts.console import accounts, doctor, programs
from smsgate.pipeline.services import Services


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    for pages in (programs, accounts, doctor):
        pages.register(console, services)
