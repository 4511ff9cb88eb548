"""The numbers of a scope, and API keys: the same on every database."""

from __future__ import annotations

from smsgate.api_keys import ApiKeyRow, ApiKeys
from smsgate.consent.events import ConsentState
from tests.records.values import event, lines


def test_a_set_has_its_own_numbers_and_no_others(records):
    stands = {
        "+14155550101": ConsentState(everywhere=True),
        "+14155550102": ConsentState(opted_out=frozenset({"alerts"})),
        "+14155550103": ConsentState(opted_out=frozenset({"alerts2", "x_alerts"})),
        "+14155550104": ConsentState(everywhere=True, opted_out=frozenset({"alerts"}), locked=True),
    }
    some = [
        event(n, number=number, consent_state=consent_state)
        for n, (number, consent_state) in enumerate(stands.items())
    ]
    records.writer.keep({0: lines(*some)})

    def of(scope: str, **more) -> list[str]:
        found = records.reader.suppressed(scope, more.get("after", ""), more.get("limit", 9))
        return [one.number[-1] for one in found]

    assert of("all") == ["1", "4"]
    assert of("alerts") == ["2", "4"]
    assert of("all", after="+14155550101") == ["4"]
    assert of("all", limit=1) == ["1"]


def row(name: str, digest: bytes, made_us: int = 10) -> ApiKeyRow:
    return ApiKeyRow(digest.hex()[:8], name, "check", digest * 32, made_us, "tests")


def test_a_key_opens_from_when_it_is_made_until_it_ends(records):
    keys = ApiKeys(records.database)
    assert keys.add(row("crm", b"1")) == []
    assert [one.name for one in keys.add(row("crm", b"2"))] == ["crm"]  # not kept: the name is used
    assert len(keys.all(20)) == 1
    assert len(keys.add(row("crm", b"3", 20), ends_us=50)) == 1
    assert [one.digest[:1] for one in keys.all(49)] == [b"3", b"1"]
    assert [one.digest[:1] for one in keys.all(50)] == [b"3"]
    assert len(keys.end("crm", 60)) == 1
    assert keys.all(60) == []
    assert keys.end("crm", 70) == []
