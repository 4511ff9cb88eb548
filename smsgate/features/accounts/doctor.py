"""The doctor: checks all of smsgate, or one account, and names what helps.

Of an account: its credentials, address and requests, and what its provider says. Whether Twilio's
Advanced Opt-Out is on, only Twilio's console shows.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from smsgate.domain.errors import CallFailed, StoreUnavailable, UnknownAccount
from smsgate.domain.messages import HttpCall, Reply
from smsgate.metrics.snapshot import KINDS, OptOutListState, ProcessSnapshot
from smsgate.monitoring.conditions import span
from smsgate.monitoring.monitor import Monitor
from smsgate.outbound import Outbound
from smsgate.process.configuration import UNUSABLE, warnings_of
from smsgate.providers import OPT_OUT_LISTS, PROVIDERS, check_accounts, usable
from smsgate.records import Records
from smsgate.settings import ANY_SENDER, Account, Programs, Settings
from smsgate.store.health import exposures
from smsgate.store.store import Store

CheckState = Literal["ok", "warning", "fault"]
_WELL = {
    "store": "ready, and it takes writes",
    "queue": "RQ's Redis answers",
    "records": "everything that happened is in them, or on its way",
}
"""What the doctor says of a collaborator of which no condition holds."""
_PROTECTED = "`rediss://USER:PASSWORD@host`, and `requirepass` or `ACL SETUSER` at Redis"
_SAMPLE_REPLY = Reply("", "opt_out", "", "+10000000000", "+10000000000", "", "", 0)
"""Never sent: described only to learn where its access token would come from."""
_ADVANCED_OPT_OUT = "whether Advanced Opt-Out is on, only Twilio's console shows"


class DoctorResult(msgspec.Struct, frozen=True):
    """The result of one check."""

    subject: str
    state: CheckState
    text: str
    remedy: str = ""
    """The command or setting that helps."""


@dataclass(frozen=True)
class Doctor:
    """Checks smsgate and its accounts."""

    settings: Settings
    store: Store
    records: Records
    outbound: Outbound
    monitor: Monitor

    def check_everything(self) -> list[DoctorResult]:
        """Check all of smsgate, the worst first; does not raise where a collaborator is away."""
        state = self.monitor.look()
        found = [
            DoctorResult(
                one.subject, "fault" if one.is_failure else "warning", one.sentences, one.command
            )
            for one in state.conditions
        ]
        known = {one.subject for one in state.conditions} | {*state.unusable}
        found += [DoctorResult(one, "ok", text) for one, text in _WELL.items() if one not in known]
        if not (state.spool.problem or state.spool.count):
            found.append(DoctorResult("spool", "ok", "nothing waits on this host's disk"))
        settings = self.settings
        for warning in warnings_of(settings, self.records):
            if state.snapshot is not None and UNUSABLE in warning:
                continue  # a condition says it
            remedy = "`smsgate config check`; docs/configuration.md"
            found.append(DoctorResult("configuration", "warning", warning, remedy))
        for name, url in {"QUEUE_URL": settings.queue_url, "REDIS_URL": settings.redis_url}.items():
            if name == "REDIS_URL" or url != settings.redis_url:
                found += [
                    DoctorResult(name, "warning", f"the Redis of {name} {one}", _PROTECTED)
                    for one in exposures(url)
                ]
        traffic = (
            {one.name: one.accepted_s for one in state.snapshot.accounts} if state.snapshot else {}
        )
        for account in settings.accounts.values():
            if usable(account):
                accepted_ms = int(1000 * traffic.get(account.name, 0))
                last = f"; the last request came {_ago(accepted_ms)}" if accepted_ms else ""
                text = f"{account.provider}, has its secret{last}"
                found.append(DoctorResult(f"account {account.name}", "ok", text))
        if state.snapshot is not None and state.snapshot.processes is not None:
            found += _processes(state.snapshot.processes)
            found += self._in_store(is_ready=state.snapshot.store_obstacle is None)
        return sorted(found, key=lambda one: ("fault", "warning", "ok").index(one.state))

    def check_account(self, name: str, *, ask: bool = True) -> Iterator[DoctorResult]:
        """Check one account, at its provider too if it may ``ask``.

        Raises ``UnknownAccount``, which lists the accounts.
        """
        account = self.settings.accounts.get(name)
        if account is None:
            known = ", ".join(self.settings.accounts) or "none"
            raise UnknownAccount(f"There is no account {name!r}; the accounts are: {known}.")
        yield from _configured(account)
        if ask:
            yield from self._access_token(account)
        try:
            yield from [*self._requests(account), *self._compared(account)]
        except StoreUnavailable as error:
            yield DoctorResult("store", "fault", str(error), error.remedy)
        if ask and account.provider == "twilio" and usable(account) and not account.simulated:
            yield from check_twilio(account, self.settings.programs, self.outbound)

    def _in_store(self, *, is_ready: bool) -> Iterator[DoctorResult]:
        """Programs and accounts as the store knows them."""
        try:
            published = self.store.programs.published()
            for account in self.settings.accounts.values():
                yield from self._compared(account)
        except StoreUnavailable as error:
            yield DoctorResult("store", "fault", str(error), error.remedy)
            return
        for program in self.settings.programs if is_ready else ():
            if program.name in published:
                yield DoctorResult(f"program {program.name}", "ok", "published to every gate")
            else:
                text = "not published yet, so no gate knows it"
                remedy = "start the clock, or run `smsgate init`"
                yield DoctorResult(f"program {program.name}", "fault", text, remedy)

    def _compared(self, account: Account) -> Iterator[DoctorResult]:
        """How its opt-outs agree with its provider's own list. Raises ``StoreUnavailable``."""
        if not (account.opt_out_list and account.provider in OPT_OUT_LISTS):
            return
        state = self.store.opt_out_lists.read(account.name)
        problems = "; ".join(_differences(account, state, self.settings.programs))
        text = f"{state.taken:,} were taken from it, {state.reported:,} told to it" if state else ""
        if state and state.comparison:
            text += f"; it was read {_ago(int(1000 * state.comparison.at_s))}"
        status: CheckState = "warning" if problems else "ok"
        remedy = "“Agreement with a provider's own opt-out list” in docs/operating.md"
        yield DoctorResult(f"opt-out list of {account.name}", status, problems or text, remedy)

    def _access_token(self, account: Account) -> Iterator[DoctorResult]:
        """Whether an account that sends by an access token gets one."""
        if not usable(account):
            return
        source = PROVIDERS[account.provider].reply(_SAMPLE_REPLY, account).token_from
        if source is None:
            return
        try:
            status = self.outbound.perform(source).status
        except CallFailed as error:
            yield DoctorResult("access token", "warning", f"could not be asked for: {error}")
            return
        if 200 <= status < 300:
            yield DoctorResult("access token", "ok", f"{account.provider} gives one for sending")
        else:
            text = f"is refused with status {status}, so nothing can be sent: compare the secret"
            yield DoctorResult("access token", "fault", text)

    def _requests(self, account: Account) -> Iterator[DoctorResult]:
        """What came, what was refused, and whether a rotation of secrets can be finished."""
        last = self.store.acceptance.last(account.name)
        if newest_ms := max(last.newest_ms, last.older_ms):
            text = f"the last request that was verified came {_ago(newest_ms)}"
            yield DoctorResult("accepted", "ok", text)
        else:
            text = "no request was verified in the last 30 days: text HELLO to a number of it"
            yield DoctorResult("accepted", "warning", text)
        if last.older_ms:
            text = f"an older one was used {_ago(last.older_ms)}: something still signs with it"
            yield DoctorResult("secrets", "warning", text)
        elif last.several_since_ms and last.newest_ms:
            since = _ago(last.several_since_ms)
            text = (
                f"only the newest was used since there are several, {since}: the older ones can "
                "go once nobody signs by them"
            )
            yield DoctorResult("secrets", "ok", text)
        refused = self.store.quarantine.newest(account.name)
        if not refused:
            yield DoctorResult("refused", "ok", "no request was refused in the last 24 hours")
        counts: Counter[tuple[CheckState, str]] = Counter()
        for one in refused:
            # Without a cause of ours it may be a stranger's forgery, and those are to be expected.
            state: CheckState = "fault" if one.cause else "warning"
            counts[state, f"{one.finding} ({one.problem})"] += one.count
        for (state, sentence), count in counts.items():
            text = f"{count} of the {counts.total()} looked into: {sentence}"
            yield DoctorResult("refused", state, text)


