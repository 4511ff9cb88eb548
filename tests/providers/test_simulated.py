"""The account that ``smsgate dev`` adds by two variables."""

from __future__ import annotations

import re

from pydantic import SecretStr

from smsgate.providers import usable
from smsgate.providers.twilio.simulated import simulated_account
from smsgate.settings import Account

ENVIRON = {
    "SMSGATE_SIMULATOR_TOKEN": "t0ken-of-the-simulator-in-the-tests",
    "SMSGATE_SIMULATOR_URL": "http://127.0.0.1:8000/simulator/",
}


def test_it_is_twilio_in_all_but_the_address_and_has_the_same_id_in_each_process() -> None:
    (account,), faults = simulated_account(ENVIRON)
    assert faults == []
    sid = account.options["account_sid"]
    assert account == Account(
        name="simulator",
        provider="twilio",
        options={"account_sid": sid},
        secrets={"auth_token": (SecretStr("t0ken-of-the-simulator-in-the-tests"),)},
        public_url="http://127.0.0.1:8000",
        api_url="http://127.0.0.1:8000/simulator",
        simulated=True,
    )
    assert re.fullmatch("AC[0-9a-f]{32}", sid)
    assert usable(account)
    assert simulated_account(ENVIRON) == ([account], [])


def test_without_its_variables_there_is_none() -> None:
    assert simulated_account({}) == ([], [])
