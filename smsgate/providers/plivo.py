"""Plivo Messaging: webhooks in, Message API out.

plivo.com/docs/messaging/concepts/signature-validation, …/use-cases/receive-sms,
…/api/message/send-a-message, …/troubleshooting/error-codes; plivo-python 4.63
(utils/signature_v3.py). Read in November 2026.

Plivo marks and blocks an opt-out but says nothing to the subscriber; it lets exactly one text
through within the next five minutes, the confirmation. Signature V3 covers URL and form and joins a
name and its value without anything between them; V2 covers the path alone. Neither signs a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Intent,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.phone import with_plus
from smsgate.domain.signing import as_bytes, hmac_base64, same
from smsgate.providers.base import GivenText, Provider, Report, promised_text
from smsgate.providers.calls import FORM, json_call
from smsgate.providers.fields import Field, secret_field
from smsgate.providers.forms import (
    UUID,
    check_size,
    form_of,
    form_pairs,
    form_texts,
    has_form,
    id_doubt,
)
from smsgate.settings import Account

_API = "https://api.plivo.com"
_ID_NAMES = (b"MessageUUID", b"ParentMessageUUID")
_READ_ONCE = frozenset(
    {"MessageUUID", "From", "To", "Text", "Body", "Type", "MessageIntent", "PowerpackUUID"}
    | {"Status", "ErrorCode", "ContentType"}
)
_CHANNELS = {"mms": "mms", "whatsapp": "whatsapp"}
_FLAGS = {"optout": Intent.OPT_OUT, "optin": Intent.OPT_IN, "help": Intent.HELP}
_FLAG_NAMES = {intent: name for name, intent in _FLAGS.items()}
_MEDIA = re.compile(r"Media([0-9]{1,3})")


class Plivo(Provider):
    """Plivo; ``signature`` names the header that vouches for a webhook, by default V3."""

    name = "plivo"
    label = "Plivo"
    needed = ("MessageUUID", "From", "To")
    refusal = "see plivo.com/docs/messaging/api/response-codes"
    sent_id_at = "message_uuid.0"
    ack = HttpReply(200, "application/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
    fields = (
        Field("auth_id", "MA or SA and 18 capital letters or digits", r"(MA|SA)[A-Z0-9]{18}"),
        secret_field("auth_token", "the Auth Token that belongs to auth_id"),
        secret_field(
            "main_auth_token",
            "the main account's Auth Token, where auth_id is a subaccount",
            required=False,
        ),
        Field("signature", "v3, ma-v3, v2 or ma-v2", r"(ma-)?v[23]", required=False),
    )
    # Plivo's errors have no code of their own. That a number has opted out is only reported later.
    refusals = {
        400: (Verdict.REFUSED, "a number or the text is not what Plivo takes"),
        401: (Verdict.REFUSED, "auth_id or auth_token is wrong"),
        402: (Verdict.REFUSED, "the account has no credit"),
        404: (Verdict.REFUSED, "there is no such account"),
        405: (Verdict.REFUSED, "the account may not do that"),
        429: (Verdict.NOT_ACCEPTED, "too many requests"),
    }
    code_is_final = True
    delivery_statuses = {
        "delivered": "delivered",
        "undelivered": "undelivered",
        "failed": "failed",
        "rejected": "failed",
    }
    report_codes = {
        "50": ("unreachable", "no number that can be texted"),
        "70": ("unreachable", "the number is out of service for good"),
        "200": ("opted_out", "the number has sent STOP to this sender"),
    }

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if Plivo signed the request by the account's ``signature``. No time is signed.

        By V2 only the path is covered; then ``parse`` takes the nonce for the message's id, so that
        somebody who saw one request can neither repeat it nor put another text under its signature.
        """
        given = request.headers.get(_header(account), "")
        if not (given and _nonce_of(request, account)):
            raise SignatureRefused(
                f"The request lacks {_header(account)} or its nonce. If Plivo sends another header "
                "instead, name it in the account's `signature`."
            )
        check_size(request, self.label)
        offered = given.split(",") if _version(account) == "v3" else [given]
        expected = list(_expected(request, account))
        if not any(same(one, other) for one in offered for other in expected):
            raise SignatureRefused(
                f"The {_header(account)} does not fit. It must be made with this account's token "
                "over the public URL, exactly as it was given to Plivo, and the form."
            )

    def message(self, request: WebhookRequest, account: Account) -> InboundMessage | None:
        """Return the text in a verified webhook; none for the status of a text of ours."""
        fields = _fields(request)
        if _is_status(fields):
            return None
        id_, doubt = _nonce_of(request, account), ""
        if _version(account) == "v3":
            id_ = fields.get("MessageUUID", "")
            doubt = id_doubt(id_, UUID, _signed_part(request, account), form_of(request), _ID_NAMES)
        media, flag = _media(fields), _FLAGS.get(fields.get("MessageIntent", "").lower())
        kind = (fields.get("ContentType") or "text").lower()
        # ``Text`` of SMS, ``Body`` of MMS and WhatsApp.
        given: GivenText = fields.get("Text") or fields.get("Body", fields.get("Text", UNSET))
        wordless = bool(media or flag) or kind != "text"
        return InboundMessage(
            account=account.name,
            message_id=id_,
            number=with_plus(fields.get("From", "")),
            sender=with_plus(fields.get("To", "")),
            text=promised_text(given, "Text or Body", request, optional=wordless),
            channel=_CHANNELS.get(fields.get("Type", "").lower(), "sms"),
            service=fields.get("PowerpackUUID", ""),
            flag=flag,
            media=media,
            doubt=doubt,
        )

    def reported(self, request: WebhookRequest, account: Account) -> Iterator[Report]:
        fields = _fields(request)
        if _is_status(fields):
            names = ("Status", "ErrorCode", "MessageUUID", "To", "From", "PowerpackUUID")
            yield from self.report(*(fields.get(name, "") for name in names))

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        form = {
            "From": message.number.removeprefix("+"),
            "MessageIntent": _FLAG_NAMES.get(message.flag, "") if message.flag else "",
            "MessageUUID": message.message_id,
            "PowerpackUUID": message.service,
            "Body" if message.channel in _CHANNELS else "Text": message.text,
            "To": message.sender.removeprefix("+"),
            "TotalAmount": "0",
            "TotalRate": "0",
            "Type": message.channel if message.channel in _CHANNELS else "sms",
            "Units": "1",
        }
        form |= {f"Media{number}": media for number, media in enumerate(message.media, 1)}
        body = urlencode(form, errors="replace").encode("ascii")
        bare = WebhookRequest("POST", url, {"content-type": FORM}, body)
        return WebhookRequest("POST", url, sign(bare, message.message_id, account), body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that sends ``reply`` from the number that was texted.

        Plivo takes no idempotency key. It is asked to report to our status endpoint, where it tells
        of opted-out numbers.
        """
        text = {
            "src": reply.sender,
            "dst": reply.number,
            "text": reply.text,
            "type": "whatsapp" if reply.channel == "whatsapp" else "sms",
        }
        if account.public_url:
            status_url = f"{account.public_url}/webhooks/{account.name}/status"
            text |= {"url": status_url, "method": "POST"}
        auth_id = account.options["auth_id"]
        return json_call(
            f"{account.api_url or _API}/v1/Account/{quote(auth_id, safe='')}/Message/",
            text,
            auth=(auth_id, account.newest_secret("auth_token")),
        )


# --- signature ------------------------------------------------------------------------------------


def sign(request: WebhookRequest, nonce: str, account: Account) -> dict[str, str]:
    """Return the headers by which Plivo signs ``request`` with the account's newest token."""
    headers = {**request.headers, f"x-plivo-signature-{_version(account)}-nonce": nonce}
    signed = WebhookRequest(request.method, request.url, headers, request.body)
    return {**headers, _header(account): next(_expected(signed, account))}


def _expected(request: WebhookRequest, account: Account) -> Iterator[str]:
    """Every signature that would do, of the newest token first."""
    signed = _signed_part(request, account)
    # Only the `ma-` headers are made with the main account's token.
    is_main = (account.options.get("signature") or "").startswith("ma-")
    main = account.values_of("main_auth_token") if is_main else []
    for token in main or account.values_of("auth_token"):
        yield hmac_base64(token, signed, "sha256")


def _signed_part(request: WebhookRequest, account: Account) -> bytes:
    """What is signed of a request by the account's ``signature``.

    By V2 the URL up to the query; by V3 also the query as ``k=v&k=v`` and the form as ``kvkv``,
    both sorted, repeated values all kept. The nonce follows.
    """
    signed = as_bytes(request.url.partition("#")[0].partition("?")[0])
    if _version(account) == "v3":
        query = b"&".join(b"=".join(pair) for pair in sorted(form_pairs(as_bytes(request.query))))
        pairs = () if request.method == "GET" else form_of(request)
        form = b"".join(name + value for name, value in sorted(pairs))
        signed += b"?" + query if query or form else b""
        signed += b"." + form if query and form else form
        signed += b"."
    return signed + as_bytes(_nonce_of(request, account))


def _version(account: Account) -> str:
    """``v3``, which vouches for the form, or ``v2``."""
    return (account.options.get("signature") or "v3").rpartition("-")[2]


def _header(account: Account) -> str:
    return f"x-plivo-signature-{account.options.get('signature') or 'v3'}"


def _nonce_of(request: WebhookRequest, account: Account) -> str:
    return request.headers.get(f"x-plivo-signature-{_version(account)}-nonce", "")


# --- webhooks -------------------------------------------------------------------------------------


def _fields(request: WebhookRequest) -> dict[str, str]:
    """Read the form. Plivo signs repeated values sorted, so which came first proves nothing."""
    if not has_form(request):
        raise Unreadable(f"The body is not form data; Plivo posts {FORM}.")
    return form_texts(form_of(request), _READ_ONCE)


def _is_status(fields: Mapping[str, str]) -> bool:
    """Whether this is about a text of ours. In doubt it is one to us, which must not be lost."""
    return "Status" in fields and not {"Text", "Body", "MediaCount"} & fields.keys()


def _media(fields: Mapping[str, str]) -> tuple[str, ...]:
    found = ((_MEDIA.fullmatch(name), url) for name, url in fields.items())
    return tuple(url for _, url in sorted((int(match[1]), url) for match, url in found if match))
