"""What the doctor finds, as ``smsgate doctor`` tells it."""

from __future__ import annotations

from flask import Flask, render_template

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.accounts.doctor import WARNING, Finding, examine, worst_first
from smsgate.gateway import Gateway
from smsgate.metrics.heartbeats import KINDS, ProcessSnapshot
from smsgate.web.console.auth import needs
from smsgate.wiring.configuration import has_keys, warnings_of


def register(console: Flask, gateway: Gateway) -> None:
    """Add the route."""

    @console.get("/console/setup/doctor")
    @needs("viewer")
    def doctor() -> str:
        """Everything that was looked at, the worst first."""
        found = [*examine(gateway)]
        found += [
            Finding("configuration", WARNING, said, "docs/configuration.md")
            for said in warnings_of(gateway.settings, has_keys=has_keys(gateway.records))
        ]
        return render_template(
            "setup_doctor.html", findings=worst_first(found), kinds=KINDS, processes=_processes()
        )

    def _processes() -> ProcessSnapshot | None:
        """Nothing where the store is away."""
        try:
            return gateway.store.heartbeats.snapshot()
        except StoreUnavailable:
            return None
