"""A text to try an account with: through the provider's own call, as every reply of ours leaves."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from smsgate import __version__
from smsgate.consent.composing import compose
from smsgate.consent.events import Event, event_id
from smsgate.domain.errors import AccountNotReady, CallFailed, TooManyCalls, Unfit
from smsgate.domain.messages import Arrival, Outcome, Reply, Verdict
from smsgate.domain.phone import e164
from smsgate.metrics.families import CALLS
from smsgate.outbound import Outbound
from smsgate.pipeline.access_tokens import Tokens
from smsgate.pipeline.entries import refusal_entry
from smsgate.pipeline.gate import Gate
from smsgate.providers import PROVIDERS, usable
from smsgate.settings import Account, Program, Settings
from smsgate.store import Store
from smsgate.store.job_queue import JobQueue
from smsgate.store.keys import partition_of

KIND = "test"
"""Of such a text in the ledger."""
_SERVICE = "MG"
"""How a messaging service's name begins, at Twilio and those who took its API over."""
PAUSE_S = 10
"""Between two of them by one account; what is clicked twice so leaves once."""
_TEXT = "{program}: this is a test text that your team asked for. Nothing needs to be done."


@dataclass(frozen=True, slots=True)
class Trying:
    """Sends texts to try accounts with."""

    settings: Settings
    store: Store
    gate: Gate
    job_queue: JobQueue
    outbound: Outbound

    def text(self, account: Account, sender: str, number: str, actor: str) -> Outcome:
        """Send one text, of the program that has the sender; put on record what became of it.

        Raises ``AccountNotReady``, ``Unfit``, ``InvalidNumber``, ``Suppressed`` where the gate
        refuses, ``TooManyCalls``, ``StoreUnavailable``, ``StoreNotReady``; nothing was sent then.
        """
        if not usable(account):
            raise AccountNotReady(
                f"Account {account.name!r} has no usable secret, so it cannot send."
            )
        service = sender if sender.startswith(_SERVICE) else ""
        about = self.settings.programs.route(account, sender, service) if sender else None
        if about is None:
            raise Unfit("Say from which number, short code or service of a program it is to come.")
        to = e164(number, about.region)
        self.gate.require([to], program=about.name, by="console")
        wait_s = self.store.allowances.take(f"{KIND}:{account.name}", 1, 1 / PAUSE_S, 1)
        if wait_s:
            problem = f"A test text left less than {PAUSE_S} seconds ago: look whether it came."
            raise TooManyCalls(problem, wait_s)
        reply = _reply(account, about, sender, to, service)
        outcome = self._sent(reply, account)
        self.store.metrics.count(CALLS, account.name, outcome.verdict.value)
        event = _event(reply, outcome, actor, self.store.health.now_us())
        self.store.ledger.append(partition_of(to), event)
        self.store.receipts.expect(reply, outcome.provider_id)
        if outcome.verdict is Verdict.OPTED_OUT:
            _, partitions = self.store.inbox.add([Arrival(refusal_entry(self.settings, reply))])
            self.job_queue.notify_inboxes(partitions)
        return outcome

    def _sent(self, reply: Reply, account: Account) -> Outcome:
        provider = PROVIDERS[account.provider]
        try:
            response = Tokens(self.outbound).perform(provider.reply(reply, account))
        except CallFailed as error:
            verdict = Verdict.UNKNOWN if error.left else Verdict.NOT_ACCEPTED
            return Outcome(verdict, note=str(error))
        return provider.outcome(response)


def _reply(account: Account, program: Program, sender: str, number: str, service: str) -> Reply:
    text = _TEXT.format(program=program.title or program.name)
    return Reply(
        id=f"{KIND}-{secrets.token_hex(8)}",
        kind=KIND,
        account=account.name,
        number=number,
        sender=sender,
        program=program.name,
        text=compose(text, program).text,
        deadline_us=0,
        service=service,
    )


def _event(reply: Reply, outcome: Outcome, actor: str, now_us: int) -> Event:
    said = f"a test, by {actor}"
    return Event(
        id=event_id(now_us // 1000, reply.id, outcome.verdict.value),
        kind="reply",
        outcome=outcome.verdict.value,
        number=reply.number,
        program=reply.program,
        reply=reply,
        applied_us=now_us,
        note=f"{said}: {outcome.note}" if outcome.note else said,
        provider_id=outcome.provider_id,
        software=__version__,
    )
