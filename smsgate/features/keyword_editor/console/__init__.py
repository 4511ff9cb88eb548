"""Keywords: what is in force and where it comes from, texts that are tried, sets and versions."""

from __future__ import annotations

from flask import Flask

from smsgate.features.keyword_editor.console import adding, changing, listing, sets
from smsgate.features.keyword_editor.editing import Editing
from smsgate.pipeline.services import Services


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    editing = Editing(services.settings, services.classifiers, services.store, services.records)
    listing.register(console, services, editing)
    sets.register(console, services, editing)
    changing.register(console, services, editing)
    adding.register(console, services, editing)
