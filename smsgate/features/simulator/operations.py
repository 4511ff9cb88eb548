"""``smsgate text``: be a subscriber."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec

from smsgate.decision_text import because
from smsgate.domain.errors import AccountNotReady, Unfit, UnknownAccount
from smsgate.domain.phone import e164
from smsgate.features.simulator.service import default_sender, make_message, post_text, read_phone
from smsgate.interface.operation import Context, operation
from smsgate.pipeline.gate import Gate, GateAnswer
from smsgate.pipeline.history import History
from smsgate.providers import usable
from smsgate.settings import Account, Settings
from smsgate.store.store import Store

SIMULATOR = "simulator"
WAIT_S = 3.0


class TextRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a subscriber texts, and whom."""

    body: Annotated[str, msgspec.Meta(description="The text.")]
    from_: Annotated[str, msgspec.Meta(description="The subscriber's number.")] = "+14155550123"
    to: Annotated[str, msgspec.Meta(description="Number or short code to text.")] = ""
    account: Annotated[
        str, msgspec.Meta(description="Account to text; default: the simulator's, or the only one.")
    ] = ""
    url: Annotated[
        str, msgspec.Meta(description="Public address of smsgate; default: the account's.")
    ] = ""


class TextResult(msgspec.Struct, frozen=True):
    """What was texted, what the endpoint answered, and, of the simulator, what came of it."""

    number: str
    sender: str
    text: str
    url: str
    status: int
    refusal: str = ""
    """What the endpoint answered where it refused the text."""
    steps: Sequence[str] = ()
    reply: str = ""
    programs: Mapping[str, GateAnswer] = {}
    """By program whether it may text the number now."""


def _lines(found: TextResult) -> str:
    lines = [f"{found.number} → {found.sender}  {found.text!r}", f"{found.status} from {found.url}"]
    lines += [found.refusal] if found.refusal else []
    lines += [f"{found.sender} → {found.number}  {found.reply}"] if found.reply else []
    lines += found.steps
    for name, answer in found.programs.items():
        since = f" since {answer.since}" if answer.since else ""
        why = f" ({because(answer.why)})" if answer.why else ""
        said = f"may not text {found.number}: {answer.reason}{since}{why}"
        lines.append(f"{name} {f'can text {found.number}' if answer.allowed else said}.")
    return "\n".join(lines)


@operation(
    command="text <body>",
    role="agent",
    example={"body": "Stop.", "from_": "+14155550123"},
    text=_lines,
    exit_code=lambda found: int(found.status >= 300),
)
def send_text(
    _: Context,
    request: TextRequest,
    settings: Settings,
    store: Store,
    history: History,
    gate: Gate,
) -> TextResult:
    """Text smsgate as a subscriber: post a webhook, signed as by the account's provider.

    With the simulator of `smsgate dev`, it also shows the reply and each step.
    """
    account = _account(settings, request.account)
    base = (request.url or account.public_url).rstrip("/")
    if not base:
        raise Unfit(
            "Nobody is there to be texted: start `smsgate dev`, or say where smsgate is with --url"
        )
    sender = request.to or default_sender(settings, account)
    message = make_message(account, request.body, e164(request.from_), sender)
    url = f"{base}/webhooks/{account.name}"
    sent, answer = post_text(message, account, url)
    found = TextResult(message.number, sender, message.text, url, answer.status)
    if answer.status >= 300:
        refusal = answer.body.decode(errors="replace").strip()
        return msgspec.structs.replace(found, refusal=refusal)
    if not account.simulated:
        return found
    deadline, pause = time.monotonic() + WAIT_S, threading.Event()
    while not (view := read_phone(history, store, message.number, sent)).settled:
        if pause.wait(0.05) or time.monotonic() > deadline:
            break
    steps = [f"{one.name}: {one.note.rstrip('.')}." for one in view.steps]
    replies = [one.text for one in view.texts if one.ours and one.at_us > sent.posted_us]
    programs = gate.check_programs(message.number, settings.programs)
    return msgspec.structs.replace(
        found, steps=steps, reply=replies[-1] if replies else "", programs=programs
    )


def _account(settings: Settings, name: str) -> Account:
    accounts = settings.accounts
    only = next(iter(accounts), "") if len(accounts) == 1 else SIMULATOR
    account = accounts.get(name or only)
    if account is None:
        known = ", ".join(accounts) or "none"
        raise UnknownAccount(f"Say which account is texted: --account, one of: {known}")
    if not usable(account):
        raise AccountNotReady(
            f"Account {account.name!r} has no secret to sign the webhook with. Set it, or start "
            "`smsgate dev`, whose simulator needs none."
        )
    return account


OPERATIONS = (send_text,)
