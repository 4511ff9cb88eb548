"""The call that sends a reply, as an account describes it: method, URL, headers and a body.

The body's template is a form, JSON or XML. It is read as that first, and the reply's values go into
its texts afterwards, so that whoever writes it out again escapes them: no text can end a string, an
element or a field. Forms: url.spec.whatwg.org/#urlencoded-serializing; JSON: RFC 8259; headers:
RFC 9110, 5.5. A placeholder is a name in braces, such as ``{text}``; other braces stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from smsgate.domain.errors import SmsGateError
from smsgate.domain.messages import HttpCall
from smsgate.providers.calls import FORM
from smsgate.providers.form.xml_document import XmlElement, XmlRefused, read_xml, write_xml

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
_SECRET_NAME = re.compile(r".*(authorization|key|token|secret|password|passwd|pwd)", re.IGNORECASE)
"""How the names of headers and fields end that hold a secret."""
_NOT_VISIBLE = re.compile(r"[^ -~]")
_CONTENT_TYPES = {"form": FORM, "json": "application/json", "xml": "application/xml"}

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
FormPairs = tuple[tuple[str, str], ...]


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
    body: FormPairs | Json | XmlElement
    """The form of a GET goes into the query."""

    @property
    def used(self) -> frozenset[str]:
        """The names of the placeholders in it."""
        found = set(_PLACEHOLDER.findall(self.url))
        for value in (*(value for _, value in self.headers), *_texts(self.body)):
            found |= set(_PLACEHOLDER.findall(value))
        return frozenset(found)

    def address(self, values: Mapping[str, str]) -> str:
        """Return the URL with values in it, escaped; without the query of a GET."""
        return _filled(self.url, values, lambda value: quote(value, safe="", errors="replace"))

    def call(self, url: str, values: Mapping[str, str]) -> HttpCall:
        """Describe the call to ``url``, which is ``address`` or the same on another host."""
        headers = {
            name: _NOT_VISIBLE.sub("", _filled(value, values)) for name, value in self.headers
        }

        def fill(text: str) -> str:
            return _filled(text, values)

        if isinstance(self.body, XmlElement):
            return HttpCall(self.method, url, headers, write_xml(self.body, fill))
        if not isinstance(self.body, tuple):
            content = json.dumps(_with_values(self.body, fill)).encode("ascii")
            return HttpCall(self.method, url, headers, content)
        pairs = [(name, fill(value)) for name, value in self.body]
        form = urlencode(pairs, errors="replace")
        if self.method == "GET":
            return HttpCall("GET", f"{url}{'&' if '?' in url else '?'}{form}", headers)
        return HttpCall(self.method, url, headers, form.encode("ascii"))


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
    template = ReplyTemplate(method, url, named, _READERS[kind](body))
    _check(template)
    return template


def _check(template: ReplyTemplate) -> None:
    used = template.used
    for name in sorted(used - {*PLACEHOLDERS}):
        known = ", ".join(f"{{{one}}}" for one in PLACEHOLDERS)
        key = "send_url" if f"{{{name}}}" in template.url else "send_template"
        if any(f"{{{name}}}" in value for _, value in template.headers):
            key = "send_headers"
        raise TemplateFault(key, f"has {{{name}}}, which stands for nothing; there are {known}")
    for key, pairs in (("send_headers", template.headers), ("send_template", template.body)):
        for name, value in _named_texts(pairs):
            if _SECRET_NAME.fullmatch(name) and value and not _PLACEHOLDER.search(value):
                problem = f"must not hold the secret {name} itself, which would be shown on pages: "
                raise TemplateFault(key, f"{problem}set api_key, and write {{api_key}} here")
    if any("{text}" in value for _, value in template.headers):
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


def _form(body: str) -> FormPairs:
    pieces = [piece.strip() for piece in body.split("&")]
    if not all("=" in piece[1:] for piece in pieces):
        raise TemplateFault("send_template", 'must be a form, as "to={to}&message={text}"')
    return tuple(parse_qsl("&".join(pieces), keep_blank_values=True))


def _json(body: str) -> Json:
    try:
        content: Json = json.loads(body)
    except (ValueError, RecursionError) as error:
        where = (
            f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        )
        problem = f"must be JSON, with each placeholder inside a string ({where or 'too deep'})"
        raise TemplateFault("send_template", problem) from None
    if not isinstance(content, dict | list):
        raise TemplateFault("send_template", "must be a JSON object or list")
    return content


def _xml(body: str) -> XmlElement:
    try:
        return read_xml(body)
    except XmlRefused as error:
        raise TemplateFault("send_template", f"must be an XML document: {error}") from None


_READERS: Mapping[str, Callable[[str], FormPairs | Json | XmlElement]] = {
    "form": _form,
    "json": _json,
    "xml": _xml,
}


def _filled(
    text: str, values: Mapping[str, str], escape: Callable[[str], str] | None = None
) -> str:
    """The text with its placeholders replaced; what stands in a value is not looked at again."""
    return _PLACEHOLDER.sub(
        lambda found: escape(values[found[1]]) if escape else values[found[1]], text
    )


def _with_values(content: Json, fill: Callable[[str], str]) -> Json:
    if isinstance(content, dict):
        return {name: _with_values(value, fill) for name, value in content.items()}
    if isinstance(content, list):
        return [_with_values(value, fill) for value in content]
    return fill(content) if isinstance(content, str) else content


def _named_texts(body: FormPairs | Json | XmlElement) -> Iterator[tuple[str, str]]:
    """Every text with its name: of a header, a form's field, a member of JSON, an attribute."""
    if isinstance(body, tuple):
        yield from body
    elif isinstance(body, dict):
        for name, value in body.items():
            yield from [(name, value)] if isinstance(value, str) else _named_texts(value)
    elif isinstance(body, list):
        for value in body:
            yield from _named_texts(value)
    elif isinstance(body, XmlElement):
        yield from body.attributes.items()
        yield body.name, body.text.strip()
        for element in body.elements():
            yield from _named_texts(element)


def _texts(body: FormPairs | Json | XmlElement) -> Iterator[str]:
    """Every text that placeholders may stand in."""
    if isinstance(body, str):
        yield body
    elif isinstance(body, dict):
        for value in body.values():
            yield from _texts(value)
    elif isinstance(body, list):
        for value in body:
            yield from _texts(value)
    elif isinstance(body, tuple):
        yield from (value for _, value in body)
    elif isinstance(body, XmlElement):
        yield from body.attributes.values()
        for child in body.children:
            yield from _texts(child)
