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

from pydantic import AfterValidator, BeforeValidator, Field, GetPydanticSchema, ValidationInfo

from smsgate.domain.errors import InvalidNumber
from smsgate.domain.phone import e164, is_region
from smsgate.settings.secret import Secret, weakness

EMAIL_ADDRESS = "[!-?A-~]+@[!-?A-~]+"
_NAME = "[a-z0-9][a-z0-9_-]{0,39}"
_SET_NAME = r"\*|[a-z0-9][A-Za-z0-9_-]{0,39}"
_LANGUAGE = "[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"
_HOST = "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+"
_SERVER = r"(\+\w+)?://([^/?#]*@)?(\[[^]]*\]|[^:/?#@,]*)(:\d{1,5})?([,/?#].*)?"
_SITE = r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[1-6]?\d{1,4})?"
_ISSUER = r"https://[^/?#\s]+\S*|http://(localhost|127\.0\.0\.1|\[::1\])([:/]\S*)?"
_WEBHOOK_SECRET = "whsec_([A-Za-z0-9+/]{4}){8,21}([A-Za-z0-9+/]{2,3})?={0,2}"  # noqa: S105
"""standardwebhooks.com, "Signature scheme"."""
_RIGHT_SECRET = "write whsec_ and 24 to 64 random bytes in base64"  # noqa: S105
_RIGHT_LANGUAGE = "must be the code of a language, such as en"
_NO_HOST = "is no host: give host names or IP addresses, without ports"
_NO_URL = "is no URL that can be used here: it must begin with"
_REDIS, _SQL = "redis://, rediss://, unix://", "sqlite://, postgresql://"
_NO_BASE = "is no web address without user, query or fragment: write it as https://sms.example.com"
_NO_SITE = "is no web address without user and fragment: write it as https://app.example.com/sms"
_HERE = ("localhost", "127.0.0.1", "::1")
_NO_ISSUER = "must be an https address, such as https://login.example.com"


