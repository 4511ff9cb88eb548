"""The key that monitors have: it opens ``/metrics`` and the details of ``/readyz``."""

from __future__ import annotations

from smsgate.domain.errors import Unauthorized
from smsgate.domain.signing import same
from smsgate.settings import Settings


def require_monitor_key(settings: Settings, header: str) -> None:
    """Raise ``Unauthorized`` unless an ``Authorization`` header has such a key.

    Every key is compared, so that the time does not tell which one came close.
    """
    scheme, _, given = header.partition(" ")
    keys = [*settings.metrics_keys, *settings.api_keys]
    fits = [same(given.strip(), key.value) for key in keys]
    if scheme.lower() != "bearer" or not any(fits):
        raise Unauthorized(
            "Give one of SMSGATE_METRICS_KEYS or SMSGATE_API_KEYS as `Authorization: Bearer <key>`."
        )
