"""A test text, sent through an account as every reply is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from smsgate import __version__
from smsgate.consent.composing import compose
from smsgate.consent.events import Event, event_id
from smsgate.domain.errors import AccountNotReady, CallFailed, TooManyCalls, Unfit
from smsgate.domain.messages import Arrival, Outcome, Reply, Verdict
from smsgate.domain.phone import e164
from smsgate.metrics.counters import CALLS
from smsgate.outbound import Outbound
from smsgate.pipeline.access_tokens import AccessTokens
from smsgate.pipeline.gate import Gate
from smsgate.pipeline.manual import refusal_entry
from smsgate.providers import PROVIDERS, usable
from smsgate.settings import Account, Settings
from smsgate.store.inbox import JobQueue
from smsgate.store.keys import partition_of
from smsgate.store.shared_keys import trial_text_of
from smsgate.store.store import Store

KIND = "test"
"""The kind of such a reply in the ledger."""
PAUSE_S = 10
"""Between two test texts of one account, so that a double click sends one."""
_SERVICE_PREFIX = "MG"
"""Of a messaging service's id, at Twilio and at providers with the same API."""
_TEXT = "{program}: this is a test text that your team asked for. Nothing needs to be done."


@dataclass(frozen=True, slots=True)
class TrialTextSender:
    """Sends test texts."""

    settings: Settings
    store: Store
    gate: Gate
    job_queue: JobQueue
    outbound: Outbound

    def send(self, account: Account, sender: str, number: str, actor: str) -> Outcome:
        """Send one text, of the program that has the sender, and record the outcome.

        Raises ``AccountNotReady``, ``Unfit``, ``InvalidNumber``, ``Suppressed`` where the gate
        refuses, ``TooManyCalls``, ``StoreUnavailable``, ``StoreNotReady``; nothing was sent then.
        """
        if not usable(account):
            raise AccountNotReady(
                f"Account {account.name!r} has no usable secret, so it cannot send."
            )
        service = sender if sender.startswith(_SERVICE_PREFIX) else ""
        program = self.settings.programs.route(account, sender, service) if sender else None
        if program is None:
            raise Unfit(
                "Enter a sender that belongs to a program.",
                field="sender",
            )
        to = e164(number, program.region)
        self.gate.require([to], program=program.name, by="console")
        pause = trial_text_of(account.name)
        if not self.store.client.set(pause, 1, nx=True, ex=PAUSE_S):
            problem = (
                f"A test text was sent less than {PAUSE_S} seconds ago: check whether it arrived."
            )
            raise TooManyCalls(problem, max(1, self.store.client.ttl(pause)))
        text = _TEXT.format(program=program.title or program.name)
        reply = Reply(
            id=f"{KIND}-{secrets.token_hex(8)}",
            kind=KIND,
            account=account.name,
            number=to,
            sender=sender,
            program=program.name,
            text=compose(text, program).text,
            deadline_us=0,
            service=service,
        )
        outcome = self._perform(reply, account)
        self.store.metrics.count(CALLS, account.name, outcome.verdict.value)
        event = _event(reply, outcome, actor, self.store.health.now_us())
        self.store.ledger.append(partition_of(to), event)
        self.store.receipts.expect(reply, outcome.provider_id)
        if outcome.verdict is Verdict.OPTED_OUT:
            _, partitions = self.store.inbox.add([Arrival(refusal_entry(self.settings, reply))])
            self.job_queue.notify_inboxes(partitions)
        return outcome

    def _perform(self, reply: Reply, account: Account) -> Outcome:
        provider = PROVIDERS[account.provider]
        try:
            response = AccessTokens(self.outbound).perform(provider.reply(reply, account))
        except CallFailed as error:
            verdict = Verdict.UNKNOWN if error.left else Verdict.NOT_ACCEPTED
            return Outcome(verdict, note=str(error))
        return provider.outcome(response, account)


def _event(reply: Reply, outcome: Outcome, actor: str, now_us: int) -> Event:
    note = f"a test, by {actor}"
    return Event(
        id=event_id(now_us // 1000, reply.id, outcome.verdict.value),
        kind="reply",
        outcome=outcome.verdict.value,
        number=reply.number,
        program=reply.program,
        reply=reply,
        applied_us=now_us,
        note=f"{note}: {outcome.note}" if outcome.note else note,
        provider_id=outcome.provider_id,
        software=__version__,
    )
