"""What was saved, put in force: every process takes it over within a second."""

from __future__ import annotations

import os

from smsgate.domain.errors import SmsGateError
from smsgate.gateway import Gateway
from smsgate.wiring import apply_configuration


def put_in_force(gateway: Gateway, by: str) -> tuple[str, str]:
    """Let all processes read the configuration anew; gives the id of that, or why it was not done.

    What was saved is safe in either case.
    """
    try:
        environ = os.environ  # noqa: TID251 - what this process was started with
        return apply_configuration(environ, gateway.store, by).id, ""
    except SmsGateError as error:
        return "", str(error)
