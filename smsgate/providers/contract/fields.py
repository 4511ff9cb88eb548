"""Fields of accounts that several providers read."""

from __future__ import annotations

from smsgate.providers.contract.types import Field

PATH_SECRET = Field(
    "secret",
    r"[A-Za-z0-9._~-]+",
    "a random text of letters, digits, -, _, . and ~, the last part of the webhook's address",
    secret=True,
    chosen=True,
)
REGION = Field("region", r"[A-Z]{2}", "two capital letters, such as US", required=False)
