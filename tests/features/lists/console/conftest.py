"""The console of the tests of all pages."""

from __future__ import annotations

from tests.fakes.list_worker import ending_workers, running_worker
from tests.web.console.conftest import (
    admin,
    agent,
    folder,
    operator,
    password_hash,
    patient,
    services,
    signed_in,
    viewer,
    visitor,
)

__all__ = [
    "admin",
    "agent",
    "ending_workers",
    "folder",
    "operator",
    "password_hash",
    "patient",
    "running_worker",
    "services",
    "signed_in",
    "viewer",
    "visitor",
]
