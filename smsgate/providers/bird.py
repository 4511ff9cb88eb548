"""Bird's API of 2026 (platform.bird.com): SMS in by Standard Webhooks, SMS out.

bird.com/docs (webhooks, SMS), and github.com/messagebird/bird-sdk-python, August 2026 (its models
of events, errors and SMS suppressions; webhooks.unwrap; idempotency keys of writes). Read in
November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

import msgspec

from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.providers.base import Report
from smsgate.providers.calls import idempotency_key, json_call, not_sent
from smsgate.providers.fields import secret_field
from smsgate.providers.opt_out_lists import (
    ListedOptOut,
    OptOutListAccess,
    OptOutListPage,
    OptOutListProvider,
    OptOutNotice,
)
from smsgate.providers.reading import read_json
from smsgate.providers.shared_schemes import check_standard_webhook, standard_webhook_headers
from smsgate.settings import Account

_OURS = frozenset({"api_key", "user"})
"""Origins of suppressions that no subscriber made."""


class _Error(msgspec.Struct):
    code: str = ""


class _Data(msgspec.Struct):
    """Of a text – or, with a destination, of a suppression."""

    sms_id: str = ""
    sender: str = msgspec.field(name="from", default="")
    to: str = ""
    text: str | None = None
    error: _Error | None = None
    id: str = ""
    destination: str = ""
    originator: str | None = None


class _Event(msgspec.Struct):
    type: str
    data: msgspec.Raw
    timestamp: str = ""


class _Suppression(msgspec.Struct):
    destination: str = ""
    originator: str = ""
    origin: str = ""
    effective_at: str = ""


class _Suppressions(msgspec.Struct):
    data: list[_Suppression]
    next_cursor: str | None = None


class Bird(OptOutListProvider):
    """Bird; the API key says which region to call, and its key makes a repeated call harmless."""

    name = "bird"
    label = "Bird"
    needed = ("sms_id", "from", "to")
    refusal = "see the errors of Bird's API"
    refusals = {409: (Verdict.UNKNOWN, "an earlier try may be under way")}
    errors = {
        "recipient_opted_out": (Verdict.OPTED_OUT, "the number is on the suppression list"),
        "insufficient_balance": (Verdict.REFUSED, "the account has no funds"),
        "invalid_destination": (Verdict.REFUSED, "the number cannot be texted"),
        "sender_unregistered": (Verdict.REFUSED, "the sender cannot be used so"),
    }
    error_at = "error.name"
    idempotent = True
    opt_out_list = OptOutListAccess(is_readable=True, holds_for="sender")
    fields = (
        secret_field("api_key", "an API key, bk_REGION_…", r"bk_[a-z0-9]+_[!-~]+"),
        secret_field(
            "webhook_secret",
            "the webhook's signing secret, whsec_…",
            r"(whsec_)?[A-Za-z0-9+/]+={0,2}",
        ),
    )
    delivery_statuses = {
        "sms.delivered": "delivered",
        "sms.undelivered": "undelivered",
        "sms.failed": "failed",
        "sms.rejected": "failed",
    }
    report_codes = {
        "recipient_opted_out": ("opted_out", "the number is on the suppression list"),
        "blocked_by_recipient": ("opted_out", "the subscriber blocks the sender"),
        "invalid_destination": ("unreachable", "no number that can be texted"),
        "landline_unreachable": ("unreachable", "a landline"),
        "unreachable": ("unreachable", "the network does not reach the number"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if Bird signed id, time and body by Standard Webhooks, within 300 s."""
        secrets = account.values_of("webhook_secret")
        check_standard_webhook(request.headers, request.body, secrets, now_us)

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for other events.

        A text is not promised: Bird leaves it out where there are attachments alone, which its
        events do not name.
        """
        event = read_json(request.body, _Event, "Bird")
        if event.type != "sms.received":
            return None
        data = read_json(bytes(event.data), _Data, "Bird")
        return InboundMessage(
            account=account.name,
            message_id=data.sms_id,
            number=data.sender,
            sender=data.to,
            text=data.text or "",
            sent_us=instant_us(event.timestamp),
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        """Yield what a suppression says of a number, or what became of a text of ours."""
        event = read_json(request.body, _Event, "Bird")
        if not event.type.startswith("sms"):
            return
        data = read_json(bytes(event.data), _Data, "Bird")
        if event.type == "sms_suppression.created" and data.destination:
            kind, note = self.report_codes["recipient_opted_out"]
            sender = data.originator or ""
            yield Report(data.id, data.destination, sender, kind, event.type, note)
        code = data.error.code if data.error else ""
        yield from self.report(event.type, code, data.sms_id, data.to, data.sender)

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        sent_us = message.sent_us or 0
        data = {"sms_id": message.message_id, "from": message.number, "to": message.sender}
        if message.text:
            data["text"] = message.text
        event = {"type": "sms.received", "timestamp": iso_time(sent_us), "data": data}
        body, time = msgspec.json.encode(event), str(sent_us // 1_000_000)
        secret, id_ = account.newest_secret("webhook_secret"), f"msg_{message.message_id}"
        headers = standard_webhook_headers(id_, time, body, [secret])
        return WebhookRequest("POST", url, headers, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        text = {
            "to": reply.number,
            "from": reply.sender,
            "text": reply.text,
            "category": "transactional",
        }
        headers = _authorized(account) | {"Idempotency-Key": idempotency_key(reply)}
        return json_call(f"{_api(account)}/v1/sms/messages", text, headers=headers)

    def outcome(self, response: HttpReply, account: Account | None = None) -> Outcome:
        if response.status == 501:
            return not_sent(self.label, response, (Verdict.REFUSED, "there is no such call"))
        return super().outcome(response)

    def opt_out_list_call(self, account: Account, page: str, now_us: int) -> HttpCall:
        query = {"limit": "50"} | ({"starting_after": page} if page else {})
        headers = {"Accept": "application/json", **_authorized(account)}
        url = f"{_api(account)}/v1/sms/suppressions?{urlencode(query)}"
        return HttpCall("GET", url, headers)

    def opt_out_list_page(self, response: HttpReply, account: Account) -> OptOutListPage:
        found = read_json(response.body, _Suppressions, self.label)
        opt_outs = tuple(
            ListedOptOut(
                number=one.destination,
                sender=one.originator,
                at_us=instant_us(one.effective_at) or 0,
                by_api=one.origin in _OURS,
            )
            for one in found.data
        )
        return OptOutListPage(opt_outs, found.next_cursor or "")

    def opt_out_call(
        self, notices: Sequence[OptOutNotice], account: Account, now_us: int
    ) -> HttpCall:
        (notice,) = notices
        headers = _authorized(account) | {"Idempotency-Key": notice.id}
        content = {"destination": notice.number, "originator": notice.sender}
        return json_call(f"{_api(account)}/v1/sms/suppressions", content, headers=headers)


def _api(account: Account) -> str:
    region = account.newest_secret("api_key").split("_")[1]
    return account.api_url or f"https://{region}.platform.bird.com"


def _authorized(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.newest_secret('api_key')}"}
