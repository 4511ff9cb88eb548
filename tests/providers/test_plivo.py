"""Plivo: what only it does."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils import validate_v3_signature

from smsgate.domain.errors import SignatureRefused, Unreadable
from smsgate.domain.messages import WebhookRequest
from smsgate.providers import PROVIDERS
from smsgate.providers.plivo import sign
from tests.providers.recorded import everything

plivo = PROVIDERS["plivo"]

RECORDED = {one.name: one for one in everything() if one.provider == "plivo"}
ACCOUNT = RECORDED["stop"].account
TOKEN = "a-token-that-opens-nothing"
URL = "https://sms.example.com/webhooks/plivo"
FORM = "application/x-www-form-urlencoded"
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
values = st.text(st.characters(codec="utf-8"), max_size=20)
forms = st.dictionaries(names, st.lists(values, min_size=1, max_size=3), max_size=6)


def signed(form, *, url=URL, kind=FORM, method="POST", account=ACCOUNT) -> WebhookRequest:
    body = form if isinstance(form, bytes) else urlencode(form, doseq=True).encode()
    request = WebhookRequest(method, url, {"content-type": kind}, body)
    return replace(request, headers=sign(request, "12345", account))


def refused(request, account=ACCOUNT) -> bool:
    try:
        plivo.verify(request, account, 0)
    except SignatureRefused:
        return True
    return False


@given(form=forms, query=st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "1", "x y"])))
def test_plivos_own_library_agrees_on_forms(form, query):
    url = URL + (f"?{urlencode(query)}" if query else "")
    request = signed(form, url=url)
    params = parse_qs(request.body.decode(), keep_blank_values=True)
    signature = request.headers["x-plivo-signature-v3"]
    assert validate_v3_signature("POST", url, "12345", TOKEN, signature, params)
    assert not refused(request)


def test_the_account_alone_says_which_header_counts():
    accounts = {
        name: RECORDED[name].account for name in ("stop", "stop_ma", "stop_v2", "stop_ma_v2")
    }
    accepted = [
        (name, other)
        for name in accounts
        for other, account in accounts.items()
        if not refused(RECORDED[name].request, account)
    ]
    assert accepted == [(name, name) for name in accounts]


def test_an_account_that_is_the_main_one_needs_its_token_only_once():
    account = replace(ACCOUNT, options={**ACCOUNT.options, "signature": "ma-v3"})
    assert not refused(signed({"a": "1"}, account=account), account)


def test_another_text_on_a_signature_of_v2_is_the_same_message():
    """V2 covers the path alone; the nonce as the id makes whatever else comes with it a repeat."""
    recorded = RECORDED["stop_v2"]
    body = recorded.request.body.replace(b"STOP", b"START").replace(b"0001", b"0002")
    forged = replace(recorded.request, body=body)
    plivo.verify(forged, recorded.account, 0)
    (message,), (genuine,) = plivo.parse(forged, recorded.account), recorded.messages
    assert (message.text, message.message_id) == ("START", genuine.message_id)


@pytest.mark.parametrize("name", ["stop", "stop_v2"])
def test_the_nonce_is_signed_and_needed(name):
    recorded = RECORDED[name]
    header = f"x-plivo-signature-{'v2' if name == 'stop_v2' else 'v3'}-nonce"
    for nonce in ("", "1"):
        headers = {**recorded.request.headers, header: nonce}
        assert refused(replace(recorded.request, headers=headers), recorded.account)


@pytest.mark.parametrize(
    ("form", "kind", "problem"),
    [
        (b"Text=ARR%CAT&From=1&To=2&MessageUUID=3", FORM, "The form has bytes that are no UTF-8."),
        ({"From": ["1", "2"]}, FORM, "The form has From more than once, with different values."),
        ({"Text": "1"}, FORM, "The request lacks MessageUUID, From, To; every text has them all."),
        (b"", "application/json", f"The body is not form data; Plivo posts {FORM}."),
    ],
)
def test_a_genuine_request_that_cannot_be_read_is_told_why(form, kind, problem):
    request = signed(form, kind=kind)
    assert not refused(request)
    with pytest.raises(Unreadable) as raised:
        plivo.parse(request, ACCOUNT)
    assert str(raised.value) == problem


def test_a_form_of_hundreds_of_fields_is_refused_before_it_is_read():
    assert refused(signed({f"x{number}": "" for number in range(501)}))
    assert not refused(signed({f"x{number}": "" for number in range(500)}))


@pytest.mark.parametrize(
    ("code", "kind"),
    [("200", "opted_out"), ("70", "unreachable"), ("50", "unreachable"), ("30", ""), ("000", "")],
)
def test_what_became_of_a_text_of_ours_says_something_of_the_number_or_nothing(code, kind):
    form = {"From": "14155550100", "To": "14155550123", "Status": "failed", "ErrorCode": code}
    found = plivo.reports(signed({**form, "MessageUUID": "m"}), ACCOUNT)
    assert [(one.kind, one.number, one.sender, one.code, one.status) for one in found] == [
        (kind, "+14155550123", "+14155550100", code, "failed")
    ]


@pytest.mark.parametrize("status", ["queued", "sent", ""])
def test_a_status_on_the_way_is_no_end(status):
    form = {"From": "14155550100", "To": "14155550123", "Status": status, "ErrorCode": "000"}
    assert plivo.reports(signed({**form, "MessageUUID": "m"}), ACCOUNT) == []


def test_a_text_is_no_report_even_if_it_has_a_code():
    form = {"From": "1", "To": "2", "Text": "x", "Status": "received", "ErrorCode": "200"}
    assert plivo.reports(signed({**form, "MessageUUID": "m"}), ACCOUNT) == []
