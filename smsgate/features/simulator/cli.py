"""``smsgate text``: be a subscriber."""

from __future__ import annotations

import threading
import time

import click

from smsgate.cli import session
from smsgate.cli.data_dir import DevRun
from smsgate.cli.session import out
from smsgate.consent.decision_text import because
from smsgate.domain.errors import AccountNotReady, SmsGateError, UnknownAccount
from smsgate.domain.messages import InboundMessage
from smsgate.domain.phone import e164
from smsgate.features.simulator.service import (
    default_sender,
    find_event,
    make_message,
    post_webhook,
)
from smsgate.pipeline.services import Services
from smsgate.providers import usable
from smsgate.settings import Account, Settings

SIMULATOR = "simulator"
REPLY_S = 3.0


class NoAddress(SmsGateError):
    """Nobody said where smsgate can be texted."""


@click.command(epilog="Example: smsgate text 'Stop.' --from +14155550123")
@click.argument("body")
@click.option("--from", "number", default="+14155550123", show_default=True, metavar="NUMBER")
@click.option("--to", "sender", metavar="SENDER", help="Number or short code to text.")
@click.option("--account", metavar="NAME", help="Account to text.  [simulator, in dev]")
@click.option("--url", help="Public address of smsgate.  [that of dev, else the account's]")
def text(body: str, number: str, sender: str | None, account: str | None, url: str | None) -> None:
    """Text smsgate as a subscriber: post a webhook, signed as by the account's provider.

    With the simulator of `smsgate dev`, it also shows the reply.
    """
    services = session.services()
    chosen = _account(services.settings, account)
    newest = services.store.simulator.newest() if chosen.simulated else ""
    base = _address(chosen, url, session.here()[1])
    sender = sender or default_sender(services.settings, chosen)
    message = make_message(chosen, body, e164(number), sender)
    url = f"{base}/webhooks/{chosen.name}"
    answer = post_webhook(message, chosen, url)
    out.print(f"[cyan]{message.number} → {message.sender}[/]  {message.text!r}", markup=True)
    colour = "green" if answer.status < 300 else "bold red"
    out.print(f"[{colour}]{answer.status}[/] from {url}")
    if answer.status >= 300:
        out.print(answer.body.decode(errors="replace").strip(), markup=False)
        session.end(1)
    if chosen.simulated:
        _show_reply(services, message, newest)
        _show_state(services, message)


def _account(settings: Settings, name: str | None) -> Account:
    name = name or (SIMULATOR if SIMULATOR in settings.accounts else None)
    if name is None and len(settings.accounts) == 1:
        (name,) = settings.accounts
    account = settings.accounts.get(name or "")
    if account is None:
        known = ", ".join(settings.accounts) or "none"
        raise UnknownAccount(f"Say which account is texted: --account, one of: {known}")
    if not usable(account):
        raise AccountNotReady(
            f"Account {account.name!r} has no secret to sign the webhook with. Set it, or start "
            "`smsgate dev`, whose simulator needs none."
        )
    return account


def _address(account: Account, url: str | None, running: DevRun | None) -> str:
    base = url or (running.url if running and account.simulated else "") or account.public_url
    if not base:
        raise NoAddress(
            "Nobody is there to be texted: start `smsgate dev`, or say where smsgate is with --url"
        )
    return base.rstrip("/")


def _show_reply(services: Services, message: InboundMessage, newest: str) -> None:
    """Show the reply, or why there is no reply, as soon as either is certain."""
    deadline, pause, why = time.monotonic() + REPLY_S, threading.Event(), ""
    while not why and time.monotonic() <= deadline:
        for reply in services.store.simulator.after(newest):
            if reply["to"] == message.number:
                out.print(f"[magenta]{reply['from']} → {reply['to']}[/]  ", end="")
                out.print(reply["body"], markup=False)
                return
        event = find_event(services.history.of_number(message.number), message.message_id)
        why = event.note if event is not None else ""
        if not why:
            pause.wait(0.05)
    out.print(f"No reply from us{why and ': '}{why}.", markup=False)


def _show_state(services: Services, message: InboundMessage) -> None:
    answers = services.gate.check_programs(message.number, services.settings.programs)
    for name, answer in answers.items():
        if answer.allowed:
            out.print(f"{name} can text {message.number}.")
        else:
            since = f" since {answer.since}" if answer.since else ""
            why = f" ({because(answer.why)})" if answer.why else ""
            line = f"{name} may not text {message.number}: {answer.reason}{since}{why}."
            out.print(line, markup=False)
