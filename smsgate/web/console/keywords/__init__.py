"""Keywords: what is in force and where it comes from, texts that are tried, sets and versions."""

from __future__ import annotations

from flask import Flask

from smsgate.gateway import Gateway
from smsgate.gateway.keywords.editing import Editing
from smsgate.web.console.keywords import adding, changing, listing, sets


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""
    editing = Editing(gateway.settings, gateway.classifiers, gateway.store, gateway.records)
    listing.register(console, gateway, editing)
    sets.register(console, gateway, editing)
    changing.register(console, gateway, editing)
    adding.register(console, gateway, editing)
