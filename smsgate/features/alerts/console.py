"""The page of the addresses of alerts, with a test of them."""

from __future__ import annotations

from flask import Flask, redirect, render_template
from werkzeug.wrappers import Response

from smsgate.features.alerts.service import addresses_of
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import needs, record_action

ALERTS = "/console/setup/alerts"


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    store = services.store

    def shown(template: str) -> str:
        has_clock = any(one.name == "clock" for one in store.heartbeats.running())
        found = {"addresses": addresses_of(services.settings), "test": store.alerts.test()}
        return render_template(template, has_clock=has_clock, **found)

    @console.get(ALERTS, endpoint="alerts")
    @needs("viewer")
    def show() -> str:
        return shown("alerts.html")

    @console.get(f"{ALERTS}/test", endpoint="alert_test")
    @needs("viewer")
    def show_test() -> str:
        return shown("part_alert_test.html")

    @console.post(f"{ALERTS}/test", endpoint="test_alerts")
    @needs("admin")
    def request_test() -> Response:
        record_action("sent a test alert")
        store.alerts.request_test()
        return redirect(ALERTS, 303)
