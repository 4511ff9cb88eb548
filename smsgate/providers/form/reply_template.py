"""The call that sends a reply, as an account describes it: method, URL, headers and a body.

The body's template is a form, JSON or XML. It is read as that first and written out in one
spelling, in which a placeholder can only stand inside a text; there the reply's values are escaped,
so that no text can end a string, an element or a field. Forms:
url.spec.whatwg.org/#urlencoded-serializing; JSON: RFC 8259; XML: w3.org/TR/xml-c14n2; headers:
RFC 9110, 5.5. A placeholder is a name in braces, such as ``{text}``; other braces stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit
from xml.etree import ElementTree as ET

from smsgate.domain.errors import SmsGateError
from smsgate.domain.messages import HttpCall
from smsgate.providers.calls import FORM
from smsgate.providers.form.xml_document import XmlRefused, escape_xml, read_xml

PLACEHOLDERS: Mapping[str, str] = {
    "text": "the text",
    "to": "the subscriber's number, with its plus",
    "to_digits": "the same without the plus",
    "from": "the number of ours that was texted",
    "from_digits": "the same without the plus",
    "id": "an id that is the same for each try of a reply, and of no other one",
    "username": "`username` of the account",
    "api_key": "`api_key` of the account",
}
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NOT_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers that the client sets itself."""
_CONFIDENTIAL = r"(?<![\w./:-])([\w.:-]*(?:authorization|key|token|secret|password|passwd|pwd))"
"""How the names of headers and fields end that hold a secret; not where an element ends."""
_SECRET_HEADER = re.compile(_CONFIDENTIAL + "(: )(.*)", re.IGNORECASE)
_SECRET_FIELD = re.compile(_CONFIDENTIAL + r"""(": "|="?|>)([^"&<]*)""", re.IGNORECASE)
_NOT_VISIBLE = re.compile(r"[^ -~]")


class TemplateFault(SmsGateError):
    """A template cannot be used: ``key`` of the account is wrong, and the text says how."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(problem)
        self.key = key


@dataclass(frozen=True, slots=True)
class ReplyTemplate:
    """A call with placeholders in it."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    kind: str
    body: str
    """In one spelling of its ``kind``; the form of a GET goes into the query."""

    @property
    def used(self) -> frozenset[str]:
        """The names of the placeholders in it."""
        return frozenset(_PLACEHOLDER.findall(f"{self.url}\n{self.header_lines}\n{self.body}"))

    @property
    def header_lines(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self.headers)

    def address(self, values: Mapping[str, str]) -> str:
        """Return the URL with values in it, escaped; without the query of a GET."""
        return _filled(self.url, values, lambda value: quote(value, safe="", errors="replace"))

    def call(self, url: str, values: Mapping[str, str]) -> HttpCall:
        """Describe the call to ``url``, which is ``address`` or the same on another host."""
        headers = {
            name: _filled(value, values, lambda text: _NOT_VISIBLE.sub("", text))
            for name, value in self.headers
        }
        body = _filled(self.body, values, _ESCAPES[self.kind])
        if self.method == "GET":
            return HttpCall("GET", f"{url}{'&' if '?' in url else '?'}{body}", headers)
        return HttpCall(self.method, url, headers, body.encode())


@lru_cache(maxsize=256)
def read_template(method: str, url: str, headers: str, kind: str, body: str) -> ReplyTemplate:
    """Return what an account describes. Raises ``TemplateFault``.

    Args:
        method: ``POST``, ``PUT`` or ``GET``.
        url: with placeholders behind the host alone.
        headers: one a line, ``Name: value``.
        kind: of the body: ``form``, ``json`` or ``xml``.
        body: as a query is written (lines and blanks around ``&`` do not matter), JSON or XML.
    """
    if method == "GET" and kind != "form":
        raise TemplateFault("send_method", 'cannot be GET with a body: write "POST" or "PUT"')
    if "{" in urlsplit(url).netloc:
        raise TemplateFault("send_url", "must name the host itself, without a placeholder")
    named = tuple(_header_lines(headers))
    if method != "GET" and "content-type" not in {name.lower() for name, _ in named}:
        named = (("Content-Type", _CONTENT_TYPES[kind]), *named)
    template = ReplyTemplate(method, url, named, kind, _READERS[kind](body))
    _check(template)
    return template


def _check(template: ReplyTemplate) -> None:
    used = template.used
    for name in sorted(used - {*PLACEHOLDERS}):
        known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
        key = "send_url" if f"{{{name}}}" in template.url else "send_template"
        key = "send_headers" if f"{{{name}}}" in template.header_lines else key
        raise TemplateFault(key, f"has {{{name}}}, which stands for nothing; there are {known}")
    for key, secret, text in (
        ("send_headers", _SECRET_HEADER, template.header_lines),
        ("send_template", _SECRET_FIELD, template.body),
    ):
        for name, _, value in secret.findall(text):
            if value.strip() and not _PLACEHOLDER.search(value):
                problem = f"must not hold the secret {name} itself, which would be shown on pages: "
                raise TemplateFault(key, f"{problem}set api_key, and write {{api_key}} here")
    if "{text}" in template.header_lines:
        raise TemplateFault("send_headers", "cannot hold {text}: put it into send_template")
    if "text" not in used:
        raise TemplateFault("send_template", "must have {text} where the text belongs")
    if not used & {"to", "to_digits"}:
        problem = "must have {to} or {to_digits} where the subscriber's number belongs"
        raise TemplateFault("send_template", problem)


def _header_lines(lines: str) -> Iterator[tuple[str, str]]:
    for line in filter(None, map(str.strip, lines.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not _HEADER_NAME.fullmatch(name) or _NOT_VISIBLE.search(value):
            raise TemplateFault("send_headers", 'must have one header a line, as "Name: value"')
        if name.lower() in _NOT_OURS:
            raise TemplateFault("send_headers", f"cannot set {name}, which each call has by itself")
        yield name, value.strip()


def _form(body: str) -> str:
    pieces = [piece.strip() for piece in body.split("&")]
    if not all("=" in piece[1:] for piece in pieces):
        raise TemplateFault("send_template", 'must be a form, as "to={to}&message={text}"')
    return urlencode(parse_qsl("&".join(pieces), keep_blank_values=True), safe="{}")


def _json(body: str) -> str:
    try:
        content: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        where = (
            f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        )
        problem = f"must be JSON, with each placeholder inside a string ({where or 'too deep'})"
        raise TemplateFault("send_template", problem) from None
    if not isinstance(content, dict | list):
        raise TemplateFault("send_template", "must be a JSON object or list")
    return json.dumps(content)


def _xml(body: str) -> str:
    try:
        read_xml(body)
    except XmlRefused as error:
        raise TemplateFault("send_template", f"must be an XML document: {error}") from None
    return f'<?xml version="1.0" encoding="UTF-8"?>{ET.canonicalize(body)}'


_CONTENT_TYPES = {"form": FORM, "json": "application/json", "xml": "application/xml"}
_READERS: Mapping[str, Callable[[str], str]] = {"form": _form, "json": _json, "xml": _xml}
"""Write a template in one spelling. Raise ``TemplateFault``."""
_ESCAPES: Mapping[str, Callable[[str], str]] = {
    "form": lambda text: quote_plus(text, errors="replace"),
    "json": lambda text: json.dumps(text)[1:-1],
    "xml": escape_xml,
}


def _filled(text: str, values: Mapping[str, str], escape: Callable[[str], str]) -> str:
    """The text with its placeholders replaced; what stands in a value is not looked at again."""
    return _PLACEHOLDER.sub(lambda found: escape(values[found[1]]), text)
