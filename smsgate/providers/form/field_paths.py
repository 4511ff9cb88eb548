"""Fields of a request by path: of a form or query by name, in JSON and XML by names with dots.

url.spec.whatwg.org/#urlencoded-parsing, RFC 8259, ``xml_document``. A path begins inside the whole:
in XML inside the root element, where ``@`` begins the name of an attribute. A number is a place in
a JSON list, from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from xml.etree import ElementTree as ET

import msgspec
from msgspec import UNSET

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import WebhookRequest
from smsgate.domain.signing import as_bytes
from smsgate.providers.base import GivenText
from smsgate.providers.field_names import shown_names
from smsgate.providers.form.xml_document import XmlRefused, local_name, read_xml
from smsgate.providers.forms import form_pairs
from smsgate.providers.reading import read_json, text_of

_MAX_PATHS, _MAX_NAMES = 2000, 30
Fields = dict[str, object] | ET.Element


def xml_names(root: ET.Element) -> tuple[str, ...]:
    """Return the paths of what is in a document, sorted, without a value; thirty at most."""
    return tuple(sorted({*islice(_paths(root, ""), _MAX_PATHS)})[:_MAX_NAMES])


def _paths(element: ET.Element, outer: str) -> Iterator[str]:
    for name in element.attrib:
        yield f"{outer}@{_shown(name)}"
    for inside in element:
        path = f"{outer}{_shown(inside.tag)}"
        if not len(inside):
            yield path
        yield from _paths(inside, f"{path}.")


def _shown(name: str) -> str:
    return shown_names([local_name(name)])[0]


def read_fields(request: WebhookRequest, body: str) -> Fields:
    """Return the fields in the query of a GET, else in the body.

    ``body`` is what that is: ``json``, ``xml``, else a form. Raises ``Unreadable``.
    """
    if request.method == "GET" or body not in ("json", "xml"):
        raw = as_bytes(request.query) if request.method == "GET" else request.body
        return {text_of(name): text_of(value) for name, value in form_pairs(raw)}
    if body == "json":
        return read_json(request.body, dict[str, object], "The gateway")
    try:
        return read_xml(request.body)
    except XmlRefused as error:
        raise Unreadable(f"The gateway posts XML that is not read: {error}.") from None


def list_at(content: Fields, path: str) -> list[object]:
    """Return the members of the list at the end of a path; none for an empty XML element.

    Raises ``Unreadable`` where the path leads to no list.
    """
    *outer, last = path.split(".")
    place: object = content
    for name in outer:
        place = _inside(place, name)
    if isinstance(place, ET.Element):
        if (found := _elements(place, last)) or not len(place):
            return [*found]
    elif isinstance(place, dict) and isinstance(listed := place.get(last), list):
        return listed
    raise Unreadable(f"The request has no list {path}, which the account's list_field names.")


def _inside(place: object, name: str) -> object:
    """What has that name in an object or element, or that place (from 0) in a list."""
    if isinstance(place, dict):
        return place.get(name, UNSET)
    if isinstance(place, ET.Element):
        if name.startswith("@"):
            values = (v for key, v in place.items() if local_name(key) == local_name(name[1:]))
            return next(values, UNSET)
        found = _elements(place, name)
        if len(found) > 1:
            raise Unreadable(f"The request has several {name}: set list_field to what repeats.")
        return found[0] if found else UNSET
    if isinstance(place, list):
        inside = name.isdecimal() and int(name[:4]) < len(place)
        return place[int(name[:4])] if inside else UNSET
    return UNSET


def _elements(place: ET.Element, name: str) -> list[ET.Element]:
    return [one for one in place if local_name(one.tag) == local_name(name)]


def value_at(content: object, path: str) -> GivenText:
    """Return the value of a field, or what stands at the end of a path of names with dots between.

    ``UNSET`` where nothing does, or something that is neither a text nor a number.
    """
    return _as_text(_found(content, path))


def answer_value(body: bytes, path: str) -> GivenText:
    """Return the value at the end of a path in a response, JSON or XML; of a boolean its name.

    ``UNSET`` where there is none. Never raises.
    """
    try:
        content: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        try:
            content = read_xml(body)
        except XmlRefused:
            return UNSET
    try:
        value = _found(content, path)
    except Unreadable:
        return UNSET
    if isinstance(value, bool):
        return "true" if value else "false"
    return _as_text(value)


def _as_text(value: object) -> GivenText:
    if isinstance(value, str):
        return value
    if value is None:
        return None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else UNSET


def _found(content: object, path: str) -> object:
    value = content.get(path, UNSET) if isinstance(content, dict) else UNSET
    if value is UNSET:
        value = content
        for name in path.split("."):
            value = _inside(value, name)
    return value.text or "" if isinstance(value, ET.Element) and not len(value) else value
