"""A gateway with the accounts of four providers, each of which has an opt-out list of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from smsgate.features.provider_lists.service import OptOutListSync
from smsgate.interface.parts import Parts
from smsgate.process.services import Services
from smsgate.store.keys import PARTITIONS
from tests.fakes.opt_out_list_apis import AwsList, BirdList, ListApi, TelnyxList, TwilioConsents
from tests.fakes.own_services import make_services

SENDER, OTHER_SENDER, SERVICE = "+14155550999", "+14155550888", "MG" + "1" * 32
ACCOUNTS = {
    "twilio": f"""
account_sid = "{TwilioConsents.sid}"
auth_token  = "a-token"
""",
    "telnyx": """
api_key    = "KEY123"
public_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
""",
    "bird": """
api_key        = "bk_us1_key"
webhook_secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
""",
    "aws_sns": f"""
topic_arn         = "arn:aws:sns:us-east-1:123456789012:inbound-sms"
access_key_id     = "{AwsList.key[0]}"
secret_access_key = "{AwsList.key[1]}"
opt_out_list_name = "marketing"
""",
}
ACCOUNT = """
[accounts.%(name)s]
provider     = "%(name)s"
api_url      = "%(url)s"
opt_out_list = true
%(keys)s
[programs.%(name)s_alerts]
name     = "Acme Alerts"
account  = "%(name)s"
senders  = ["+14155550999", "MG11111111111111111111111111111111"]
keywords = ["en"]

[programs.%(name)s_orders]
name     = "Acme Orders"
account  = "%(name)s"
senders  = ["+14155550888"]
keywords = ["en"]
scope    = "program"
"""
APIS: dict[str, type[ListApi]] = {
    "twilio": TwilioConsents,
    "telnyx": TelnyxList,
    "bird": BirdList,
    "aws_sns": AwsList,
}


class Clock:
    """The host's clock, as a test sets it."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


class Side:
    """One account, its provider's list, and what compares them."""

    def __init__(self, name: str, services: Services, api: ListApi, clock: Clock) -> None:
        self.account = services.settings.accounts[name]
        self.services, self.api, self.clock = services, api, clock
        self.sync = self.anew()

    def anew(self) -> OptOutListSync:
        """As another process would have it."""
        return Parts(self.services).bind(OptOutListSync, 2)(self.account, self.clock)

    def work(self, turns: int = 12) -> float:
        """Apply and record everything, then let it do some turns; the last pause."""
        for partition in range(PARTITIONS):
            self.services.applier.drain(partition)
        self.services.archiver.move_all()
        pause_s = 0.0
        for _ in range(turns):
            pause_s = self.sync.run_once()
        for partition in range(PARTITIONS):
            self.services.applier.drain(partition)
        self.services.archiver.move_all()
        return pause_s

    @property
    def state(self):
        """What is remembered."""
        return self.services.store.opt_out_lists.read(self.account.name)

    def blocked(self, number: str, program: str = "alerts") -> bool:
        """Whether the gate stops the program."""
        name = f"{self.account.name}_{program}"
        return not self.services.gate.check([number], program=name)[0].allowed


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(tmp_path, redis_url, clock) -> Iterator[Callable[..., list[Side]]]:
    """Makes the sides of some providers, in one gateway."""
    ends: list[Callable[[], None]] = []

    def made(*names: str) -> list[Side]:
        apis = [APIS[name]() for name in names]
        for api in apis:
            api.__enter__()
            ends.append(lambda api=api: api.__exit__())
        toml = "".join(
            ACCOUNT % {"name": name, "url": api.url, "keys": ACCOUNTS[name]}
            for name, api in zip(names, apis, strict=True)
        )
        services = make_services(tmp_path, redis_url, toml)
        ends.append(services.close)
        services.records.migrate()
        return [Side(name, services, api, clock) for name, api in zip(names, apis, strict=True)]

    yield made
    for end in reversed(ends):
        end()
