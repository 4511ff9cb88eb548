"""Numbers: found however they are written, each with its story and what may be done about it."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter

from smsgate.features.numbers.console import actions, search, story
from smsgate.gateway import Gateway


class _Recorded(BaseConverter):
    """A number as it was recorded: what is no phone number may have any character in it."""

    regex = r"[\s\S]{1,600}?"
    part_isolating = False


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""
    console.url_map.converters["recorded"] = _Recorded
    search.register(console, gateway)
    story.register(console, gateway)
    actions.register(console, gateway)
