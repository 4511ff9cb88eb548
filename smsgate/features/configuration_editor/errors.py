"""Errors of the configuration in the console, besides those of ``smsgate/domain/errors.py``."""

from __future__ import annotations

from smsgate.domain.errors import SmsGateError


class SecretRefused(SmsGateError):
    """A secret cannot be kept as a file here; the text names the variable to set instead."""

    status = 409


class NoSuchVersion(SmsGateError):
    """The console has no such version of the configuration."""

    status = 404
