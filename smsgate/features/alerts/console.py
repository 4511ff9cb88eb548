"""The page of the addresses of alerts, with a test of them."""

from __future__ import annotations

from flask import Flask, redirect, render_template, request
from werkzeug.wrappers import Response

from smsgate.features.alerts.service import addresses_of, is_clock_running
from smsgate.settings import Settings
from smsgate.store.shared_values import AlertTest
from smsgate.store.store import Store
from smsgate.web.console.auth import needs, record_action

ALERTS = "/console/setup/alerts"


def register(console: Flask, store: Store, settings: Settings) -> None:
    """Add the routes."""

    @console.get(ALERTS, endpoint="alerts")
    @console.get(f"{ALERTS}/test", endpoint="alert_test")
    @needs("viewer")
    def show() -> str:
        template = "alerts.html" if request.path == ALERTS else "part_alert_test.html"
        found = {"addresses": [*addresses_of(settings)], "test": store.alert_test.read()}
        return render_template(template, has_clock=is_clock_running(store), **found)

    @console.post(f"{ALERTS}/test", endpoint="test_alerts")
    @needs("admin")
    def request_test() -> Response:
        record_action("sent a test alert")
        store.alert_test.write(AlertTest())
        return redirect(ALERTS, 303)
