"""The finder finds what is hidden in the usual ways."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from tests.scan.canaries import API_KEY, FEED_SECRET, NUMBER, STOP, Canaries

SEEN = Canaries()


@pytest.mark.parametrize(
    "hidden",
    [
        f"key {API_KEY}.",
        API_KEY.upper(),
        quote(FEED_SECRET, safe=""),
        json.dumps({"x": FEED_SECRET}),
        *(base64.b64encode(b"u" * n + b":" + API_KEY.encode() + b"xy").decode() for n in range(4)),
        f"from {NUMBER}",
        NUMBER[1:],
        "4155550177",
        quote(NUMBER),
        STOP.upper(),
        base64.b64encode(b"zanzibar quokka").decode(),
    ],
)
def test_what_is_hidden_is_found(hidden: str) -> None:
    assert len(SEEN.in_(hidden)) == 1
    assert SEEN.in_(hidden.encode()) == SEEN.in_(hidden)


def test_what_is_masked_is_not_found() -> None:
    assert SEEN.in_("+1415•••0177 <secret> key") == []


def test_numbers_may_be_left_out() -> None:
    assert Canaries(numbers=False).in_(NUMBER) == []