def nearest(name: str, known: Collection[str]) -> str:
    """Say which of the known names was meant, as the end of a sentence."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known are " + ", ".join(sorted(known)) if known else "there are none"


def read_as(type_: Any) -> GetPydanticSchema:  # noqa: ANN401 - any type that pydantic knows
    """Read a field as if it had another type, whose rules make the value."""
    return GetPydanticSchema(lambda _, handler: handler(type_))


def matches(pattern: str, problem: str) -> AfterValidator:
    """Make the rule that a text must match the whole pattern."""

    def rule(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(problem)
        return text

    return AfterValidator(rule)


def _not_in_the_clear(url: str, info: ValidationInfo) -> str:
    if url.startswith("http://") and not info.data.get("allow_private"):
        raise ValueError("must be https: numbers would go over the internet for everybody to read")
    return url


def _secrets(text: str) -> tuple[Secret, ...]:
    return tuple(Secret(part.strip()) for part in text.split(",") if part.strip())


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.lower().split(",") if part.strip())


def _strong(secrets: tuple[Secret, ...]) -> tuple[Secret, ...]:
    if problem := weakness([one.value for one in secrets]):
        raise ValueError(problem)
    return secrets


def _signing(secrets: tuple[Secret, ...], info: ValidationInfo) -> tuple[Secret, ...]:
    if info.data.get("as_") == "original":
        if not all(re.fullmatch(r"[!-~]+", one.value) for one in secrets):
            raise ValueError("is no token: it must be without blanks")
    elif not secrets:
        raise ValueError(f"is missing: calls are signed with it; {_RIGHT_SECRET}")
    elif not all(re.fullmatch(_WEBHOOK_SECRET, one.value) for one in secrets):
        raise ValueError(f"is no secret of Standard Webhooks: {_RIGHT_SECRET}")
    return secrets


def _region(text: str) -> str:
    if text and not is_region(text):
        raise ValueError("is no region: write two capital letters, such as US")
    return text


def _known_account(name: str, info: ValidationInfo[Any]) -> str:
    if name not in info.context["accounts"]:
        right = nearest(name, info.context["accounts"])
        raise ValueError(f"there is no account {name!r}: {right}")
    return name


def _claimed_once(claimed: str, info: ValidationInfo[Any], *scope: str) -> str:
    first = info.context["claims"].setdefault((claimed, *scope), info.data["name"])
    if first != info.data["name"]:
        right = "leave it in one of them"
        raise ValueError(f"{claimed!r} belongs to programs.{first} already: {right}")
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
    if not info.data.get("contact") and "{contact}" in re.sub(r"\[[^\]]*\]", "", text):
        raise ValueError("uses {contact}, but the program has no contact: give one")
    return text


def _apprise_url(url: str) -> str:
    """Whether Apprise knows the service only Apprise can tell: `smsgate alerts test`."""
    if not re.fullmatch(r"[a-z][a-z0-9+-]*://\S+", url):
        raise ValueError("is no address: write it as mailtos://…, slack://… or json://…")
    parts = urlsplit(url)
    if parts.scheme == "mailto" and parts.password and parts.hostname not in _HERE:
        raise ValueError("would let the password be read on its way: write mailtos://")
    return url


ReadOnly = AfterValidator(MappingProxyType)
Once = AfterValidator(lambda several: tuple(dict.fromkeys(several)))
_Name = Annotated[str, matches(_NAME, "is no fit name: use a-z, 0-9, - and _, such as alerts")]
_IsNotOfDev = matches("(?!simulator$).*", "this name is kept for `smsgate dev`: choose another")
_IsNoScope = matches("(?!all$).*", "stands for every program as a scope: choose another name")
AccountName = Annotated[_Name, _IsNotOfDev]
ProgramName = Annotated[_Name, _IsNoScope]
FormerName = Annotated[_Name, AfterValidator(_former_name)]
Filled = Annotated[str, Field(min_length=1)]
KnownAccount = Annotated[Filled, AfterValidator(_known_account)]
Sender = Annotated[Filled, AfterValidator(_sender)]
SetName = Annotated[str, matches(_SET_NAME, f"{_RIGHT_LANGUAGE}, or * for all")]
Language = Annotated[str, matches(_LANGUAGE, f"{_RIGHT_LANGUAGE} or pt-BR")]
Region = Annotated[str, AfterValidator(_region)]
Wording = Annotated[str, Field(min_length=1, max_length=1600), AfterValidator(_wording)]
HostName = Annotated[str, matches(_HOST, _NO_HOST)]
_WithoutSlash = AfterValidator(lambda text: text.rstrip("/"))
BaseUrl = Annotated[str, matches(rf"({_SITE}(/[!\"$->@-~]*)?)?", _NO_BASE), _WithoutSlash]
_Called = Annotated[str, matches(rf"{_SITE}([/?][!\"$-~]*)?", _NO_SITE)]
CalledAddress = Annotated[_Called, AfterValidator(_not_in_the_clear)]
Issuer = Annotated[str, matches(_ISSUER, _NO_ISSUER), _WithoutSlash]
SecretText = Annotated[Secret, read_as(Annotated[Filled, AfterValidator(Secret)])]
_AppriseUrl = Annotated[Filled, AfterValidator(_apprise_url)]
AppriseUrl = Annotated[Secret, read_as(Annotated[_AppriseUrl, AfterValidator(Secret)])]
_IsMail = matches("mailtos?://.*", "is no mail server: write it as mailtos://user:…@host?from=…")
MailUrl = Annotated[Secret, read_as(Annotated[_AppriseUrl, _IsMail, AfterValidator(Secret)])]
Secrets = Annotated[tuple[Secret, ...], read_as(Annotated[str, AfterValidator(_secrets)])]
"""Comma separated in the file, newest first."""
StrongSecrets = Annotated[Secrets, AfterValidator(_strong)]
SigningSecrets = Annotated[Secrets, AfterValidator(_signing)]
RedisUrl = Annotated[str, matches(f"(rediss?|unix){_SERVER}", f"{_NO_URL} {_REDIS}")]
DatabaseUrl = Annotated[str, matches(f"(sqlite|postgres(ql)?){_SERVER}", f"{_NO_URL} {_SQL}")]
Hosts = Annotated[tuple[HostName, ...], BeforeValidator(_hosts)]
