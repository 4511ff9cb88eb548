"""What values of the configuration must be, as rules for pydantic.

A rule raises ``ValueError`` with the end of a sentence that begins with the key. It may look at the
fields before its own (``info.data``) and at the names in the rest of the file (``info.context``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator as Rule
from pydantic import BeforeValidator, Field, GetPydanticSchema, SecretStr, ValidationInfo

from smsgate.domain.errors import InvalidNumber
from smsgate.domain.phone import e164, is_region

_PERIOD = "[1-9][0-9]{0,3} (day|week|month|year)s?"
_DAYS = {"day": 1.0, "week": 7.0, "month": 365.2425 / 12, "year": 365.2425}
_NAME, _RIGHT_NAME = "[a-z0-9][a-z0-9_-]{0,39}", "a name of a-z, 0-9, - and _, such as alerts"
_CODE = "the code of a language, such as en"
_SERVER = r"://([^/?#]*@)?(\[[^]]*\]|[^:/?#@,]*)(:\d{1,5})?([,/?#].*)?"
_SITE = r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[1-6]?\d{1,4})?"
_HOST = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+"
_ISSUER = r"https://[^/?#\s]+\S*|http://(localhost|127\.0\.0\.1|\[::1\])([:/]\S*)?"
_WEBHOOK_SECRET = "whsec_([A-Za-z0-9+/]{4}){8,21}([A-Za-z0-9+/]{2,3})?={0,2}"  # noqa: S105
"""standardwebhooks.com, "Signature scheme"."""
_REDIS = "a URL that begins with redis://, rediss:// or unix://"


def nearest(name: str, known: Collection[str]) -> str:
    """Say which of the known names was meant, as the end of a sentence."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known are " + ", ".join(sorted(known)) if known else "there are none"


def span_us(text: str) -> int | None:
    """``"5 years"`` in microseconds; None for ``"forever"``."""
    if text == "forever":
        return None
    count, unit = text.removesuffix("s").split()
    return int(int(count) * _DAYS[unit] * 86_400_000_000)


def read_as(type_: Any) -> GetPydanticSchema:  # noqa: ANN401 - any type that pydantic knows
    """Read a field as if it had another type, whose rules make the value."""
    return GetPydanticSchema(lambda _, handler: handler(type_))


