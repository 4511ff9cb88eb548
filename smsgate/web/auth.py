"""API keys: ``Authorization: Bearer <key>``, compared in constant time."""

from __future__ import annotations

from collections.abc import Sequence

from smsgate.errors import Unauthorized
from smsgate.settings import Secret
from smsgate.signing import same


def require_key(header: str, keys: Sequence[Secret]) -> None:
    """Return if the header carries one of the keys; raise ``Unauthorized`` otherwise.

    Without any key configured nobody gets in. Every key is compared, so that the time does not
    tell which one came close.
    """
    scheme, _, given = header.partition(" ")
    matches = [same(given.strip(), key.value) for key in keys]
    if scheme.lower() != "bearer" or not any(matches):
        raise Unauthorized("Give one of SMSGATE_API_KEYS as `Authorization: Bearer <key>`.")
