"""Accounts as configured: what to give the provider, what came, what was refused, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flask import Flask, flash, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Answer

from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import Outcome, Verdict
from smsgate.features.accounts.doctor import Finding, look_at, worst_first
from smsgate.features.accounts.facts import CAUSES, ends_in_secret, keys_of, webhook_of
from smsgate.features.accounts.test_message import Trying
from smsgate.pipeline.services import Services
from smsgate.providers import usable
from smsgate.settings import Account, Program
from smsgate.settings.values import ANY_SENDER
from smsgate.store.acceptance import AcceptedRequests
from smsgate.store.quarantine import RefusedRequest
from smsgate.web.console.auth import actor, needs

ACCOUNTS = "/console/setup/accounts"
_SAID = {
    Verdict.SENT: ("good", "The provider took the text; it should come within a minute."),
    Verdict.OPTED_OUT: (
        "warn",
        "The provider has an opt-out of that number, which is suppressed here now, too.",
    ),
    Verdict.REFUSED: ("bad", "The provider refused the text."),
    Verdict.NOT_ACCEPTED: ("bad", "The text was not accepted; it surely did not leave."),
    Verdict.UNKNOWN: ("warn", "Nobody knows whether the text left: look at the phone."),
}


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    pages = Pages(services)
    see, act = needs("viewer"), needs("admin")
    console.get(f"{ACCOUNTS}/<name>")(see(pages.account))
    console.post(f"{ACCOUNTS}/<name>/check")(act(pages.check_account))
    console.post(f"{ACCOUNTS}/<name>/test")(act(pages.test_account))


class Pages:
    """The page of one account."""

    def __init__(self, services: Services) -> None:
        """Show the gateway's accounts."""
        self._services = services

    def account(self, name: str) -> str:
        """What is known of it without asking its provider."""
        return self._shown(self._found(name))

    def check_account(self, name: str) -> str:
        """Ask the provider too, as ``smsgate doctor ACCOUNT`` does."""
        account = self._found(name)
        return self._shown(account, worst_first(look_at(self._services, account.name)))

    def test_account(self, name: str) -> Answer:
        """Send a test text."""
        account, services = self._found(name), self._services
        trying = Trying(
            services.settings, services.store, services.gate, services.job_queue, services.outbound
        )
        sender, number = request.form.get("sender", ""), request.form.get("number", "")
        outcome = trying.text(account, sender.strip(), number, actor())
        flash(*_told(outcome))
        return redirect(f"{ACCOUNTS}/{account.name}", 303)

    def _found(self, name: str) -> Account:
        account = self._services.settings.accounts.get(name)
        if account is None:
            raise NotFound
        return account

    def _shown(self, account: Account, findings: Sequence[Finding] | None = None) -> str:
        programs = self._services.settings.programs
        return render_template(
            "setup_account.html",
            account=account,
            usable=usable(account),
            webhook=webhook_of(account),
            ends_in_secret=ends_in_secret(account),
            keys=keys_of(account),
            senders=_senders(account, programs),
            findings=findings,
            causes=CAUSES,
            **self._happened(account),
        )

    def _happened(self, account: Account) -> Mapping[str, object]:
        """What the store knows of its requests, or why it does not say."""
        store, problem = self._services.store, ""
        last, refused = AcceptedRequests(), list[RefusedRequest]()
        try:
            last = store.acceptance.last(account.name)
            refused = store.quarantine.newest(account.name)
        except StoreUnavailable as error:
            problem = str(error)
        return {"last": last, "refused": refused, "problem": problem}


def _senders(account: Account, programs: Iterable[Program]) -> list[str]:
    """The senders that programs name and that send by the account; by a simulated one, all."""
    named = [
        sender
        for one in programs
        for sender in one.senders
        if sender != ANY_SENDER and (account.simulated or one.account == account.name)
    ]
    return list(dict.fromkeys(named))


def _told(outcome: Outcome) -> tuple[str, str]:
    tone, said = _SAID[outcome.verdict]
    note = f" It said: {outcome.note}" if outcome.note else ""
    return f"{said}{note}", tone
