"""What a provider does not have: take it by the name of the function that it stands for."""

from __future__ import annotations

from smsgate.domain.messages import HttpCall, WebhookRequest
from smsgate.providers.contract.types import Handshake, Report
from smsgate.settings import Account


def no_handshake(request: WebhookRequest, account: Account) -> Handshake | None:
    """Confirm nothing: for providers that never ask. Import it ``as handshake``."""
    del request, account
    return None


def no_certificate(request: WebhookRequest, account: Account) -> HttpCall | None:
    """Want no certificate: for schemes with a shared secret. Import it ``as certificate``."""
    del request, account
    return None


def no_reports(request: WebhookRequest, account: Account) -> list[Report]:
    """Read no reports: for providers that send none. Import it ``as reports``."""
    del request, account
    return []
