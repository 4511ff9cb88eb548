"""What the doctor finds, as ``smsgate doctor`` tells it."""

from __future__ import annotations

from flask import Flask, render_template

from smsgate.domain.errors import StoreUnavailable
from smsgate.features.accounts.doctor import WARNING, Finding, examine, worst_first
from smsgate.metrics.heartbeats import KINDS, ProcessSnapshot
from smsgate.pipeline.configuration import has_keys, warnings_of
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import needs


def register(console: Flask, services: Services) -> None:
    """Add the route."""

    @console.get("/console/setup/doctor")
    @needs("viewer")
    def doctor() -> str:
        """Everything that was looked at, the worst first."""
        found = [*examine(services)]
        found += [
            Finding("configuration", WARNING, said, "docs/configuration.md")
            for said in warnings_of(services.settings, has_keys=has_keys(services.records))
        ]
        return render_template(
            "setup_doctor.html", findings=worst_first(found), kinds=KINDS, processes=_processes()
        )

    def _processes() -> ProcessSnapshot | None:
        """Nothing where the store is away."""
        try:
            return services.store.heartbeats.snapshot()
        except StoreUnavailable:
            return None
