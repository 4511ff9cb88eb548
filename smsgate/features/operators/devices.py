"""Browsers in which somebody has signed in before, so that others' guessing does not hinder them.

A token says that an operator once signed in with it, and opens nothing: attempts from such a
browser are counted by the browser instead of by the address (OWASP's "device cookies"). It is made
and checked without the records: operator, a random name of the device, and an HMAC over both.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from smsgate.settings import Secret

_PURPOSE = b"smsgate console device\0"


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that is known."""

    operator_id: str
    name: str
    """Random; the device's own."""


def new_device(operator_id: str) -> Device:
    """A name for a browser in which the operator has just signed in."""
    return Device(operator_id, secrets.token_urlsafe(16))


def token_of(device: Device, keys: Sequence[Secret]) -> str:
    """What the browser keeps, signed with the newest of ``SMSGATE_SECRET_KEYS``."""
    told = f"{device.operator_id}.{device.name}"
    return f"{told}.{_mac(told, keys[0])}"


def device_of(token: str, keys: Sequence[Secret]) -> Device | None:
    """The device that a browser says it is; None where none of the keys signed that."""
    told, _, mac = token.rpartition(".")
    operator_id, _, name = told.partition(".")
    right = [hmac.compare_digest(_mac(told, key), mac) for key in keys if mac.isascii()]
    return Device(operator_id, name) if any(right) else None


def _mac(told: str, key: Secret) -> str:
    return hmac.new(key.value.encode(), _PURPOSE + told.encode(), sha256).hexdigest()
