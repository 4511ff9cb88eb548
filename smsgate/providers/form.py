"""Any gateway that posts a form or JSON and a shared secret: field names in the configuration.

No vendor's page: what the account says is the documentation, docs/providers/form.md. Forms are
read as url.spec.whatwg.org/#urlencoded-parsing has it, JSON as RFC 8259. November 2026. What the
gateway itself answers is not known here; if it does, the program says ``confirm = "never"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import SignatureRefused
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Outcome,
    Reply,
    Verdict,
    WebhookRequest,
)
from smsgate.domain.phone import international
from smsgate.domain.signing import as_bytes, basic_auth, form_pairs, path_secret, same, text_of
from smsgate.providers.contract import (
    FORM,
    REGION,
    Field,
    GivenText,
    check_present,
    failed,
    promised_text,
    read_json,
    send_url,
)
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.contract import no_reports as reports
from smsgate.settings import Account

__all__ = [
    "ACK",
    "BATCHES", "FIELDS", "IDEMPOTENT", "NAME", "answered", "certificate", "handshake", "inbound",
    "outcome", "parse", "reply", "reports", "verify",
]  # fmt: skip

NAME = "form"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = False
_NAME = r"[!-~]+"
_WHAT = "the name of a field; in JSON, dots lead into objects"
FIELDS: tuple[Field, ...] = (
    Field(
        "secret",
        r"[A-Za-z0-9._~+/=-]+",
        "a random text of letters, digits, -, _, . and ~; in a header also +, / and =",
        secret=True,
        chosen=True,
    ),
    Field("secret_header", r"[a-z][a-z0-9-]*", "a header's name in lower case", required=False),
    Field("body", r"form|json", "form or json", required=False),
    *(
        Field(name, _NAME, _WHAT, required=False)
        for name in ("id_field", "from_field", "to_field", "text_field", "kind_field")
    ),
    Field("kind_value", _NAME, "what kind_field says of a text from a subscriber", required=False),
    REGION,
    Field("send_url", r"https?://[!-~]+", "the address that takes texts to send"),
    Field("send_body", r"form|json", "form or json", required=False),
    *(
        Field(name, r"[!-~]+", "the name of a field", required=False)
        for name in ("send_from", "send_to", "send_text")
    ),
    Field("api_key", r"[!-~]+", "a bearer token, or user:password", secret=True, required=False),
)
_JSON: msgspec.json.Decoder[dict[str, object]] = msgspec.json.Decoder(dict[str, object])


def verify(request: WebhookRequest, account: Account, now_us: int) -> None:  # noqa: ARG001
    """Return if the request has a secret of the account where the account says that it stands.

    Nothing else vouches for a text. Raises ``SignatureRefused``.
    """
    header = account.options.get("secret_header", "")
    given = _bare(request.headers.get(header, "")) if header else path_secret(request.url)
    if not any(same(given, secret) for secret in account.values_of("secret")):
        place = f"in the header {header}" if header else "at the end of the address"
        raise SignatureRefused(f"The request does not have this account's secret {place}.")


def parse(request: WebhookRequest, account: Account) -> list[InboundMessage]:
    """Return the text in a verified request; none where ``kind_field`` says something else.

    Raises ``Unreadable`` for what has not the account's shape, or lacks id, from or to, and
    ``TextMissing`` where nothing stands at ``text_field``.
    """
    options = account.options
    fields = _read(request, account)
    kind = options.get("kind_field")
    if kind and (_at(fields, kind) or "") != options.get("kind_value", ""):
        return []
    names = {name: options.get(f"{name}_field") or name for name in ("id", "from", "to", "text")}
    found = {name: _at(fields, names[name]) or "" for name in ("id", "from", "to")}
    needed = {names[name]: found[name] for name in ("id", "from", "to")}
    check_present("The request", needed, needed, "every text")
    region = options.get("region", "")
    return [
        InboundMessage(
            account=account.name,
            message_id=found["id"],
            number=international(found["from"], region),
            sender=international(found["to"], region),
            text=promised_text(_at(fields, names["text"]), names["text"], request),
        )
    ]


def reply(reply: Reply, account: Account) -> HttpCall:
    """Describe the call that hands ``reply`` to the gateway, from the number that was texted."""
    values = {"from": reply.sender, "to": reply.number, "text": reply.text}
    named = {account.options.get(f"send_{name}") or name: value for name, value in values.items()}
    form = account.options.get("send_body") == "form"
    headers = {"Content-Type": FORM if form else "application/json"}
    for secret in account.values_of("api_key")[:1]:
        user, colon, password = secret.partition(":")
        headers["Authorization"] = basic_auth(user, password) if colon else f"Bearer {secret}"
    written = urlencode(named, errors="replace").encode("ascii") if form else None
    return HttpCall("POST", send_url(account), headers, written or msgspec.json.encode(named))


def outcome(response: HttpReply) -> Outcome:
    """Say what the gateway's response to ``reply`` means, by its status alone. Never raises."""
    if 200 <= response.status < 300:
        return Outcome(Verdict.SENT)
    return failed("The gateway", response, None, "it does not take the text")


def inbound(message: InboundMessage, account: Account, url: str) -> WebhookRequest:
    """Return the request by which such a gateway would post ``message``, with the newest secret."""
    options, secret = account.options, account.secrets["secret"][0].value
    values = {"id": message.message_id, "from": message.number, "to": message.sender}
    values |= {"text": message.text}
    named = {options.get(f"{name}_field") or name: value for name, value in values.items()}
    if options.get("kind_field"):
        named[options["kind_field"]] = options.get("kind_value", "")
    json = options.get("body") == "json"
    headers = {"content-type": "application/json" if json else FORM}
    if options.get("secret_header"):
        headers[options["secret_header"]] = secret
    else:
        url = f"{url}/{secret}"
    if json:
        return WebhookRequest("POST", url, headers, msgspec.json.encode(_nested(named)))
    return WebhookRequest("POST", url, headers, urlencode(named, errors="replace").encode("ascii"))


def _bare(header: str) -> str:
    """The secret in a header, with or without a word that says how it is meant."""
    for word in ("Bearer ", "Basic "):
        if header.startswith(word):
            return header[len(word) :]
    return header


def _read(request: WebhookRequest, account: Account) -> Mapping[str, object]:
    """The fields: of the query of a GET, else of the body, as the account says that it is."""
    if account.options.get("body") == "json" and request.method != "GET":
        return read_json(request.body, _JSON, "The gateway")
    raw = as_bytes(request.query) if request.method == "GET" else request.body
    return {text_of(name): text_of(value) for name, value in form_pairs(raw)}


def _at(fields: Mapping[str, object], path: str) -> GivenText:
    """What stands at a field's name, or at the end of a path of names with dots between.

    ``UNSET`` where nothing does, or something that is neither a text nor a number.
    """
    value = fields.get(path, UNSET)
    if value is UNSET:
        value = fields
        for name in path.split("."):
            value = value.get(name, UNSET) if isinstance(value, dict) else UNSET
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return UNSET
    return str(value)


def _nested(named: Mapping[str, str]) -> dict[str, object]:
    """``{"data.from": …}`` as ``{"data": {"from": …}}``."""
    whole: dict[str, object] = {}
    for path, value in named.items():
        *outer, last = path.split(".")
        place = whole
        for name in outer:
            inner = place.setdefault(name, {})
            place = inner if isinstance(inner, dict) else {}
        place[last] = value
    return whole
