"""The shape of ``smsgate.toml``, and pydantic's complaints in our own words."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

_NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"
_SET_NAME = r"^(\*|[a-z0-9][A-Za-z0-9_-]{0,39})$"
_LANGUAGE = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
HOST_NAME = r"^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+)$"
AccountName = Annotated[str, StringConstraints(pattern=_NAME)]
ProgramName = AccountName
SetName = Annotated[str, StringConstraints(pattern=_SET_NAME)]
Language = Annotated[str, StringConstraints(pattern=_LANGUAGE)]
HostName = Annotated[str, StringConstraints(pattern=HOST_NAME)]
Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Wording = Annotated[str, StringConstraints(min_length=1, max_length=1600)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AccountTable(BaseModel):
    """``[accounts.NAME]``: four keys of ours, the rest is the provider's."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    __pydantic_extra__: dict[str, str]

    provider: Filled
    public_url: str = ""
    api_url: str = ""
    rate: Annotated[float, Field(ge=0, le=10_000, strict=False)] = 0.0
    silent_hours: Annotated[float, Field(ge=0, le=720, strict=False)] = 0.0
    opt_out_list: bool = False


class RepliesTable(_Table):
    """``[programs.NAME.replies.LANGUAGE]``: the operator's own wording."""

    opt_out: Wording | None = None
    opt_in: Wording | None = None
    help: Wording | None = None
    question: Wording | None = None
    opt_out_line: Wording | None = None


class FeedTable(_Table):
    """``[programs.NAME.feed]``: where changes of consent are sent, by Standard Webhooks."""

    url: Filled
    secret: Filled
    allow_private: bool = False


class ForwardTable(_Table):
    """``[programs.NAME.forward]``: the operator's own application, to which messages go on."""

    url: Filled
    secret: str = ""
    messages: Literal["all", "no_keywords"] = "no_keywords"
    as_: Annotated[Literal["standard_webhooks", "original"], Field(alias="as")] = (
        "standard_webhooks"
    )
    allow_private: bool = False


class ProgramTable(_Table):
    """``[programs.NAME]``."""

    name: Filled
    account: Filled
    senders: Annotated[list[Filled], Field(min_length=1)]
    keywords: Annotated[list[SetName], Field(min_length=1)]
    kind: Literal["marketing", "service"] = "marketing"
    scope: Literal["all", "program"] = "all"
    region: str = ""
    confirm: Literal["auto", "always", "never"] = "auto"
    replies: dict[Language, RepliesTable] = {}
    formerly: list[ProgramName] = []
    opt_out_words: list[Filled] = []
    templates: list[Filled] = []
    contact: str = ""
    require_consent: bool = False
    double_opt_in: bool = False
    feed: FeedTable | None = None
    forward: ForwardTable | None = None


class ApiTable(_Table):
    """``[api]``."""

    calls_per_second: Annotated[float, Field(ge=0, le=1_000_000, strict=False)] = 1_000.0
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 2_000


class EmailTable(_Table):
    """``[alerts.email]``."""

    host: Filled
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    user: str = ""
    password: str = ""
    from_: Annotated[Filled, Field(alias="from")]
    to: Annotated[list[Filled], Field(min_length=1, max_length=20)]
    tls: Literal["starttls", "tls", "none"] = "starttls"


class TextTable(_Table):
    """``[alerts.text]``."""

    account: Filled
    from_: Annotated[Filled, Field(alias="from")]
    to: Annotated[list[Filled], Field(min_length=1, max_length=10)]


class AlertsTable(_Table):
    """``[alerts]``."""

    webhook: str = ""
    email: EmailTable | None = None
    text: TextTable | None = None


class OidcTable(_Table):
    """``[oidc]``."""

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    name: Annotated[str, Field(min_length=1, max_length=40)] = "single sign-on"


class WebTable(_Table):
    """``[web]``."""

    trust_proxy: bool = False
    hosts: list[HostName] = []


_WRONG_TYPE = {
    "string_type": "must be text in quotes",
    "list_type": 'must be a list, such as ["…", "…"]',
    "bool_type": "must be true or false",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "missing": "is missing: it has to be given",
    "too_short": "must name at least one",
    "string_too_short": "is empty: give a text",
    "string_too_long": "is longer than {max_length} characters",
    "literal_error": "must be {expected}",
}
_RIGHT_TEXTS = {
    _NAME: "must be lower-case letters, digits, - and _, such as alerts",
    _SET_NAME: "must be the code of a language, such as en, or * for all",
    _LANGUAGE: "must be the code of a language, such as en or pt-BR",
    HOST_NAME: "must be a host name or an IP address, such as sms.example.com",
}
"""By pattern what a text that does not fit must be."""


_WORDINGS = tuple(RepliesTable.model_fields)
_BELOW = {
    "feed": tuple(FeedTable.model_fields),
    "forward": tuple(one.alias or name for name, one in ForwardTable.model_fields.items()),
    "email": tuple(one.alias or name for name, one in EmailTable.model_fields.items()),
    "text": tuple(one.alias or name for name, one in TextTable.model_fields.items()),
}
"""The right keys of tables below a program's, and below ``[alerts]``."""


def complaints(error: ValidationError, known: Sequence[str]) -> list[tuple[str, str]]:
    """Return key (dotted, below the table) and problem of each thing that pydantic refused.

    ``known`` are the right keys of the table, for the nearest one to a misspelt key.
    """
    return [
        (
            ".".join(str(part) for part in found["loc"] if part != "[key]"),
            _sentence(found["type"], found.get("ctx", {}), found["loc"], known),
        )
        for found in error.errors(include_url=False, include_input=False)
    ]


def nearest(name: str, known: Sequence[str]) -> str:
    """Say which of the known names was meant, as the end of a sentence."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known are " + ", ".join(sorted(known)) if known else "there are none"


def _sentence(
    kind: str, context: Mapping[str, Any], loc: tuple[int | str, ...], known: Sequence[str]
) -> str:
    if kind == "extra_forbidden":
        right = known if len(loc) == 1 else _BELOW.get(str(loc[0]), _WORDINGS)
        return f"there is no such key: {nearest(str(loc[-1]), right)}"
    if kind == "string_pattern_mismatch":
        return _RIGHT_TEXTS[context["pattern"]]
    return _WRONG_TYPE.get(kind, "will not do ({kind})").format(kind=kind, **context)
