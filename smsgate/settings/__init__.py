"""Everything that an operator decides: frozen, and safe to print.

pydantic reads the environment and ``smsgate.toml`` into these dataclasses. What a field's rules
look at stands before it. Rules apply to what is read, not to what code makes or copies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt

from smsgate.domain.messages import ALL
from smsgate.domain.program import ProgramProfile
from smsgate.settings import rules
from smsgate.settings.rules import Filled, ReadOnly, Span, read_as, span_us
from smsgate.settings.values import ANY_SENDER as ANY_SENDER
from smsgate.settings.values import Account as Account
from smsgate.settings.values import Programs as Programs
from smsgate.settings.values import Table

ReplyKind = Literal["opt_out", "opt_in", "help", "question", "opt_out_line"]
_ReadReplies = Mapping[rules.Language, Annotated[Mapping[ReplyKind, rules.Wording], ReadOnly]]
Replies = Annotated[Mapping[str, Mapping[str, str]], read_as(Annotated[_ReadReplies, ReadOnly])]
"""By language and kind the operator's own wording, and the ``opt_out_line`` under texts."""
ACCOUNT_KEYS = ("provider", "public_url", "api_url", "rate", "silent_hours", "opt_out_list")
"""Keys of an account that are the same for every provider."""
_90_DAYS, _5_YEARS = span_us("90 days"), span_us("5 years")


class Feed(Table, kw_only=True):
    """``[programs.NAME.feed]``: where changes of consent are sent (``consent.changed``)."""

    allow_private: StrictBool = False
    """Whether the address may be one that is not on the public internet."""
    url: rules.CalledAddress = field(repr=False)
    secrets: Annotated[rules.SigningSecrets, Field(validation_alias="secret")]
    """``whsec_…``, newest first; a call is signed with each of them."""


class Application(Table, kw_only=True):
    """``[programs.NAME.forward]``: the operator's own application, to which messages go on."""

    allow_private: StrictBool = False
    """Whether the address may be one that is not on the public internet."""
    url: rules.CalledAddress = field(repr=False)
    as_: Literal["standard_webhooks", "original"] = "standard_webhooks"
    secrets: Annotated[rules.SigningSecrets, Field(validation_alias="secret")] = ()
    """Newest first. Of ours: ``whsec_…``, a call is signed with each of them. Of the provider's:
    the token to sign with, where it is not the account's own."""
    messages: Literal["all", "no_keywords"] = "no_keywords"


class Program(Table, ProgramProfile, kw_only=True):
    """``[programs.NAME]``: senders, keywords, replies, kind and scope that belong together."""

    name: Annotated[str, Field(validation_alias="(name)")]
    title: Annotated[Filled, Field(validation_alias="name")]
    account: rules.KnownAccount
    region: rules.Region = ""
    senders: Annotated[tuple[rules.Sender, ...], Field(min_length=1), rules.Once]
    keywords: Annotated[tuple[rules.SetName, ...], Field(min_length=1)]
    kind: Literal["marketing", "service"] = "marketing"
    scope: Literal["all", "program"] = "all"
    confirm: Literal["auto", "always", "never"] = "auto"
    contact: str = ""
    replies: Replies = field(default_factory=dict)
    formerly: tuple[rules.FormerName, ...] = ()
    opt_out_words: tuple[Filled, ...] = ()
    templates: tuple[Filled, ...] = ()
    require_consent: StrictBool = False
    """Whether the gate lets it text only numbers with a consent on record."""
    double_opt_in: StrictBool = False
    """Whether an opt-in by text is asked back: "Reply YES to confirm"."""
    feed: Feed | None = None
    forward: Application | None = None

    @property
    def stop_scope(self) -> str:
        """Where a STOP to it holds: ``all``, or its own name."""
        return ALL if self.scope == "all" else self.name


class Web(Table):
    """``[web]``."""

    trust_proxy: StrictBool = False
    hosts: tuple[rules.HostName, ...] = ()
    """Names under which the console answers beside that of the public URL."""
    mail: rules.MailUrl | None = None
    """By what the console sends e-mails to people."""


