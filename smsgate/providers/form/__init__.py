"""Any gateway that posts a form, JSON or XML and a shared secret: the configuration describes it.

No vendor's page: what the account says is the documentation, docs/providers/form.md. Forms are
read as url.spec.whatwg.org/#urlencoded-parsing has it, JSON as RFC 8259, XML as ``xml_document``
does. November 2026. What the gateway itself answers is not known here; if it does, the program says
``confirm = "never"``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote_to_bytes, urlencode
from xml.etree import ElementTree as ET

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
from smsgate.domain.signing import as_bytes, same
from smsgate.providers.base import Provider, TextMissing, check_present, promised_text, read_each
from smsgate.providers.calls import basic_auth, idempotency_key, not_sent, send_url
from smsgate.providers.fields import REGION, Field, secret_field
from smsgate.providers.form.field_paths import (
    answer_value,
    list_at,
    read_fields,
    value_at,
    xml_names,
)
from smsgate.providers.form.presets import PRESETS, with_preset
from smsgate.providers.form.reply_template import ReplyTemplate, TemplateFault, read_template
from smsgate.providers.form.xml_document import read_xml
from smsgate.providers.path_secret import path_secret
from smsgate.settings import Account

_WHAT = "the name of a field; in JSON and XML, dots lead inside"
_SENT_NAMES = ("from", "to", "text")
_PATHS = (
    "list_field", "id_field", "time_field", "from_field", "to_field", "text_field",
    "charset_field", "kind_field",
)  # fmt: skip
_NOT_TOGETHER = (
    ("to", "to_field", "cannot be set beside to_field: keep the one that the gateway needs"),
    *(
        (f"send_{name}", "send_template", "is not read beside send_template: take it out")
        for name in _SENT_NAMES
    ),
)
"""Keys that another one excludes, and what to say then."""
_ONLY_TOGETHER = (("answer_type", "answer"), ("sent_value", "sent_field"))
_SECONDS = re.compile(
    r".*[0-9]{2}:[0-9]{2}:[0-9]{2}.*|1[0-9]{9}(\.[0-9]+)?|1[0-9]{12}|1[0-9]{15}|[0-9]{14}|[0-9]{17}"
)
"""Times to the second at least: with colons, since 1970 in s, ms or µs, or as digits from the year
on. Others cannot tell two texts of one minute apart."""
_CHARSETS: Mapping[str, str] = {
    "ISO-8859-1": "latin-1",
    "WINDOWS-1252": "cp1252",
    "UTF-16BE": "utf-16-be",
    "UTF-16LE": "utf-16-le",
    "UCS-2": "utf-16-be",
}
"""Character sets whose texts come with every byte as ``%41``; of UTF-8, texts come as they are."""
_NOTHING = frozenset({None, "", "0", "false"})
_MAX_ID = 200
_PLAIN = frozenset({"", "UTF-8", "UTF8", "ASCII", "US-ASCII"})


class Form(Provider):
    """A gateway that the account's options describe."""

    name = "form"
    label = "The gateway"
    title = "Another gateway"
    batches = True
    fields = (
        Field(
            "secret",
            "a random text of letters, digits, -, _, . and ~; in a header also +, / and =",
            r"[A-Za-z0-9._~+/=-]+",
            secret=True,
            chosen=True,
        ),
        Field("secret_header", "a header's name in lower case", r"[a-z][a-z0-9-]*", required=False),
        Field("preset", f"one of {', '.join(PRESETS)}", "|".join(PRESETS), required=False),
        Field("body", "form, json or xml", r"form|json|xml", required=False),
        Field("id_from", "field or content", r"field|content", required=False),
        Field("to", "our number or short code, in digits", r"\+?[0-9]{3,15}", required=False),
        Field("kind_value", "what kind_field says of a subscriber's text", required=False),
        REGION,
        Field("answer", "words in ASCII, at most 500 characters", r"[ -~]{1,500}", required=False),
        Field(
            "answer_type",
            "text/plain, text/xml, application/xml or application/json",
            r"text/plain|text/xml|application/xml|application/json",
            required=False,
        ),
        Field(
            "send_url",
            "the address that takes texts to send",
            r"https?://[!-~]+",
            only_with=("preset", ""),
        ),
        Field("send_method", "POST, PUT or GET", r"POST|PUT|GET", required=False),
        Field("send_headers", "lines of the form Name: value", r"(?s).+", required=False),
        Field("send_body", "form, json or xml", r"form|json|xml", required=False),
        Field("send_template", "a form, JSON or XML, as send_body says", r"(?s).+", required=False),
        Field("sent_value", "what sent_field says of a taken text", r"[ -~]+", required=False),
        Field("username", "the user's name at the gateway", required=False),
        secret_field("api_key", "a bearer token, or user:password", required=False),
        *(Field(name, _WHAT, required=False) for name in (*_PATHS, "sent_field", "sent_id_field")),
        *(Field(f"send_{name}", "the name of a field", required=False) for name in _SENT_NAMES),
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

    def path_secret_key(self, options: Mapping[str, str]) -> str:
        """Return ``secret``, unless it comes in a header."""
        preset = PRESETS.get(options.get("preset", ""))
        known = {**(preset.options if preset else {}), **options}
        return "" if known.get("secret_header") else "secret"

    def problems(self, account: Account) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with paths, the first fault of the template, and what that lacks."""
        account = with_preset(account)
        options = account.options
        yield from _contradictions(options)
        try:
            template = _template(account)
        except TemplateFault as fault:
            yield fault.key, str(fault)
            return
        if not account.values_of("secret"):
            return  # the account waits to be set up
        preset = options.get("preset", "")
        needs = PRESETS[preset].needs if preset else ()
        used = sorted({"username", "api_key"} & template.used)
        for key in dict.fromkeys([*needs, *used]):
            given = account.values_of(key) if key == "api_key" else options.get(key)
            if not given and key not in account.unset:
                wanted_by = f"preset {preset}" if key in needs else f"reply, with {{{key}}}"
                yield key, f"is empty, and the {wanted_by} needs it: set it"

    def acknowledgement(self, account: Account) -> HttpReply:
        """Return 200 with the text that the gateway wants, by default none."""
        options = with_preset(account).options
        if not options.get("answer"):
            return self.ack
        return HttpReply(200, options.get("answer_type", "text/plain"), options["answer"].encode())

    def parse(self, request: WebhookRequest, account: Account) -> list[InboundMessage]:
        """Return the texts in a verified request; none where ``kind_field`` says something else."""
        account = with_preset(account)
        content, options = read_fields(request, account.options.get("body", "")), account.options
        if not options.get("list_field"):
            message = _message(content, request, account)
            return [message] if message is not None else []
        parts = list_at(content, options["list_field"])
        return read_each(parts, lambda part: _message(part, request, account))

    def reply(self, reply: Reply, account: Account) -> HttpCall:
        """Describe the call that hands ``reply`` to the gateway."""
        account = with_preset(account)
        template, api_key = _template(account), next(iter(account.values_of("api_key")), "")
        username = account.options.get("username", "")
        values = {
            "text": reply.text,
            "to": reply.number,
            "to_digits": reply.number.removeprefix("+"),
            "from": reply.sender,
            "from_digits": reply.sender.removeprefix("+"),
            "id": idempotency_key(reply)[:32],
            "username": username,
            "api_key": api_key,
        }
        place = {"send_url": template.address(values)}
        call = template.call(send_url(replace(account, options=place)), values)
        named = {name.lower() for name in call.headers}
        if not api_key or "api_key" in template.used or "authorization" in named:
            return call
        user, colon, password = api_key.partition(":")
        if username:
            user, colon, password = username, ":", api_key
        authorization = basic_auth(user, password) if colon else f"Bearer {api_key}"
        return replace(call, headers={"Authorization": authorization, **call.headers})

    def outcome(self, response: HttpReply, account: Account | None = None) -> Outcome:
        """Say what the gateway's response to ``reply`` means, by the account's ``sent_…`` keys.

        A 2xx may be a refusal; where what would say so is not there, nobody knows.
        """
        outcome = super().outcome(response)
        if outcome.verdict is not Verdict.SENT or account is None:
            return outcome
        options = with_preset(account).options
        if path := options.get("sent_field"):
            said = answer_value(response.body, path)
            if said is UNSET:
                meaning = (Verdict.UNKNOWN, f"it does not say {path}, so nobody knows")
                return not_sent(self.label, response, meaning)
            wanted = options.get("sent_value")
            if not (said == wanted if wanted else said not in _NOTHING):
                meaning = (Verdict.REFUSED, f"its {path} says that it did not take the text")
                return not_sent(self.label, response, meaning)
        if path := options.get("sent_id_field"):
            id_ = answer_value(response.body, path) or ""
            outcome = replace(outcome, provider_id=id_ if len(id_) <= _MAX_ID else "")
        return outcome


# --- what the account says ------------------------------------------------------------------------


def _contradictions(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key in _PATHS:
        path = options.get(key, "")
        if options.get("body") in ("json", "xml") and path and not all(path.split(".")):
            yield key, 'must be names with single dots between them, such as "message.text"'
    for key, other, problem in _NOT_TOGETHER:
        if options.get(key) and options.get(other):
            yield key, problem
    for key, other in _ONLY_TOGETHER:
        if options.get(key) and not options.get(other):
            yield key, f"says more of {other}: set that, too"
    if options.get("id_from") == "content" and options.get("id_field"):
        yield "id_field", 'cannot be set with id_from = "content": keep one of them'
    if options.get("time_field") and options.get("id_from") != "content":
        yield "time_field", 'is read with id_from = "content" alone: set that, or take it out'
    if options.get("list_field") and options.get("body") not in ("json", "xml"):
        yield "list_field", 'needs body = "json" or "xml": a form has one text'


def _template(account: Account) -> ReplyTemplate:
    """The account's template; without one of its own the three fields that ``send_…`` name.

    Raises ``TemplateFault``.
    """
    options = account.options
    method = options.get("send_method") or "POST"
    kind = options.get("send_body") or ("form" if method == "GET" else "json")
    body = options.get("send_template", "")
    if not body:
        fields = {options.get(f"send_{name}") or name: f"{{{name}}}" for name in _SENT_NAMES}
        body = {"json": json.dumps(fields), "form": urlencode(fields, safe="{}")}.get(kind, "")
    headers = options.get("send_headers", "")
    return read_template(method, options.get("send_url", ""), headers, kind, body)


# --- what the gateway posts -----------------------------------------------------------------------


def _message(content: object, request: WebhookRequest, account: Account) -> InboundMessage | None:
    """The text in a request, or in one part of it; none where it is something else."""
    options = account.options
    kind = options.get("kind_field")
    if kind and (value_at(content, kind) or "") != options.get("kind_value", ""):
        return None
    id_field, from_field, to_field, text_field = (
        options.get(f"{name}_field") or name for name in ("id", "from", "to", "text")
    )
    has_id, to = options.get("id_from") != "content", options.get("to", "")
    needed = [id_field] * has_id + [from_field] + [to_field] * (not to)
    found = {name: (value_at(content, name) or "").strip() for name in needed}
    check_present(found)
    region = options.get("region", "")
    given = value_at(content, text_field)
    if given is UNSET and isinstance(content, ET.Element):
        raise TextMissing(text_field, xml_names(read_xml(request.body)))
    text, doubt = promised_text(given, text_field, request), ""
    if options.get("charset_field"):
        text, doubt = _decoded(text, value_at(content, options["charset_field"]) or "")
    message = InboundMessage(
        account=account.name,
        message_id=found[id_field] if has_id else "",
        number=international(found[from_field], region),
        sender=international(to or found[to_field], region),
        text=text,
        doubt=doubt,
    )
    if options.get("time_field"):
        message = replace(message, message_id=_content_id(message, content, options["time_field"]))
    return message


def _content_id(message: InboundMessage, content: object, time_field: str) -> str:
    """The id of a text that comes without one: a hash of it and of its time.

    Nothing without a time to the second: the same text from the same number may then be another
    one, so that only its repeat within seconds is taken for the same.
    """
    time = (value_at(content, time_field) or "").strip()
    if not _SECONDS.fullmatch(time):
        return ""
    whole = f"{time}\n{message.number}\n{message.sender}\n{message.text}"
    return f"made-{hashlib.sha256(as_bytes(whole)).hexdigest()[:32]}"


def _decoded(text: str, charset: str) -> tuple[str, str]:
    """Return a text whose bytes are escaped in a character set, and why it may be another one."""
    name = charset.strip().upper()
    if name in _PLAIN:
        return text, ""
    if name not in _CHARSETS:
        return text, "its character set is not known"
    raw = unquote_to_bytes(text.replace("+", " ").encode("latin-1", "replace"))
    return raw.decode(_CHARSETS[name], "replace"), ""