def matches(pattern: str, right: str) -> Rule:
    """Make the rule that a text must match the whole pattern, which ``right`` says in words."""

    def rule(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {right}")
        return text

    return Rule(rule)


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _signing(secrets: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
    pattern, right = _WEBHOOK_SECRET, "whsec_ and 24 to 64 random bytes in base64, to sign calls"
    if is_original := info.data.get("as_") == "original":
        pattern, right = "[!-~]+", "a token without blanks"
    if not (secrets or is_original) or not all(
        re.fullmatch(pattern, one.get_secret_value()) for one in secrets
    ):
        raise ValueError(f"must be {right}")
    return secrets


def _not_in_the_clear(url: str, info: ValidationInfo) -> str:
    if url.startswith("http://") and not info.data.get("allow_private"):
        raise ValueError("must be https: numbers would go over the internet for everybody to read")
    return url


def _region(text: str) -> str:
    if text and not is_region(text):
        raise ValueError("must be the two capital letters of a country, such as US")
    return text


def _known_account(name: str, info: ValidationInfo[Any]) -> str:
    if name in info.context["accounts"]:
        return name
    raise ValueError(f"there is no account {name!r}: {nearest(name, info.context['accounts'])}")


def _claimed_once(claimed: str, info: ValidationInfo[Any], *scope: str) -> str:
    first = info.context["claims"].setdefault((claimed, *scope), info.data["name"])
    if first != info.data["name"]:
        raise ValueError(f"{claimed!r} belongs to programs.{first} already: take it out of one")
    return claimed


def _former_name(name: str, info: ValidationInfo[Any]) -> str:
    if name in info.context["programs"]:
        raise ValueError(f"{name!r} is still a program here")
    return _claimed_once(name, info)


def _sender(text: str, info: ValidationInfo) -> str:
    """A number in E.164, for that is how providers name it; other senders as they are."""
    if re.fullmatch(r"[+0-9(][0-9 ()./-]*", text) and not re.fullmatch(r"[0-9]{3,8}", text):
        try:
            text = e164(text, info.data.get("region", ""))
        except InvalidNumber as error:
            raise ValueError(str(error)) from None
    return _claimed_once(text, info, "sender of", info.data.get("account", ""))


def _wording(text: str, info: ValidationInfo) -> str:
    """Text in square brackets is left out of a reply where the program has no contact."""
    if re.search(r"[{}]", re.sub(r"\{(program|contact)\}", "", text)):
        raise ValueError("has braces: they are for {program} and {contact} alone")
    contact = (info.data or info.context or {}).get("contact")  # read alone, it is in the context
    if not contact and "{contact}" in re.sub(r"\[[^\]]*\]", "", text):
        raise ValueError("uses {contact}, but the program has no contact: give one")
    return text


def _apprise_url(url: str) -> str:
    """Whether Apprise knows the service only Apprise can tell: `smsgate alerts test`."""
    if not re.fullmatch(r"[a-z][a-z0-9+-]*://\S+", url):
        raise ValueError("must be an address, such as mailtos://…, slack://… or json://…")
    parts, here = urlsplit(url), ("localhost", "127.0.0.1", "::1")
    if parts.scheme == "mailto" and parts.password and parts.hostname not in here:
        raise ValueError("would let the password be read on its way: write mailtos://")
    return url


ReadOnly = Rule(MappingProxyType)
Once = Rule(lambda several: tuple(dict.fromkeys(several)))
_RightSpan = matches(f"{_PERIOD}|forever", 'a period, such as "90 days" or "5 years", or "forever"')
Span = Annotated[int | None, read_as(Annotated[str, _RightSpan, Rule(span_us)])]
_WithoutSlash = Rule(lambda text: text.rstrip("/"))
AccountName = Annotated[str, matches(f"(?!simulator$){_NAME}", f"{_RIGHT_NAME}, not simulator")]
ProgramName = Annotated[str, matches(f"(?!all$){_NAME}", f"{_RIGHT_NAME}, not all")]
FormerName = Annotated[str, matches(_NAME, _RIGHT_NAME), Rule(_former_name)]
Filled = Annotated[str, Field(min_length=1)]
KnownAccount = Annotated[Filled, Rule(_known_account)]
Sender = Annotated[Filled, Rule(_sender)]
SetName = Annotated[str, matches(r"\*|[a-z0-9][A-Za-z0-9_-]{0,39}", f"{_CODE}, or * for all")]
Language = Annotated[str, matches("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", f"{_CODE} or pt-BR")]
Region = Annotated[str, Rule(_region)]
Wording = Annotated[str, Field(min_length=1, max_length=1600), Rule(_wording)]
HostName = Annotated[str, matches(_HOST, "a host name or an IP address, without a port")]
Hosts = Annotated[tuple[HostName, ...], BeforeValidator(lambda text: _parts(text.lower()))]
_RIGHT_BASE = "a web address without user, query and fragment, such as https://sms.example.com"
BaseUrl = Annotated[str, matches(rf"({_SITE}(/[!\"$->@-~]*)?)?", _RIGHT_BASE), _WithoutSlash]
_RIGHT_URL = "a web address without user and fragment, such as https://app.example.com/sms"
_Url = Annotated[str, matches(rf"{_SITE}([/?][!\"$-~]*)?", _RIGHT_URL)]
CalledAddress = Annotated[_Url, Rule(_not_in_the_clear)]
Issuer = Annotated[str, matches(_ISSUER, "an https URL, as https://example.com"), _WithoutSlash]
SecretText = Annotated[SecretStr, Field(min_length=1)]
_AppriseUrl = Annotated[Filled, Rule(_apprise_url)]
AppriseUrl = Annotated[SecretStr, read_as(Annotated[_AppriseUrl, Rule(SecretStr)])]
_IsMail = matches("mailtos?://.*", "a mail server, such as mailtos://user:…@host?from=…")
MailUrl = Annotated[SecretStr, read_as(Annotated[_AppriseUrl, _IsMail, Rule(SecretStr)])]
_ReadSecrets = Annotated[str, Rule(lambda text: tuple(map(SecretStr, _parts(text))))]
Secrets = Annotated[tuple[SecretStr, ...], read_as(_ReadSecrets)]
"""Comma separated in the file, newest first."""
SigningSecrets = Annotated[Secrets, Rule(_signing)]
RedisUrl = Annotated[str, matches(rf"(rediss?|unix)(\+\w+)?{_SERVER}", _REDIS)]
QueueUrl = Annotated[str, matches(f"(rediss?|unix){_SERVER}", f"{_REDIS}, a plain one for RQ")]
_Sql = matches(rf"(sqlite|postgres(ql)?)(\+\w+)?{_SERVER}", "a URL of sqlite:// or postgresql://")
DatabaseUrl = Annotated[str, _Sql]
