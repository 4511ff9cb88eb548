"""A gateway in this process, on the real Redis and a fake Twilio API over loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from smsgate.domain.messages import InboundMessage, Intent, WebhookRequest
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import build_services
from smsgate.providers import PROVIDERS
from tests.fakes.twilio_api import TwilioApi
from tests.fakes.values import NUMBER

twilio = PROVIDERS["twilio"]

SID = "AC" + "5" * 32
TOKEN = "a-token-of-the-tests"
SENDER = "+14155550999"
PUBLIC_URL = "https://sms.example.com"

CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "${TWILIO_ACCOUNT_SID}"
auth_token  = "${TWILIO_AUTH_TOKEN}"
api_url     = "%(api)s"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["+14155550999"]
keywords = ["en", "es", "fr"]
region   = "US"
confirm  = "always"
contact  = "help@acme.example"

[programs.orders]
name     = "Acme Orders"
account  = "twilio"
senders  = ["+14155550888"]
keywords = ["en"]
kind     = "service"
scope    = "program"
region   = "US"

[programs.club]
name     = "Acme Club"
account  = "twilio"
senders  = ["+14155550666"]
keywords = ["en"]
scope    = "program"
region   = "US"
confirm  = "always"
require_consent = true
double_opt_in   = true

[programs.quiet]
name     = "Acme Quiet"
account  = "twilio"
senders  = ["+14155550777"]
keywords = ["en"]
confirm  = "never"
region   = "US"
"""


@pytest.fixture
def api() -> Iterator[TwilioApi]:
    with TwilioApi({SID: TOKEN}) as fake:
        yield fake


@pytest.fixture
def environ(tmp_path, redis_url, api) -> dict[str, str]:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "smsgate.toml").write_text(CONFIG % {"api": api.url})
    return {
        "SMSGATE_CONFIG": str(folder),
        "SMSGATE_PRIVATE_HOSTS": "127.0.0.1",
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
        "SMSGATE_PUBLIC_URL": PUBLIC_URL,
        "SMSGATE_API_KEYS": "a-key-that-is-long-enough-for-tests",
        "TWILIO_ACCOUNT_SID": SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
    }


@pytest.fixture
def bare_services(environ):
    """On a store without metadata."""
    services = build_services(load_configuration(environ))
    yield services
    services.close()


@pytest.fixture
def services(bare_services):
    bare_services.store.metadata.create(buckets=8)
    publish_programs(bare_services.settings, bare_services.store)
    return bare_services


Signed = Callable[..., WebhookRequest]


@pytest.fixture
def signed(services) -> Signed:
    """A correctly signed webhook; ids are made up one after another unless given."""
    count = iter(range(1, 1_000_000))

    def build(
        text: str,
        number: str = NUMBER,
        *,
        sender: str = SENDER,
        message_id: str = "",
        flag: Intent | None = None,
        channel: str = "sms",
    ) -> WebhookRequest:
        message = InboundMessage(
            account="twilio",
            message_id=message_id or f"SM{next(count):032x}",
            number=number,
            sender=sender,
            text=text,
            flag=flag,
            channel=channel,
        )
        account = services.settings.accounts["twilio"]
        return twilio.inbound(message, account, f"{PUBLIC_URL}/webhooks/twilio")

    return build
