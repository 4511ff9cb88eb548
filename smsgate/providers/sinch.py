"""Sinch, SMS REST API (XMS): webhooks in, batches out.

developers.sinch.com/docs/sms/api-reference (webhooks, delivery reports, batches, status codes),
developers.sinch.com/docs/identity-access-management (OAuth 2.0 access tokens) and the events and
hosts of Sinch's SDKs. Read in November 2026.

Webhooks are signed only where Sinch's account manager set that up; without, all that is left is a
secret in the URL, which vouches for the whole request, its time too. A 4xx makes Sinch drop a
webhook for good.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import msgspec
from msgspec import UNSET, UnsetType

from smsgate.domain.messages import HttpCall, InboundMessage, Reply, Verdict, WebhookRequest
from smsgate.domain.phone import with_plus
from smsgate.domain.signed_times import instant_us, iso_time
from smsgate.providers.base import GivenText, Provider, Report, promised_text
from smsgate.providers.calls import json_call, token_call
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.path_secret import check_path
from smsgate.providers.reading import read_json
from smsgate.providers.shared_schemes import check_sinch, sinch_headers
from smsgate.settings import Account

_TOKENS = "https://auth.sinch.com"
_INBOUND = frozenset({"mo_text", "mo_binary", "mo_media"})
_PLAN, _PROJECT = ("auth", ""), ("auth", "project")


class _Medium(msgspec.Struct):
    url: str | None = None


class _Media(msgspec.Struct):
    subject: GivenText = UNSET
    message: GivenText = UNSET
    media: list[_Medium] | None = None


class _Status(msgspec.Struct):
    code: int = 0
    status: str = ""
    recipients: list[str] | None = None


class _Event(msgspec.Struct, rename={"from_": "from"}):
    """An inbound message, or a delivery report on a batch or on one recipient."""

    type: str = ""
    id: str = ""
    from_: str = ""
    to: str = ""
    body: str | _Media | UnsetType | None = UNSET
    received_at: str = ""
    batch_id: str = ""
    recipient: str = ""
    applied_originator: str | None = None
    code: int = 0
    status: str = ""
    statuses: list[_Status] | None = None


class Sinch(Provider):
    """Sinch's SMS API; ``auth`` says whether a service plan's token sends, or an access key."""

    name = "sinch"
    label = "Sinch"
    title = "Sinch (SMS API)"
    refusal = "see developers.sinch.com, SMS status codes"
    refusals = dict.fromkeys(
        (401, 403), (Verdict.REFUSED, "the token or the access key is wrong, or not for this plan")
    )
    fields = (
        Field("service_plan_id", "the service plan's id", r"[0-9A-Za-z_-]+", only_with=_PLAN),
        secret_field("api_token", "the service plan's API token", only_with=_PLAN),
        secret_field(
            "webhook_secret",
            'the secret that webhooks are signed with, or with scheme = "path" a long secret of '
            "your own that ends the webhook's URL",
            path_with=("scheme", "path"),
        ),
        Field("scheme", "hmac or path", r"hmac|path", required=False),
        Field("region", "us, eu, au, br or ca", r"us|eu|au|br|ca", required=False),
        Field("auth", "project, where an access key sends, or nothing", r"project", required=False),
        Field("project_id", "the project's id, a UUID", r"[0-9a-fA-F-]{36}", only_with=_PROJECT),
        Field("key_id", "the id of an access key, a UUID", r"[0-9a-fA-F-]{36}", only_with=_PROJECT),
        secret_field("key_secret", "that access key's secret", only_with=_PROJECT),
    )
    report_codes = {  # The one final status that says something of the number.
        "deleted": (
            "unreachable",
            "deleted by the network: an invalid number, or one that opted out",
        ),
    }
    delivery_statuses = {
        "delivered": "delivered",
        "deleted": "undelivered",
        "expired": "undelivered",
        "failed": "undelivered",
        "aborted": "failed",
        "cancelled": "failed",
        "rejected": "failed",
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the request is Sinch's by the account's ``scheme``."""
        if account.options.get("scheme") == "path":
            check_path(request, account, "webhook_secret")
        else:
            secrets = account.values_of("webhook_secret")
            check_sinch(request.headers, request.body, secrets, now_us)

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for a delivery report.

        What a binary message says is not guessed at.
        """
        event = read_json(request.body, _Event, "Sinch")
        if event.type not in _INBOUND:
            return None
        media: tuple[str, ...] = ()
        if isinstance(event.body, _Media):
            media = tuple(medium.url for medium in event.body.media or () if medium.url)
            # The subject of an MMS where it says nothing else.
            given = event.body.message or event.body.subject
            given = event.body.message if given is UNSET else given
        else:
            given = UNSET if event.type == "mo_binary" else event.body
        wordless = event.type == "mo_binary" or bool(media)
        return InboundMessage(
            account=account.name,
            message_id=event.id,
            number=with_plus(event.from_),
            sender=with_plus(event.to),
            text=promised_text(given, "body", request, optional=wordless),
            channel="mms" if event.type == "mo_media" else "sms",
            sent_us=instant_us(event.received_at),
            media=media,
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        """Yield what became of texts of ours; opt-outs have no code."""
        event = read_json(request.body, _Event, "Sinch")
        for recipient, code, given in _recipients(event):
            status, sender = given.lower(), event.applied_originator or ""
            for report in self.report(status, status, event.batch_id, recipient, sender):
                yield replace(report, code=str(code or ""))

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        picture = {"message": message.text, "media": [{"url": url} for url in message.media]}
        event = {
            "type": "mo_media" if message.channel == "mms" else "mo_text",
            "id": message.message_id,
            "from": message.number.removeprefix("+"),
            "to": message.sender.removeprefix("+"),
            "body": picture if message.channel == "mms" else message.text,
        }
        if message.sent_us is not None:
            event["received_at"] = iso_time(message.sent_us)
        body = json.dumps(event, ensure_ascii=False).encode(errors="replace")
        secret, headers = account.newest_secret("webhook_secret"), {}
        if account.options.get("scheme") == "path":
            url = f"{url}/{secret}"
        else:
            headers = sinch_headers(body, secret, message.message_id, message.sent_us or 0)
        return WebhookRequest("POST", url, {"content-type": "application/json", **headers}, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply``. No repeat is safe.

        A service plan has a token of its own; a project's access key gets one for an hour.
        """
        options = account.options
        content = {
            "from": reply.sender.removeprefix("+"),
            "to": [reply.number.removeprefix("+")],
            "body": reply.text,
            "type": "mt_text",
            "client_reference": f"{reply.account}-{reply.id}",
            "delivery_report": "per_recipient",
        }
        host = f"{options.get('region') or 'us'}.sms.api.sinch.com"
        if options.get("auth") == "project":
            url = f"{account.api_url or f'https://zt.{host}'}/xms/v1/{options['project_id']}"
            token_url = f"{account.api_url or _TOKENS}/oauth2/token"
            token = token_call(token_url, options["key_id"], account.newest_secret("key_secret"))
            return json_call(f"{url}/batches", content, token_from=token)
        url = f"{account.api_url or f'https://{host}'}/xms/v1/{options['service_plan_id']}"
        headers = {"Authorization": f"Bearer {account.newest_secret('api_token')}"}
        return json_call(f"{url}/batches", content, headers=headers)


def _recipients(event: _Event) -> Iterator[tuple[str, int, str]]:
    """Number, code and status of every recipient that a report names."""
    if event.recipient:
        yield event.recipient, event.code, event.status
    for status in event.statuses or ():
        for recipient in status.recipients or ():
            yield recipient, status.code, status.status