def _differences(
    account: Account, state: OptOutListState | None, programs: Programs
) -> Iterator[str]:
    """What an account's opt-outs and its provider's own list do not have in common, and why."""
    access = OPT_OUT_LISTS[account.provider].opt_out_list
    mine = [one for one in programs if one.account == account.name]
    untold = ", ".join(one.name for one in mine if set(one.senders) == {ANY_SENDER})
    if access.holds_for == "sender" and untold:
        yield (
            f"opt-outs of {untold} cannot be told to the provider: its list needs a number or "
            "service in `senders`"
        )
    if state is None:
        yield "not compared yet: is the clock at work?"
        return
    for reason, count in state.refusals.items():
        yield f"{count:,} opt-outs of ours are not on it: {reason}"
    found = state.comparison
    if found is None and access.is_readable:
        yield "it was never read to its end, so the differences are unknown"
    if found and found.there_only:
        yield (
            f"{found.there_only:,} entries are about numbers that came back here since: "
            f"{account.provider} refuses texts to them until it lifts the entry itself"
        )
    if found and found.unreadable:
        yield f"{found.unreadable:,} entries have no readable number"
    if state.problem:
        yield f"it cannot be compared now: {state.problem}"


def _processes(processes: ProcessSnapshot) -> Iterator[DoctorResult]:
    """What runs where. That a kind does not run, or two versions do, is a condition."""
    for kind in KINDS:
        if processes.of(kind):
            yield DoctorResult(kind, "ok", f"running: {processes.where(kind)}")
    versions = {one.version for one in processes.running}
    if len(versions) == 1:
        text = f"all run one version of the configuration: {versions.pop()}"
        yield DoctorResult("processes", "ok", text)


