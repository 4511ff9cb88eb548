"""Counts beside the entries of the menu: what waits for a person."""

from __future__ import annotations

from flask import Flask, jsonify
from flask.wrappers import Response

from smsgate.domain.errors import StoreUnavailable
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import needs
from smsgate.web.recent import Recent

BADGES = "/console/badges"
FRESH_S = 5.0


def register(console: Flask, services: Services) -> None:
    """Show the counts on every page, and let the script of the pages ask for them."""

    def count() -> dict[str, int]:
        """By the path of the menu's entry; empty where the store does not answer."""
        try:
            counts = services.store.backlog.attention()
        except StoreUnavailable:
            return {}  # every page that needs the store says so itself
        paths = ("/console/review", "/console/replies", "/console/deliveries")
        return dict(zip(paths, counts, strict=True))

    badges = Recent(count, FRESH_S)
    console.jinja_env.globals["menu_badges"] = badges.get

    @console.get(BADGES)
    @needs("viewer")
    def menu_counts() -> Response:
        """The counts as JSON."""
        return jsonify(badges.get())
