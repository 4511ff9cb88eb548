"""What the doctor finds, as ``smsgate doctor`` tells it."""

from __future__ import annotations

from flask import Flask, render_template

from smsgate.gateway import Gateway
from smsgate.gateway.doctor import WARNING, Finding, examine, worst_first
from smsgate.web.console.people import needs
from smsgate.wiring.configuration import warnings_of


def register(console: Flask, gateway: Gateway) -> None:
    """Add the route."""

    @console.get("/console/setup/doctor")
    @needs("viewer")
    def doctor() -> str:
        """Everything that was looked at, the worst first."""
        found = [*examine(gateway)]
        found += [
            Finding("configuration", WARNING, said, "`smsgate config check`")
            for said in warnings_of(gateway.settings)
        ]
        return render_template("setup_doctor.html", findings=worst_first(found))
