"""Keywords: what is in force and where it comes from, texts that are tried, sets and versions."""

from __future__ import annotations

from flask import Flask

from smsgate.features.keyword_editor.console import adding, changing, listing, sets
from smsgate.features.keyword_editor.editing import Editing
from smsgate.gateway import Gateway


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""
    editing = Editing(gateway.settings, gateway.classifiers, gateway.store, gateway.records)
    listing.register(console, gateway, editing)
    sets.register(console, gateway, editing)
    changing.register(console, gateway, editing)
    adding.register(console, gateway, editing)
