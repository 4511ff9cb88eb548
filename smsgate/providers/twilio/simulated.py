"""The account that ``smsgate dev`` adds, by which texts come without a provider.

It is Twilio in all but the address, so that what is tried in ``dev`` is what runs later.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from pydantic import SecretStr

from smsgate.domain.errors import Fault
from smsgate.providers.fields import weakness
from smsgate.settings import Account


def simulated_account(environ: Mapping[str, str]) -> tuple[list[Account], list[Fault]]:
    """Return the account that two variables ask for, none without them, and what is wrong."""
    token, url = (environ.get(f"SMSGATE_SIMULATOR_{part}", "").strip() for part in ("TOKEN", "URL"))
    if not (token or url):
        return [], []
    if not (token and url):
        problem = "needs SMSGATE_SIMULATOR_TOKEN as well as the URL"
        return [], [Fault("environment", "SMSGATE_SIMULATOR_URL", problem)]
    if problem := weakness([token]):
        return [], [Fault("environment", "SMSGATE_SIMULATOR_TOKEN", problem)]
    account = Account(
        name="simulator",
        provider="twilio",
        options={"account_sid": f"AC{sha256(f'account of {token}'.encode()).hexdigest()[:32]}"},
        secrets={"auth_token": (SecretStr(token),)},
        public_url=url.rstrip("/").removesuffix("/simulator"),
        api_url=url.rstrip("/"),
        simulated=True,
    )
    return [account], []
