"""The services of a process: whom they call, and what is left of them at their end."""

from __future__ import annotations

from contextlib import closing

import pytest

from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.process.configuration import load_configuration
from smsgate.process.services import build_services

SIMULATOR = {
    "SMSGATE_SIMULATOR_TOKEN": "a-token-of-the-simulator-in-tests",
    "SMSGATE_SIMULATOR_URL": "http://127.0.0.1:8000/simulator",
}


@pytest.mark.parametrize(
    ("more", "is_called"),
    [
        ({"SMSGATE_PRIVATE_HOSTS": ""}, False),
        ({"SMSGATE_PRIVATE_HOSTS": "127.0.0.1"}, True),
        ({"SMSGATE_PRIVATE_HOSTS": "", **SIMULATOR}, True),
    ],
)
def test_providers_on_this_machine_are_called_where_the_operator_allows_it_and_in_dev(
    environ, api, more, is_called
) -> None:
    with closing(build_services(load_configuration(environ | more))) as services:
        call = HttpCall("GET", f"{api.url}/")
        if is_called:
            assert services.outbound.perform(call).status
        else:
            with pytest.raises(CallFailed, match="not on the public internet"):
                services.outbound.perform(call)
