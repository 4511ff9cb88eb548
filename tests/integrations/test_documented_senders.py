"""The examples of ``docs/senders.md`` for providers that are called with ``requests``."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest
import responses

from smsgate.domain.errors import Suppressed
from tests.integrations.conftest import ALLOWED, BLOCKED

PAGE = (Path(__file__).parents[2] / "docs" / "senders.md").read_text(encoding="utf-8")
AUTH_ID = "MAXXXXXXXXXXXXXXXXXX"
ANOTHER = "+14155550126"


def example(heading: str, **names: object) -> dict[str, object]:
    """What the last Python block below a heading of the page defines."""
    section = re.search(rf"(?ms)^### {heading}$(.*?)(?=^##)", PAGE)
    assert section, heading
    exec(re.findall(r"(?s)```python\n(.*?)```", section[1])[-1], names)
    return names


@pytest.fixture
def network():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def stops(network, send, url: str, allowed: object, blocked: object) -> None:
    """A blocked number refuses the send and is named; an allowed one is sent to."""
    network.post(url, json={"message_uuid": ["1"], "api_id": "2", "message": "queued"})
    with pytest.raises(Suppressed) as caught:
        send(blocked, "Sale today!")
    assert [*caught.value.refused] == [BLOCKED]
    assert len(network.calls) == 0
    send(allowed, "Sale today!")
    assert len(network.calls) == 1


def test_plivo(gate, network) -> None:
    given = example("Plivo", gate=gate, auth_id=AUTH_ID, auth_token="secret")
    url = f"https://api.plivo.com/v1/Account/{AUTH_ID}/Message/"
    stops(network, given["send"], url, [ALLOWED, ANOTHER], [ALLOWED, BLOCKED, ANOTHER])


def test_vonage(gate, network) -> None:
    given = example("Vonage", gate=gate, jwt="a.b.c")
    stops(network, given["send"], "https://api.nexmo.com/v1/messages", ALLOWED, BLOCKED)


@pytest.mark.parametrize("joined", [list, ",".join])
def test_messagebird(gate, network, joined) -> None:
    given = example("MessageBird", gate=gate, access_key="secret")
    allowed, blocked = joined([ALLOWED[1:], ANOTHER[1:]]), joined([ALLOWED[1:], BLOCKED[1:]])
    url = "https://rest.messagebird.com/messages"
    stops(network, given["send"], url, allowed, blocked)


@pytest.mark.usefixtures("services")
def test_django(network, redis_url, monkeypatch) -> None:
    conf = types.ModuleType("django.conf")
    url = "https://api.example.com/v2/messages"
    conf.settings = types.SimpleNamespace(
        SMSGATE_REDIS_URL=redis_url, SMS_API_URL=url, SMS_FROM="+14155550999"
    )
    monkeypatch.setitem(sys.modules, "django", types.ModuleType("django"))
    monkeypatch.setitem(sys.modules, "django.conf", conf)
    stops(network, example("Django")["send"], url, ALLOWED, BLOCKED)
