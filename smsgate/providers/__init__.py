"""The providers that smsgate knows, and whether an account has what its provider needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from smsgate.domain.errors import Fault
from smsgate.providers.aws_sns import AwsSns
from smsgate.providers.azure import Azure
from smsgate.providers.bandwidth import Bandwidth
from smsgate.providers.base import Provider
from smsgate.providers.bird import Bird
from smsgate.providers.bird_channels import BirdChannels
from smsgate.providers.elks import Elks
from smsgate.providers.fields import Field, weakness
from smsgate.providers.form import Form
from smsgate.providers.infobip import Infobip
from smsgate.providers.jasmin import Jasmin
from smsgate.providers.kannel import Kannel
from smsgate.providers.messagebird import MessageBird
from smsgate.providers.opt_out_lists import OptOutListProvider
from smsgate.providers.path_secret import PATH_SECRET
from smsgate.providers.plivo import Plivo
from smsgate.providers.signalwire import SignalWire
from smsgate.providers.sinch import Sinch
from smsgate.providers.sinch_conversation import SinchConversation
from smsgate.providers.standard_webhooks import StandardWebhooks
from smsgate.providers.telnyx import Telnyx
from smsgate.providers.twilio import Twilio
from smsgate.providers.twilio_requests import TwilioRequests
from smsgate.providers.vonage import Vonage
from smsgate.providers.vonage_sms import VonageSms
from smsgate.settings import Account, Program
from smsgate.settings.read import UNSET

__all__ = [
    "FORWARDING_ORIGINALS",
    "OPT_OUT_LISTS",
    "PROVIDERS",
    "Provider",
    "check_accounts",
    "check_applications",
    "secret_keys",
    "usable",
]

PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        provider.name: provider
        for provider in (
            Twilio(),
            SignalWire(),
            Telnyx(),
            StandardWebhooks(),
            Plivo(),
            Kannel(),
            Jasmin(),
            Form(),
            Vonage(),
            VonageSms(),
            Bandwidth(),
            Sinch(),
            SinchConversation(),
            AwsSns(),
            Infobip(),
            MessageBird(),
            BirdChannels(),
            Bird(),
            Azure(),
            Elks(),
        )
    }
)
"""Every provider by the name that an account's ``provider`` gives."""
OPT_OUT_LISTS: Mapping[str, OptOutListProvider] = MappingProxyType(
    {name: one for name, one in PROVIDERS.items() if isinstance(one, OptOutListProvider)}
)
"""Those that keep an opt-out list of their own which can be read or added to."""
FORWARDING_ORIGINALS: Mapping[str, TwilioRequests] = MappingProxyType(
    {name: one for name, one in PROVIDERS.items() if isinstance(one, TwilioRequests)}
)
"""Those whose own requests can be signed for another address."""


def secret_keys(provider: str) -> frozenset[str]:
    """Return the account keys that hold secrets of that provider.

    Of a provider that does not exist: those of all, so that a typing error shows no token.
    """
    concerned = [PROVIDERS[provider]] if provider in PROVIDERS else PROVIDERS.values()
    return frozenset(field.name for one in concerned for field in one.fields if field.secret)


def usable(account: Account) -> bool:
    """Whether the account has everything that its provider needs; if not, it answers 503."""
    provider = PROVIDERS.get(account.provider)
    if provider is None:
        return False
    required = [one for one in provider.fields if one.is_required(account.options)]
    complete = all(_values(account, field) for field in required)
    return complete and not _misshapen(provider, account) and not any(provider.problems(account))


def check_accounts(accounts: Iterable[Account], place: str = "smsgate.toml") -> list[Fault]:
    """Return what is wrong with accounts by the fields of their providers.

    An account of which nothing is set is no fault: it is not usable yet. One that is half set is,
    and so is a ``${NAME}`` of it that is not set.
    """
    return [
        Fault(place, f"accounts.{account.name}.{key}", problem)
        for account in accounts
        for key, problem in _problems(account)
    ]


def check_applications(
    programs: Iterable[Program], accounts: Mapping[str, Account], place: str = "smsgate.toml"
) -> list[Fault]:
    """Return the faults of programs that forward a provider's own requests but cannot sign them."""
    able = sorted(FORWARDING_ORIGINALS)
    return [
        Fault(
            place,
            f"programs.{program.name}.forward.as",
            f'cannot be "original" for {accounts[program.account].provider}, whose requests cannot '
            f'be signed anew; those of {", ".join(able)} can: write as = "standard_webhooks"',
        )
        for program in programs
        if program.forward is not None
        and program.forward.as_ == "original"
        and program.account in accounts
        and accounts[program.account].provider not in able
    ]


def _problems(account: Account) -> Iterator[tuple[str, str]]:
    provider = PROVIDERS.get(account.provider)
    if provider is None:
        known = ", ".join(sorted(PROVIDERS))
        yield "provider", f"there is no provider {account.provider!r}; it must be one of {known}"
        return
    if account.opt_out_list and provider.name not in OPT_OUT_LISTS:
        able = ", ".join(sorted(OPT_OUT_LISTS))
        what = f"smsgate knows no opt-out list of {provider.name} that can be read or added to"
        yield "opt_out_list", f"is of no use here: {what}; it knows those of {able}"
    yield from _unknown(provider, account)
    wrong = [*_misshapen(provider, account), *_unset(provider, account)]
    yield from wrong or provider.problems(account)


def _unknown(provider: Provider, account: Account) -> Iterator[tuple[str, str]]:
    names = [field.name for field in provider.fields]
    for key in (*account.options, *account.secrets):
        if key not in names:
            yield key, f"{provider.name} has no such key; its keys are {', '.join(names)}"


def _unset(provider: Provider, account: Account) -> Iterator[tuple[str, str]]:
    """What an account that is in use lacks: one of which nothing is set waits to be set up."""
    fields = [one for one in provider.fields if one.is_required(account.options)]
    required = {field.name: field for field in fields}
    empty = [name for name, field in required.items() if not _values(account, field)]
    if len(empty) == len(required) and empty:
        return
    for key, text in account.unset.items():
        what = f" to {required[key].what}" if key in required else ", or take the key out"
        yield key, f"{text!r} {UNSET}{what}"
    for name in empty:
        if name not in account.unset:
            what = required[name].what
            yield name, f"is empty while the account is in use: set it to {what}"


def _misshapen(provider: Provider, account: Account) -> list[tuple[str, str]]:
    """Key and problem of each value that is set and cannot be right.

    No value is shown, since it may be a secret. One that ends the address has the shape of those.
    """
    found = []
    for field in provider.fields:
        key, value = field.path_with or ("", "")
        shape = PATH_SECRET if key and account.options.get(key, "") == value else field
        values = _values(account, field)
        if not all(re.fullmatch(shape.pattern, value) for value in values):
            found.append((field.name, f"must be {shape.what}"))
        elif shape.chosen and (problem := weakness(values)):
            found.append((field.name, problem))
    return found


def _values(account: Account, field: Field) -> list[str]:
    """The values of a field that are not empty: of a secret all of them, else one at most."""
    if field.secret:
        return account.values_of(field.name)
    return [value for value in [account.options.get(field.name, "")] if value]
