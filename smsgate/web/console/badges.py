"""Counts beside the entries of the menu: what waits for a person.

They are read at most once in five seconds, whoever asks; a store that does not answer shows none,
and delays no more than one page in that time.
"""

from __future__ import annotations

import threading
import time

from flask import Flask, jsonify
from flask.wrappers import Response

from smsgate.domain.errors import StoreUnavailable
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import needs

BADGES = "/console/badges"
FRESH_S = 5.0


class MenuBadges:
    """The newest counts, by the path of the menu's entry."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._read_at_s = float("-inf")

    def read(self) -> dict[str, int]:
        """The counts; empty where the store does not answer."""
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._read_at_s < FRESH_S:
                return self._counts
            self._read_at_s = now_s
        counts: dict[str, int] = {}
        try:
            reviews, replies, deliveries = self._services.store.backlog.attention()
            counts = {
                "/console/review": reviews,
                "/console/replies": replies,
                "/console/deliveries": deliveries,
            }
        except StoreUnavailable:
            pass  # every page that needs the store says so itself
        with self._lock:
            self._counts = counts
        return counts


def register(console: Flask, services: Services) -> None:
    """Show the counts on every page, and let the script of the pages ask for them."""
    badges = MenuBadges(services)
    console.jinja_env.globals["menu_badges"] = badges.read

    @console.get(BADGES)
    @needs("viewer")
    def menu_counts() -> Response:
        """The counts as JSON."""
        return jsonify(badges.read())
