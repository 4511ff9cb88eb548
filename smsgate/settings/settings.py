"""Everything that an operator decides, once it is read: frozen, and safe to print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from smsgate.settings.applications import Secret
from smsgate.settings.retention import BY_DEFAULT, Retention
from smsgate.settings.values import Account, Programs


@dataclass(frozen=True, slots=True)
class Mailbox:
    """How alerts leave by e-mail, and to whom."""

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class SmsRecipients:
    """Who gets alerts as texts, and the account and sender that they come from."""

    account: str
    sender: str
    to: tuple[str, ...] = field(repr=False)
    """E.164."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """The channels of alerts; None is one that is not configured."""

    webhook: Secret | None = None
    """Its address is a secret."""
    email: Mailbox | None = None
    text: SmsRecipients | None = None


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """The OpenID Connect provider by which people may sign in to the console."""

    issuer: str
    client_id: str
    client_secret: Secret
    name: str
    """As the page to sign in names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator decides."""

    redis_url: str = field(repr=False)
    queue_url: str = field(repr=False)
    database_url: str = field(repr=False)
    config_dir: Path
    data_dir: Path
    public_url: str
    api_keys: tuple[Secret, ...]
    """Keys that open ``/v1``; none means that nobody may call it."""
    secret_keys: tuple[Secret, ...]
    """What sessions and links are signed with, newest first."""
    port: int
    web_concurrency: int
    """Processes that serve."""
    trust_proxy: bool
    accounts: Mapping[str, Account]
    programs: Programs
    web_threads: int = 32
    """Requests that one of them works on at once."""
    retention: Retention = BY_DEFAULT
    calls_per_second: float = 1_000.0
    """How often each API key may call in the long run; 0 is as often as it likes."""
    burst: int = 2_000
    """How many calls a key may make at once after a pause."""
    metrics_keys: tuple[Secret, ...] = ()
    """Keys that open ``/metrics`` and nothing else."""
    document: str = ""
    """Hash of what ``smsgate.toml`` says, before the environment is put in."""
    alerts: Alerts = Alerts()
    single_sign_on: SingleSignOn | None = None
    secret_files: tuple[Path, ...] = ()
    """Files of values that were read, which variables ``NAME_FILE`` named."""
    hosts: tuple[str, ...] = ()
    """Names under which the console answers beside that of the public URL."""
    private_hosts: tuple[str, ...] = ()
    """Hosts of providers that need not be on the public internet."""
