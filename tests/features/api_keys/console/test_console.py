"""Keys in the console: made, shown once, rotated, revoked."""

from __future__ import annotations

import re
from unittest.mock import Mock

import pytest

from smsgate.api_keys import ApiKeys, Keyring
from smsgate.domain.errors import RecordsUnavailable, Unauthorized
from smsgate.interface import parts
from tests.fakes.own_services import add_key
from tests.fakes.people import newest_actions

KEYS = "/console/setup/keys"
CREATE, CRM = f"{KEYS}/create-key", '{"name":"crm"}'


def shown_key(answer) -> str:
    return re.search(r'value="(sgk_[^"]+)"', answer.text)[1]


def test_a_key_is_shown_once_and_opens(admin, services):
    admin.get(KEYS)
    answer = admin.post(CREATE, {"name": "crm", "scope": "check"})
    assert answer.status_code == 200, answer.text
    key = shown_key(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "sgk_" not in str(answer.headers)
    assert (
        Keyring(ApiKeys(services.records.database), ()).authenticate(f"Bearer {key}").name == "crm"
    )
    page = admin.get(KEYS).text
    assert "sgk_" not in page
    assert "check: ask whether numbers may be texted" in page
    assert ("made an API key", "crm") in {
        (one.what, one.note) for one in newest_actions(services.records, 9)
    }
    assert admin.post(CREATE, {"name": "crm", "scope": "write"}).status_code == 409


def test_that_a_key_is_limited_to_programs_is_shown(viewer, admin, services):
    add_key(services.records, "crm", "check", "alerts", "orders")
    assert "Acme Alerts, Acme" in admin.get(KEYS).text


def test_a_key_is_rotated_and_revoked(admin, services):
    admin.get(KEYS)
    first = shown_key(admin.post(CREATE, {"name": "crm", "scope": "write"}))
    second = shown_key(admin.post(f"{KEYS}/rotate", {"row": CRM, "grace": "24"}))
    opens = lambda: Keyring(ApiKeys(services.records.database), ())  # noqa: E731
    assert {opens().authenticate(f"Bearer {key}").scope for key in (first, second)} == {"write"}
    admin.post(f"{KEYS}/revoke", {"row": CRM})
    page = admin.get(KEYS).text
    assert "Revoked: 1 row" in page
    assert "No keys yet" in page
    for key in (first, second):
        with pytest.raises(Unauthorized):
            opens().authenticate(f"Bearer {key}")


def test_a_key_is_shown_also_where_the_audit_log_is_away(admin, services, monkeypatch):
    away = Mock(side_effect=RecordsUnavailable("the database does not answer"))
    admin.get(KEYS)
    monkeypatch.setattr(parts, "add_action", away)
    answer = admin.post(CREATE, {"name": "crm", "scope": "check"})
    assert answer.status_code == 200, answer.text
    assert shown_key(answer)
    assert "This is not in the audit log" in answer.text
