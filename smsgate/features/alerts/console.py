"""The page of the destinations of alerts, with the result of a test of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.features.alerts.service import running_clocks
from smsgate.features.alerts.storage import AlertStorage
from smsgate.pipeline.services import Services
from smsgate.settings import Settings
from smsgate.web.console.auth import needs, record_action

ALERTS = "/console/setup/alerts"
TITLES = {"webhook": "Webhook", "email": "E-mail", "text": "Text message"}
"""By channel, in the order of the page."""
_TEST_ID = re.compile(rf"[0-9a-f]{{32}}-({'|'.join(TITLES)})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination, without its secrets."""

    channel: str
    to: str
    by: str
    """What it is sent through."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = _AlertPages(services)
    viewer, admin = needs("viewer"), needs("admin")
    console.get(ALERTS, endpoint="alerts")(viewer(pages.show))
    console.post(f"{ALERTS}/<channel>/test", endpoint="test_alerts")(admin(pages.request_test))
    console.get(f"{ALERTS}/tests/<test>", endpoint="alert_test")(viewer(pages.show_test))


class _AlertPages:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._storage = AlertStorage(services.store.client)

    def show(self) -> str:
        """Show every destination, and the test that was requested here."""
        test = request.args.get("test", "")
        return render_template(
            "alerts.html",
            destinations=list(destinations_of(self._services.settings)),
            titles=TITLES,
            **(self._test(test) if _TEST_ID.fullmatch(test) else {"test": ""}),
        )

    def request_test(self, channel: str) -> Response:
        """Ask every clock to send a test by one channel."""
        if channel not in TITLES:
            raise NotFound
        record_action("sent a test alert", TITLES[channel])
        return redirect(f"{ALERTS}?test={self._storage.request_test(channel)}", 303)

    def show_test(self, test: str) -> str:
        """Show the results so far; the page asks for them every second."""
        if not _TEST_ID.fullmatch(test):
            raise NotFound
        return render_template("part_alert_test.html", titles=TITLES, **self._test(test))

    def _test(self, test: str) -> dict[str, object]:
        results = self._storage.results(test)
        silent = sorted(running_clocks(self._services.store) - results.keys())
        return {
            "test": test,
            "channel": test.partition("-")[2],
            # Without a result, a clock does not have the channel.
            "results": [(clock, next(iter(one), None)) for clock, one in sorted(results.items())],
            "silent": silent,
            "waits": bool(silent) and self._storage.requested_test() == test,
        }


def destinations_of(settings: Settings) -> Iterator[Destination]:
    """Yield the destinations of a configuration."""
    alerts = settings.alerts
    if alerts.webhook is not None:
        url = alerts.webhook.value
        by = "HTTPS" if url.startswith("https:") else "HTTP, not encrypted"
        yield Destination("webhook", _origin(url), by)
    if alerts.email is not None:
        server = f"{alerts.email.host}:{alerts.email.port}, from {alerts.email.sender}"
        yield Destination("email", ", ".join(alerts.email.to), server)
    if alerts.text is not None:
        account = f"{alerts.text.account}, from {alerts.text.sender}"
        yield Destination("text", ", ".join(alerts.text.to), account)


def _origin(url: str) -> str:
    """Scheme and host of a URL: what follows is a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}/…"
