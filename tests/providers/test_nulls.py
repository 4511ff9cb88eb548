"""A member of a webhook's JSON that is null says as much as one that is not there."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace

from smsgate.domain.errors import Unreadable
from smsgate.providers import PROVIDERS
from tests.providers.recorded import Recorded, everything
from tests.providers.walking import over

Path = tuple[str | int, ...]


def _in_json(one: Recorded) -> bool:
    # The SMS API of Vonage signs each member, and SNS its envelope: there a null would be forged.
    if one.request.body[:1] not in (b"{", b"[") or one.provider in ("vonage_sms", "aws_sns"):
        return False
    try:
        json.loads(one.request.body)
    except ValueError:
        return False
    return True


def _members(found: object, path: Path = ()) -> Iterator[Path]:
    if isinstance(found, dict):
        yield from ((*path, name) for name in found)
    parts = found.items() if isinstance(found, dict) else enumerate(found)  # type: ignore[arg-type]
    for name, inner in parts:
        if isinstance(inner, (dict, list)):
            yield from _members(inner, (*path, name))


def _parsed(one: Recorded, content: object) -> object:
    request = replace(one.request, body=json.dumps(content).encode())
    try:
        return PROVIDERS[one.provider].parse(request, one.account)
    except Unreadable:
        return "unreadable"


@over(one for one in everything() if _in_json(one))
def test_a_null_loses_no_text_that_would_be_read_without_it(one):
    whole = json.loads(one.request.body)
    for *outer, name in _members(whole):
        absent, null = copy.deepcopy(whole), copy.deepcopy(whole)
        for content in (absent, null):
            place = content
            for step in outer:
                place = place[step]
            place[name] = None
            if content is absent:
                del place[name]
        without = _parsed(one, absent)
        assert without == "unreadable" or _parsed(one, null) == without, (*outer, name)


def test_an_event_without_data_loses_no_text_of_its_batch():
    (batch,) = [one for one in everything() if str(one) == "azure-batch"]
    other = {"id": "1", "eventType": "Microsoft.Resources.ResourceWriteSuccess"}
    assert _parsed(batch, [other, *json.loads(batch.request.body)]) == list(batch.messages)
