"""A test text, sent through an account as every reply is."""

from __future__ import annotations

import secrets

from smsgate import __version__
from smsgate.consent.composing import compose
from smsgate.consent.events import Event, event_id
from smsgate.domain.errors import AccountNotReady, TooManyCalls, Unfit
from smsgate.domain.messages import Arrival, Outcome, Reply, Verdict
from smsgate.domain.phone import e164
from smsgate.metrics.counters import CALLS
from smsgate.pipeline.manual import refusal_entry
from smsgate.pipeline.services import Services
from smsgate.providers import usable
from smsgate.settings import Account
from smsgate.store.keys import partition_of
from smsgate.store.shared_keys import shared_key

KIND = "test"
"""The kind of such a reply in the ledger."""
PAUSE_S = 10
"""Between two test texts of one account, so that a double click sends one."""
_SERVICE_PREFIX = "MG"
"""Of a messaging service's id, at Twilio and at providers with the same API."""
_TEXT = "{program}: this is a test text that your team asked for. Nothing needs to be done."


def send_trial_text(
    services: Services, account: Account, sender: str, number: str, actor: str
) -> Outcome:
    """Send one text, of the program that has the sender, and record the outcome.

    Raises ``AccountNotReady``, ``Unfit``, ``InvalidNumber``, ``Suppressed`` where the gate
    refuses, ``TooManyCalls``, ``StoreUnavailable``, ``StoreNotReady``; nothing was sent then.
    """
    store = services.store
    if not usable(account):
        raise AccountNotReady(f"Account {account.name!r} has no usable secret, so it cannot send.")
    service = sender if sender.startswith(_SERVICE_PREFIX) else ""
    program = services.settings.programs.route(account, sender, service) if sender else None
    if program is None:
        raise Unfit("Enter a sender that belongs to a program.", field="sender")
    to = e164(number, program.region)
    services.gate.require([to], program=program.name, by="console")
    pause = shared_key("trial-text", account.name)
    if not store.client.set(pause, 1, nx=True, ex=PAUSE_S):
        problem = f"A test text was sent less than {PAUSE_S} seconds ago: check whether it arrived."
        raise TooManyCalls(problem, max(1, store.client.ttl(pause)))
    reply = Reply(
        id=f"{KIND}-{secrets.token_hex(8)}",
        kind=KIND,
        account=account.name,
        number=to,
        sender=sender,
        program=program.name,
        text=compose(_TEXT.format(program=program.title or program.name), program).text,
        deadline_us=0,
        service=service,
    )
    outcome = services.sender.perform(reply)
    verdict, now_us = outcome.verdict.value, store.health.now_us()
    store.metrics.count(CALLS, account.name, verdict)
    event = Event(
        id=event_id(now_us // 1000, reply.id, verdict),
        kind="reply",
        outcome=verdict,
        number=to,
        program=program.name,
        reply=reply,
        applied_us=now_us,
        note=": ".join(filter(None, (f"a test, by {actor}", outcome.note))),
        provider_id=outcome.provider_id,
        software=__version__,
    )
    store.ledger.append(partition_of(to), event)
    store.receipts.expect(reply, outcome.provider_id)
    if outcome.verdict is Verdict.OPTED_OUT:
        _, partitions = store.inbox.add([Arrival(refusal_entry(services.settings, reply))])
        services.job_queue.notify_inboxes(partitions)
    return outcome
