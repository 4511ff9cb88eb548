"""A program that only asks the gate loads neither the server nor what reads its configuration."""

from __future__ import annotations

import subprocess
import sys

import pytest

SERVER = {"alembic", "click", "flask", "pydantic", "rich", "rq", "sqlalchemy", "twilio", "werkzeug"}
ASKING = [
    ("from smsgate import Gate", SERVER),
    ("from smsgate import AsyncGate", SERVER),
    ("import smsgate.client", SERVER | {"redis"}),
    ("from smsgate import AsyncSmsGate", SERVER | {"redis"}),
    ("import smsgate.errors", SERVER | {"redis", "requests"}),
    ("import smsgate.integrations", SERVER | {"redis", "requests"}),
    ("import smsgate.integrations.requests", SERVER | {"redis"}),
    ("import smsgate.integrations.twilio", (SERVER | {"redis"}) - {"twilio"}),
]

PHONE_DATA = ("phonenumbers.geodata", "phonenumbers.carrierdata", "phonenumbers.data.region_")
"""Megabytes about places and carriers, and the plan of each region, read when a number comes."""


@pytest.mark.parametrize(("statement", "unwanted"), ASKING, ids=[one for one, _ in ASKING])
def test_asking_loads_nothing_of_the_server(statement, unwanted) -> None:
    shown = "import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\n{shown}"], capture_output=True, text=True, check=True
    )
    loaded = done.stdout.split()
    assert unwanted.isdisjoint(name.partition(".")[0] for name in loaded)
    assert not [name for name in loaded if name.startswith(PHONE_DATA)]
