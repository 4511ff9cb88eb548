"""``smsgate text``: be a subscriber."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import click
from rich.console import Console

from smsgate.cli import session
from smsgate.cli.data_dir import DevRun
from smsgate.domain.errors import AccountNotReady, SmsGateError, UnknownAccount
from smsgate.domain.messages import HttpReply, InboundMessage
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


@dataclass(frozen=True, slots=True)
class SentText:
    """What was sent, and what the webhook answered."""

    message: InboundMessage
    answer: HttpReply


@click.command(epilog="Example: smsgate text 'Stop.' --from +14155550123")
@click.argument("body")
@click.option("--from", "number", default="+14155550123", show_default=True, metavar="NUMBER")
@click.option("--to", "sender", metavar="SENDER", help="The number or short code that is texted.")
@click.option("--account", metavar="NAME", help="The account that is texted.  [simulator, in dev]")
@click.option("--url", help="Public address of smsgate.  [that of dev, else the account's]")
def text(body: str, number: str, sender: str | None, account: str | None, url: str | None) -> None:
    """Text us, as a subscriber: post a webhook, signed as the account's provider signs it.

    With the simulator of `smsgate dev`, the reply is shown as well.
    """
    services = session.services()
    chosen = _account(services.settings, account)
    newest = services.store.simulator.newest() if chosen.simulated else ""
    base = _address(chosen, url, session.here()[1])
    sender = sender or default_sender(services.settings, chosen)
    message = make_message(chosen, body, e164(number), sender)
    texted = SentText(message, post_webhook(message, chosen, f"{base}/webhooks/{chosen.name}"))
    console = Console(highlight=False)
    _show_answer(console, texted, base)
    if texted.answer.status >= 300:
        session.end(1)
    if chosen.simulated:
        _show_reply(console, services, texted, newest)
        _show_state(console, services, message)


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


def _show_answer(console: Console, texted: SentText, base: str) -> None:
    message, answer = texted.message, texted.answer
    console.print(f"[cyan]{message.number} → {message.sender}[/]  {message.text!r}", markup=True)
    good = answer.status < 300
    colour = "green" if good else "bold red"
    console.print(f"[{colour}]{answer.status}[/] from {base}/webhooks/{message.account}")
    if not good:
        console.print(answer.body.decode(errors="replace").strip(), markup=False)


def _show_reply(console: Console, services: Services, texted: SentText, newest: str) -> None:
    reply, why_not = _wait_for_reply(services, texted.message, newest)
    if reply is not None:
        console.print(f"[magenta]{reply['from']} → {reply['to']}[/]  ", end="")
        console.print(reply["body"], markup=False, soft_wrap=True)
    else:
        console.print(f"No reply from us{why_not and ': '}{why_not}.", markup=False, soft_wrap=True)


def _wait_for_reply(
    services: Services, message: InboundMessage, newest: str
) -> tuple[Mapping[str, str] | None, str]:
    """The reply, or nothing and why; it is waited for until it is clear that none will come."""
    deadline, pause = time.monotonic() + REPLY_S, threading.Event()
    while True:
        for reply in services.store.simulator.after(newest):
            if reply["to"] == message.number:
                return reply, ""
        why_not = _why_no_reply(services, message)
        if why_not or time.monotonic() > deadline:
            return None, why_not
        pause.wait(0.05)


def _why_no_reply(services: Services, message: InboundMessage) -> str:
    """What the history says against a reply to that message; nothing while one may come."""
    event = find_event(services.history.of_number(message.number), message.message_id)
    return event.note if event is not None else ""


def _show_state(console: Console, services: Services, message: InboundMessage) -> None:
    for name, answer in services.gate.check_programs(
        message.number, services.settings.programs
    ).items():
        if answer.allowed:
            console.print(f"{name} may text {message.number}.")
        else:
            since = f" since {answer.since}" if answer.since else ""
            why = f" ({answer.why})" if answer.why else ""
            said = f"{name} may not text {message.number}: {answer.reason}{since}{why}."
            console.print(said, markup=False, soft_wrap=True)
