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
from smsgate.domain.messages import HttpCall, InboundMessage, Reply, WebhookRequest
from smsgate.domain.phone import international
from smsgate.domain.signing import as_bytes, basic_auth, form_pairs, path_secret, same, text_of
from smsgate.providers.base import FORM, REGION, Field, Provider, form_call, secret_field, send_url
from smsgate.providers.reading import GivenText, check_present, promised_text, read_json
from smsgate.settings import Account

_NAME = r"[!-~]+"
_WHAT = "the name of a field; in JSON, dots lead into objects"


class Form(Provider):
    """A gateway that the account's options describe."""

    name = "form"
    label = "The gateway"
    fields = (
        Field(
            "secret",
            r"[A-Za-z0-9._~+/=-]+",
            "a random text of letters, digits, -, _, . and ~; in a header also +, / and =",
            secret=True,
            chosen=True,
        ),
        Field("secret_header", r"[a-z][a-z0-9-]*", "a header's name in lower case", required=False),
        Field("body", r"form|json", "form or json", required=False),
        Field("id_field", _NAME, _WHAT, required=False),
        Field("from_field", _NAME, _WHAT, required=False),
        Field("to_field", _NAME, _WHAT, required=False),
        Field("text_field", _NAME, _WHAT, required=False),
        Field("kind_field", _NAME, _WHAT, required=False),
        Field(
            "kind_value", _NAME, "what kind_field says of a text from a subscriber", required=False
        ),
        REGION,
        Field("send_url", r"https?://[!-~]+", "the address that takes texts to send"),
        Field("send_body", r"form|json", "form or json", required=False),
        Field("send_from", _NAME, "the name of a field", required=False),
        Field("send_to", _NAME, "the name of a field", required=False),
        Field("send_text", _NAME, "the name of a field", required=False),
        secret_field("api_key", "a bearer token, or user:password", required=False),
    )

    def verify(self, request: WebhookRequest, account: Account, now_us: int) -> None:
        """Return if the request has a secret of the account where the account expects it.

        Nothing else vouches for a text.
        """
        header = account.options.get("secret_header", "")
        given = path_secret(request.url)
        if header:  # With or without a word that says how the secret is meant.
            given = request.headers.get(header, "")
            for word in ("Bearer ", "Basic "):
                if given.startswith(word):
                    given = given.removeprefix(word)
                    break
        if not any(same(given, secret) for secret in account.values_of("secret")):
            where = f"in the header {header}" if header else "at the end of the address"
            raise SignatureRefused(f"The request does not have this account's secret {where}.")

    def parse(self, request: WebhookRequest, account: Account) -> list[InboundMessage]:
        """Return the text in a verified request; none where ``kind_field`` says something else."""
        options = account.options
        fields = _fields(request, account)
        kind = options.get("kind_field")
        if kind and (_at(fields, kind) or "") != options.get("kind_value", ""):
            return []
        id_field, from_field, to_field, text_field = (
            options.get(f"{name}_field") or name for name in ("id", "from", "to", "text")
        )
        found = {name: _at(fields, name) or "" for name in (id_field, from_field, to_field)}
        check_present("The request", found, found, "every text")
        region = options.get("region", "")
        return [
            InboundMessage(
                account=account.name,
                message_id=found[id_field],
                number=international(found[from_field], region),
                sender=international(found[to_field], region),
                text=promised_text(_at(fields, text_field), text_field, request),
            )
        ]

    def inbound(self, message: InboundMessage, account: Account, url: str) -> WebhookRequest:
        options, secret = account.options, account.secrets["secret"][0].value
        values = {
            "id": message.message_id,
            "from": message.number,
            "to": message.sender,
            "text": message.text,
        }
        named = {options.get(f"{name}_field") or name: value for name, value in values.items()}
        if options.get("kind_field"):
            named[options["kind_field"]] = options.get("kind_value", "")
        headers = {}
        if options.get("secret_header"):
            headers[options["secret_header"]] = secret
        else:
            url = f"{url}/{secret}"
        if options.get("body") == "json":
            headers["content-type"] = "application/json"
            return WebhookRequest("POST", url, headers, msgspec.json.encode(_nested(named)))
        headers["content-type"] = FORM
        body = urlencode(named, errors="replace").encode("ascii")
        return WebhookRequest("POST", url, headers, body)

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that hands ``reply`` to the gateway."""
        values = {"from": reply.sender, "to": reply.number, "text": reply.text}
        named = {account.options.get(f"send_{name}") or name: text for name, text in values.items()}
        headers = {}
        for secret in account.values_of("api_key")[:1]:
            user, colon, password = secret.partition(":")
            headers["Authorization"] = basic_auth(user, password) if colon else f"Bearer {secret}"
        if account.options.get("send_body") == "form":
            return form_call(send_url(account), named, headers=headers)
        headers["Content-Type"] = "application/json"
        return HttpCall("POST", send_url(account), headers, msgspec.json.encode(named))


def _fields(request: WebhookRequest, account: Account) -> Mapping[str, object]:
    """The fields: of the query of a GET, else of the body, as the account says that it is."""
    if account.options.get("body") == "json" and request.method != "GET":
        return read_json(request.body, dict[str, object], "The gateway")
    raw = as_bytes(request.query) if request.method == "GET" else request.body
    return {text_of(name): text_of(value) for name, value in form_pairs(raw)}


def _at(fields: Mapping[str, object], path: str) -> GivenText:
    """The value of a field, or at the end of a path of names with dots between.

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