def _configured(account: Account) -> Iterator[DoctorResult]:
    """Whether credentials and address are set."""
    faults = check_accounts([account])
    for fault in faults:
        yield DoctorResult("credentials", "fault", f"{fault.key} {fault.problem}")
    if not faults and not usable(account):
        fields = [field for field in PROVIDERS[account.provider].fields if field.required]
        wanted = "; ".join(f"{field.name}, {field.what}" for field in fields)
        text = f"nothing is set, so it answers 503. Set: {wanted}"
        yield DoctorResult("credentials", "fault", text)
    elif not faults:
        text = f"all that {account.provider} needs has the right shape"
        yield DoctorResult("credentials", "ok", text)
    if not account.public_url:
        text = "is not set: set SMSGATE_PUBLIC_URL to the address that the provider calls"
        yield DoctorResult("public URL", "fault", text)
        return
    is_https = urlsplit(account.public_url).scheme == "https"
    text = account.public_url + ("" if is_https else " is not https")
    yield DoctorResult("public URL", "ok" if is_https else "warning", text)
    page = f"docs/providers/{account.options.get('preset') or account.provider}.md"
    text = f"set {webhook_of(account)} at the provider, POST; see {page}"
    yield DoctorResult("webhook", "ok", text)


def webhook_of(account: Account) -> str:
    """The address to give the provider, with ``SECRET`` in place of a secret at its end."""
    address = f"{account.public_url}/webhooks/{account.name}"
    return f"{address}/SECRET" if ends_in_secret(account) else address


def ends_in_secret(account: Account) -> bool:
    """Whether the webhook's address ends in a secret of the account."""
    return bool(PROVIDERS[account.provider].path_secret_key(account.options))


class _Number(msgspec.Struct):
    sms_url: str | None = None
    sms_method: str | None = None


class _Numbers(msgspec.Struct):
    incoming_phone_numbers: list[_Number]


class _Service(msgspec.Struct):
    inbound_request_url: str | None = None
    use_inbound_webhook_on_number: bool = False


def check_twilio(
    account: Account, programs: Programs, outbound: Outbound
) -> Iterator[DoctorResult]:
    """Compare the webhooks set at Twilio with those that should be set."""
    senders = [sender for one in programs if one.account == account.name for sender in one.senders]
    for sender in senders:
        try:
            if sender.startswith("+"):
                yield _check_number(sender, account, outbound)
            elif sender.startswith("MG"):
                yield _check_service(sender, account, outbound)
        except (CallFailed, msgspec.MsgspecError) as error:
            problem = f"Twilio could not be asked: {error}".splitlines()[0]
            yield DoctorResult(sender, "warning", problem)


def _check_number(sender: str, account: Account, outbound: Outbound) -> DoctorResult:
    path = f"/2010-04-01/Accounts/{account.options['account_sid']}/IncomingPhoneNumbers.json"
    url = (account.api_url or "https://api.twilio.com") + path
    body = _ask(f"{url}?{urlencode({'PhoneNumber': sender})}", account, outbound)
    numbers = msgspec.json.decode(body, type=_Numbers).incoming_phone_numbers
    if not numbers:
        return DoctorResult(sender, "fault", "is no number of this account at Twilio")
    return _compared(sender, account, numbers[0].sms_url, f"by {numbers[0].sms_method}")


def _check_service(sender: str, account: Account, outbound: Outbound) -> DoctorResult:
    url = f"{account.api_url or 'https://messaging.twilio.com'}/v1/Services/{quote(sender)}"
    service = msgspec.json.decode(_ask(url, account, outbound), type=_Service)
    if service.use_inbound_webhook_on_number:
        text = f"leaves it to its numbers where texts go; {_ADVANCED_OPT_OUT}"
        return DoctorResult(sender, "ok", text)
    return _compared(sender, account, service.inbound_request_url, _ADVANCED_OPT_OUT)


def _ask(url: str, account: Account, outbound: Outbound) -> bytes:
    """Raises ``CallFailed`` for an answer that is no success, too."""
    auth = (account.options["account_sid"], account.newest_secret("auth_token"))
    answer = outbound.perform(HttpCall("GET", url, auth=auth))
    if answer.status != 200:
        raise CallFailed(f"it answered {answer.status}", left=True)
    return answer.body


def _compared(sender: str, account: Account, found: str | None, more: str) -> DoctorResult:
    url, webhook = (found or "").partition("#")[0], f"{account.public_url}/webhooks/{account.name}"
    if url != webhook:
        text = f"sends texts to {url or 'nobody'}: set it to {webhook}"
        return DoctorResult(sender, "fault", text)
    return DoctorResult(sender, "ok", f"sends texts here; {more}")


def _ago(moment_ms: int) -> str:
    return f"{span(max(0.0, time.time() - moment_ms / 1000))} ago"
