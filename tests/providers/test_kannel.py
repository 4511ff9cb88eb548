"""Kannel: a character set that nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smsgate.providers import PROVIDERS
from tests.providers.recorded import everything

kannel = PROVIDERS["kannel"]
STOP = next(one for one in everything() if (one.provider, one.name) == ("kannel", "stop"))
URL = STOP.request.url.partition("?")[0]


@pytest.mark.parametrize(
    ("charset", "doubt"),
    [
        ("KOI8-R", "its character set is not known"),
        ("x", "its character set is not known"),
        ("GSM", ""),
        ("utf-8", ""),
        ("binary", ""),
        ("WINDOWS-1252", ""),
        ("", ""),
    ],
)
def test_a_text_in_an_unknown_character_set_is_kept_as_received_and_in_doubt(charset, doubt):
    query = f"id=1&from=%2B14155550123&to=%2B14155550999&text=caf%E9&charset={charset}"
    request = replace(STOP.request, url=f"{URL}?{query}")
    (message,) = kannel.parse(request, STOP.account)
    assert (message.text, message.doubt) == ("café", doubt)
