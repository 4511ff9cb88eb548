"""What was saved, put in force: every process takes it over within a second."""

from __future__ import annotations

import os

from smsgate.domain.errors import SmsGateError
from smsgate.pipeline.configuration_rollout import apply_configuration
from smsgate.pipeline.services import Services


def put_in_force(services: Services, by: str) -> tuple[str, str]:
    """Let all processes read the configuration anew; gives the id of that, or why it was not done.

    What was saved is safe in either case.
    """
    try:
        environ = os.environ  # noqa: TID251 - what this process was started with
        return apply_configuration(environ, services.store, by).id, ""
    except SmsGateError as error:
        return "", str(error)