class Api(Table):
    """``[api]``."""

    calls_per_second: Annotated[float, Field(ge=0, le=1_000_000)] = 1_000.0
    """How often each API key may call in the long run; 0 is as often as it likes."""
    burst: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 2_000
    """How many calls a key may make at once after a pause."""


class Alerts(Table):
    """``[alerts]``: where alerts go."""

    to: Annotated[tuple[rules.AppriseUrl, ...], Field(max_length=20)] = ()
    """URLs of Apprise, each a secret."""


class SingleSignOn(Table):
    """``[oidc]``: the OpenID Connect provider by which people may sign in to the console."""

    issuer: rules.Issuer
    client_id: Filled
    client_secret: rules.SecretText
    name: Annotated[str, Field(min_length=1, max_length=40)] = "single sign-on"
    """As the page to sign in names it."""


class Retention(Table):
    """How long events stay, in microseconds; None is for ever.

    Evidence of consent and opt-out: five years (47 CFR 64.1200(d)(6), 16 CFR 310.5, German UWG 7a);
    raw texts that asked for nothing, and what passed between subscribers and applications: short.
    A suppression never ends, nor what it rests on.
    """

    texts_us: Span = _90_DAYS
    """Texts of events whose text is no evidence."""
    opt_out_us: Span = _5_YEARS
    opt_in_us: Span = _5_YEARS
    consent_us: Span = _5_YEARS
    lock_us: Span = None
    review_us: Span = _5_YEARS
    help_us: Span = _5_YEARS
    reply_us: Span = _5_YEARS
    unrouted_us: Span = _5_YEARS
    ordinary_us: Span = _90_DAYS
    others_us: Span = _5_YEARS


_OWN_REDIS = "redis://127.0.0.1:6379/0"
_SAME_SERVER = Field(default_factory=lambda data: data.get("redis_url", _OWN_REDIS))
_OWN_FILE = Field(default_factory=lambda data: f"sqlite:///{data['data_dir'] / 'records.sqlite3'}")
_ByName = Mapping[rules.ProgramName, Program]
_ReadPrograms = Annotated[_ByName, AfterValidator(lambda found: Programs(found.values()))]


class Settings(Table, kw_only=True):
    """Everything that an operator decides: first what variables say, then the tables."""

    redis_url: rules.RedisUrl = field(default=_OWN_REDIS, repr=False)
    queue_url: Annotated[rules.QueueUrl, _SAME_SERVER] = field(repr=False)
    config_dir: Path = Path("config")
    data_dir: Path = Path("var")
    database_url: Annotated[rules.DatabaseUrl, _OWN_FILE] = field(repr=False)
    public_url: rules.BaseUrl = ""
    api_keys: rules.Secrets = ()
    """Keys that open ``/v1``; none means that nobody may call it."""
    secret_keys: rules.Secrets = ()
    """What sessions and links are signed with, newest first."""
    metrics_keys: rules.Secrets = ()
    """Keys that open ``/metrics`` and nothing else."""
    private_hosts: rules.Hosts = ()
    """Hosts of providers that need not be on the public internet."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    web_concurrency: Annotated[int, Field(ge=1, le=256)] = 2
    """Processes that serve."""
    web_threads: Annotated[int, Field(ge=1, le=256)] = 32
    """Requests that one of them works on at once."""
    accounts: Annotated[Mapping[rules.AccountName, Account], ReadOnly] = field(default_factory=dict)
    programs: Annotated[Programs, read_as(_ReadPrograms)] = field(default_factory=Programs)
    web: Web = Web()
    api: Api = Api()
    alerts: Alerts = Alerts()
    oidc: SingleSignOn | None = None
    retention: Retention = Retention()
    secret_files: tuple[Path, ...] = ()
    """Files of values that were read, which variables ``NAME_FILE`` named."""


TABLES = {
    "programs.NAME": Program,
    "programs.NAME.feed": Feed,
    "programs.NAME.forward": Application,
    "web": Web,
    "api": Api,
    "alerts": Alerts,
    "oidc": SingleSignOn,
    "retention": Retention,
}
"""What tables of ``smsgate.toml`` become; those of accounts have keys of providers as well."""
