"""Review: texts that wait for a person, decided one after the other by three keys."""

from __future__ import annotations

from flask import Flask

from smsgate.features.reviews.console import after, decisions, desk
from smsgate.features.reviews.queue import ReviewQueue
from smsgate.gateway import Gateway


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""
    queue = ReviewQueue(gateway.settings, gateway.classifiers, gateway.store, gateway.records)
    desk.register(console, gateway, queue)
    decisions.register(console, gateway, queue)
    after.register(console, gateway, queue)
