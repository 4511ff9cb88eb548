"""The forms of a page, as a browser without scripts would send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_CHOSEN = ("checkbox", "radio", "file")


@dataclass
class HtmlForm:
    """One form that posts."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    """By name what is sent where nobody touches it; of buttons the first that has a name."""
    typed: set[str] = field(default_factory=set)
    """Names of fields that a person types into."""


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[HtmlForm] = []
        self._form: HtmlForm | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "form":
            self._form = (
                HtmlForm(given.get("action", "")) if given.get("method") == "post" else None
            )
            self.found += [self._form] if self._form else []
        if self._form is None:
            return
        if tag == "select":
            self._select = name
        elif tag == "option" and (self._select not in self._form.values or "selected" in given):
            self._form.values[self._select] = value
        elif tag == "button" and name:
            self._form.values.setdefault(name, value)
        elif tag == "textarea" or (
            tag == "input" and given.get("type") not in (*_CHOSEN, "hidden")
        ):
            self._form.typed.add(name)
        elif tag == "input" and (given["type"] == "hidden" or "checked" in given):
            self._form.values[name] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


def forms_of(page: str) -> list[HtmlForm]:
    """Every form of a page that posts, in its order."""
    reader = _FormReader()
    reader.feed(page)
    return reader.found
