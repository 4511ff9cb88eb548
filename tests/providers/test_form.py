"""A gateway that the account describes: its ids, its paths, and the reply that it wants."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import (
    HttpCall,
    HttpReply,
    InboundMessage,
    Reply,
    WebhookRequest,
)
from smsgate.providers import PROVIDERS, check_accounts, usable
from smsgate.providers.base import PartUnreadable, TextMissing
from smsgate.providers.form.xml_document import XmlRefused, read_xml
from smsgate.settings import Account
from tests.providers.recorded import account_of

form = PROVIDERS["form"]
SECRET = "k7Vq2-path-secret.of~32"
URL = "https://gateway.example.com/send"
WORST = [
    'He said "STOP"',
    "two\nlines\r\nand\ttabs",
    "{to} {text} {{api_key}} ${HOME} %s",
    "]]> <![CDATA[ & &amp; &#38; <b> '",
    "a=1&b=2+3%41;c",
    "back\\slash \\n \\u0041",
    " blanks around ",
    "🛑 توقف 停止 \u2028 \ufeff",
    '"}]}',
    "</text><text>",
]
texts = st.one_of(
    st.sampled_from(WORST),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
    st.lists(st.sampled_from([*"\"'\\{}[]<>&=%+;\n\r\t", "{text}", "]]>", "--"])).map("".join),
)


def account(**options: str) -> Account:
    secrets = {"secret": [SECRET], "api_key": [options.pop("api_key", "t0ken")]}
    return account_of("own", "form", {"send_url": URL} | options, secrets)


def sent(text: str, described: Account, sender: str = "+14155550100") -> HttpCall:
    return form.reply(Reply("5-0", "opt_out", "a", "+14155550123", sender, "p", text, 0), described)


def faults(described: Account) -> list[tuple[str, str]]:
    return [
        (one.key.removeprefix("accounts.own."), one.problem) for one in check_accounts([described])
    ]


# --- ids made of the content ----------------------------------------------------------------------


def received(described: Account, fields: Mapping[str, object]) -> InboundMessage:
    body = json.dumps(fields).encode()
    (message,) = form.parse(WebhookRequest("POST", "", {}, body), described)
    return message


TIMED = account(body="json", id_from="content", time_field="at", to="22395")
TEXT = {"from": "+14155550123", "text": "STOP", "at": "2026-09-21T14:13:20Z"}


def test_an_id_of_content_is_the_same_for_a_repeat_and_another_for_anything_else():
    known = received(TIMED, TEXT).message_id
    whole = "2026-09-21T14:13:20Z\n+14155550123\n22395\nSTOP"
    assert known == f"made-{hashlib.sha256(whole.encode()).hexdigest()[:32]}"
    assert received(TIMED, {**TEXT, "attempt": 2}).message_id == known
    for change in ({"at": "2026-09-21T14:13:21Z"}, {"from": "+14155550124"}, {"text": "START"}):
        assert received(TIMED, TEXT | change).message_id != known


@pytest.mark.parametrize(
    ("time", "has_id"),
    [
        ("2026-09-21 14:13:20", True),
        ("21.09.2026 14:13:20 +02:00", True),
        ("1790000000", True),
        ("1790000000.25", True),
        (1790000000123, True),
        ("20260921141320", True),
        ("2026-09-21 14:13", False),
        ("202609211413", False),
        ("2026-09-21", False),
        ("", False),
        (None, False),
    ],
)
def test_only_a_time_to_the_second_makes_an_id(time, has_id):
    assert bool(received(TIMED, TEXT | {"at": time}).message_id) is has_id


# --- paths ----------------------------------------------------------------------------------------


def posted_xml(document: str | bytes, **options: str) -> list[InboundMessage]:
    body = document.encode() if isinstance(document, str) else document
    return form.parse(WebhookRequest("POST", "", {}, body), account(body="xml", **options))


def test_one_text_of_a_document_that_cannot_be_read_costs_no_other():
    texts = '<t><m id="1"><from>14155550123</from><text>STOP</text></m><m id="2"/></t>'
    with pytest.raises(PartUnreadable) as refused:
        posted_xml(texts, list_field="m", id_field="@id", to="22395")
    assert [one.text for one in refused.value.others] == ["STOP"]


def test_a_wrong_path_in_xml_is_told_with_those_that_are_there():
    document = "<m><head id='1'/><x:from xmlns:x='urn:x'>14155550123</x:from><b><t>STOP</t></b></m>"
    with pytest.raises(TextMissing) as refused:
        posted_xml(document, to="22395", id_field="head.@id", text_field="body")
    assert str(refused.value) == (
        "The request lacks body, in which a text must stand; it has b.t, from, head, head.@id."
    )


BOMB = "<!DOCTYPE b [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><b>&b;</b>"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (BOMB, "it has a document type"),
        ('<!DOCTYPE b SYSTEM "http://127.0.0.1/x.dtd"><b/>', "it has a document type"),
        (BOMB.encode("utf-16"), "it has a document type"),
        ("<b>&x;</b>", "it is no XML: undefined entity"),
        ("<b>" * 30 + "</b>" * 30, "it is nested too deeply"),
        ("<b>" * 30_000, "it is nested too deeply"),
        ("<b>", "it is no XML: no element found"),
        ("", "it is no XML: no element found"),
        ("from=1&text=STOP", "it is no XML: not well-formed (invalid token)"),
        (b'<?xml version="1.0" encoding="klingon"?><b/>', "its encoding is not known"),
        (b"<b>\xff</b>", "it is no XML: not well-formed (invalid token)"),
        ("<b/><b/>", "it is no XML: junk after document element"),
    ],
)
def test_a_document_that_is_no_plain_xml_is_refused_with_the_reason(document, reason):
    with pytest.raises(XmlRefused) as refused:
        read_xml(document)
    assert str(refused.value) == reason
    with pytest.raises(Unreadable):
        posted_xml(document, to="1")


@given(st.one_of(st.binary(max_size=300), st.text("<>/?!&;=\"' amx[]CDATA-", max_size=80)))
def test_whatever_comes_as_xml_is_read_or_refused(document):
    with suppress(XmlRefused):
        read_xml(document)


def held_by_xml(text: str) -> str:
    """What of a text XML 1.0 can hold, by its own table of characters (2.2)."""

    def known(letter: str) -> bool:
        return letter in "\t\n\r" or (letter >= " " and letter not in "\ufffe\uffff")

    return "".join(one if known(one) else "\ufffd" for one in text)


def test_the_gateway_gets_the_answer_that_it_wants_and_else_an_empty_one():
    assert form.acknowledgement(account()) == HttpReply(200, "text/plain")
    assert form.acknowledgement(account(answer="000")) == HttpReply(200, "text/plain", b"000")
    described = account(answer="<answer>Accepted</answer>", answer_type="text/xml")
    answer = form.acknowledgement(described)
    assert answer == HttpReply(200, "text/xml", b"<answer>Accepted</answer>")


# --- replies --------------------------------------------------------------------------------------


@given(texts)
@example("{api_key}")
def test_a_text_in_json_arrives_unchanged(text):
    template = """
    {"messages": [{"to": "{to_digits}", "from": "{from}", "n": 1, "urgent": true, "extra": null,
                   "content": {"text": "{text}", "note": "to {to}: {text}"}}]}
    """
    call = sent(text, account(send_template=template))
    assert json.loads(call.body) == {
        "messages": [{
            "to": "14155550123", "from": "+14155550100", "n": 1, "urgent": True, "extra": None,
            "content": {"text": text, "note": f"to +14155550123: {text}"},
        }]
    }  # fmt: skip
    assert call.headers["Content-Type"] == "application/json"


@given(texts)
@example("{api_key}")
def test_a_text_in_xml_arrives_unchanged(text):
    template = """<?xml version="1.0"?>
    <send user="{username}"><to>{to}</to><body kind="a{text}b">{text}</body>
    <c><![CDATA[{text}]]></c></send>
    """
    options = {"send_body": "xml", "send_template": template, "username": "us&er"}
    call = sent(text, account(**options))
    root = ET.fromstring(call.body)
    held = held_by_xml(text)
    assert (root.tag, root.get("user")) == ("send", "us&er")
    assert [one.tag for one in root] == ["to", "body", "c"]
    found = (root[1].text or "", root[1].get("kind"), root[2].text or "")
    assert found == (held, f"a{held}b", held)
    assert call.headers["Content-Type"] == "application/xml"


@given(texts)
@example("{api_key}")
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_text_in_a_form_arrives_unchanged(method, text):
    template = "user={username} &\n to={to_digits}&empty=&message={text}&both={from}%20{text}"
    options = {"send_body": "form", "send_template": template, "username": "a&b=c"}
    call = sent(text, account(send_method=method, **options))
    raw = urlsplit(call.url).query if method == "GET" else call.body.decode("ascii")
    assert parse_qsl(raw, keep_blank_values=True) == [
        ("user", "a&b=c"), ("to", "14155550123"), ("empty", ""), ("message", text),
        ("both", f"+14155550100 {text}"),
    ]  # fmt: skip
    assert (call.method, bool(call.body)) == (method, method == "POST")


@given(texts)
def test_a_text_in_the_address_arrives_unchanged(text):
    url = "https://gateway.example.com/{username}/send?text={text}&key={api_key}"
    described = account(send_url=url, username="a/b?", send_template='{"to": "{to}"}')
    call = sent(text, described)
    path, _, query = call.url.removeprefix("https://gateway.example.com/").partition("?")
    assert path == "a%2Fb%3F/send"
    key, given_text = query.rpartition("&key=")[2], query.rpartition("&key=")[0]
    assert (unquote(given_text.removeprefix("text=")), key) == (text, "t0ken")


@given(st.text(max_size=30))
def test_no_sender_can_add_a_header(sender):
    described = account(send_headers="X-From: {from}\nX-Key: {api_key}")
    call = sent("Out.", described, sender)
    assert list(call.headers) == ["Content-Type", "X-From", "X-Key"]
    assert all(" " <= letter <= "~" for value in call.headers.values() for letter in value)
    assert call.headers["X-Key"] == "t0ken"


@pytest.mark.parametrize(
    ("options", "authorization"),
    [
        ({}, "Bearer t0ken"),
        ({"api_key": "user:pass"}, "Basic dXNlcjpwYXNz"),
        ({"username": "user", "api_key": "pass"}, "Basic dXNlcjpwYXNz"),
        ({"username": "user", "api_key": "pa:ss"}, "Basic dXNlcjpwYTpzcw=="),
        ({"send_headers": "authorization: Token {api_key}"}, None),
        ({"send_headers": "apikey: {api_key}"}, None),
        ({"send_template": '{"k": "{api_key}", "t": "{text}", "to": "{to}"}'}, None),
    ],
)
def test_the_key_goes_where_the_account_says_and_else_into_the_header(options, authorization):
    assert sent("Out.", account(**options)).headers.get("Authorization") == authorization


def test_an_id_is_the_same_for_each_try_and_another_for_another_reply():
    described = account(send_template='{"id": "{id}", "t": "{text}", "to": "{to}"}')
    ids = [json.loads(sent("Out.", described).body)["id"] for _ in range(2)]
    reply = Reply("6-0", "opt_out", "a", "+14155550123", "+14155550100", "p", "Out.", 0)
    other = json.loads(form.reply(reply, described).body)["id"]
    assert ids[0] == ids[1] != other
    assert len(other) == 32


# --- what the gateway answers --------------------------------------------------------------------

SAYS = {"sent_field": "data.messages.0.status", "sent_value": "SUCCESS"}
HAS_ID = {"sent_field": "messages.0.id", "sent_id_field": "messages.0.id"}


def answered(body: str, status: int = 200, **options: str) -> tuple[str, str]:
    outcome = form.outcome(HttpReply(status, "", body.encode()), account(**options))
    return outcome.verdict.value, outcome.provider_id


@pytest.mark.parametrize(
    ("options", "body", "verdict", "id_"),
    [
        ({}, '{"id": "m-1"}', "sent", "m-1"),
        ({}, "whatever", "sent", ""),
        (SAYS, '{"data": {"messages": [{"status": "SUCCESS", "id": "x"}]}}', "sent", ""),
        (SAYS, '{"data": {"messages": [{"status": "INVALID_RECIPIENT"}]}}', "refused", ""),
        (SAYS, '{"data": {"messages": []}}', "unknown", ""),
        (SAYS, '{"data": {"messages": [{"status": {"name": "SUCCESS"}}]}}', "unknown", ""),
        (SAYS, "<html>moved</html>", "unknown", ""),
        (SAYS, "", "unknown", ""),
        (HAS_ID, '{"messages": [{"id": 17}]}', "sent", "17"),
        (HAS_ID, '{"messages": [{"id": ""}]}', "refused", ""),
        (HAS_ID, '{"messages": [{"id": null}]}', "refused", ""),
        (HAS_ID, '{"messages": [{"error": "12"}]}', "unknown", ""),
        ({"sent_field": "accepted"}, '{"accepted": false}', "refused", ""),
        ({"sent_field": "accepted", "sent_value": "true"}, '{"accepted": true}', "sent", ""),
        ({"sent_field": "0.id", "sent_id_field": "0.id"}, '[{"id": "1002"}]', "sent", "1002"),
        ({"sent_field": "id", "sent_id_field": "id"}, "<status><id>7</id></status>", "sent", "7"),
        ({"sent_field": "id"}, "<status><id/></status>", "refused", ""),
        ({"sent_field": "id"}, "<status><id>1</id><id>2</id></status>", "unknown", ""),
        ({"sent_id_field": "id"}, '{"id": "%s"}' % ("x" * 500), "sent", ""),
    ],
)  # fmt: skip
def test_a_success_is_what_the_account_says(options, body, verdict, id_):
    assert answered(body, **options) == (verdict, id_)


def test_a_note_names_the_field_and_repeats_nothing_that_the_gateway_said():
    outcome = form.outcome(
        HttpReply(200, "", b'{"data": {"messages": [{"status": "no +14155550123"}]}}'),
        account(**SAYS),
    )
    assert "data.messages.0.status" in outcome.note
    assert "+1415" not in outcome.note


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "key", "said"),
    [
        ({"body": "xml", "text_field": "a..b"}, "text_field", "single dots"),
        ({"body": "json", "id_field": ".id"}, "id_field", "single dots"),
        ({"to": "22395", "to_field": "to"}, "to", "keep the one"),
        ({"to": "our number"}, "to", "our number or short code"),
        ({"id_from": "content", "id_field": "id"}, "id_field", "keep one of them"),
        ({"id_from": "text"}, "id_from", "field or content"),
        ({"time_field": "at"}, "time_field", 'id_from = "content"'),
        ({"sent_value": "OK"}, "sent_value", "sent_field"),
        ({"answer_type": "text/xml"}, "answer_type", "set that, too"),
        ({"answer": "OK", "answer_type": "text/html"}, "answer_type", "text/plain, text/xml"),
        ({"list_field": "messages"}, "list_field", 'body = "json" or "xml"'),
        ({"send_template": '{"to": "{to}", "text": {text}}'}, "send_template", "inside a string"),
        ({"send_template": "[" * 100_000}, "send_template", "must be JSON"),
        ({"send_template": '"{text}"'}, "send_template", "object or list"),
        ({"send_template": '{"to": "{to}"}'}, "send_template", "must have {text}"),
        ({"send_template": '{"text": "{text}"}'}, "send_template", "{to} or {to_digits}"),
        ({"send_template": '{"a": "{txt} {text} {to}"}'}, "send_template", "there are {text}, "),
        ({"send_body": "xml"}, "send_template", "must be an XML document"),
        ({"send_body": "xml", "send_template": BOMB}, "send_template", "it has a document type"),
        ({"send_body": "form", "send_template": '{"to": "{to}"}'}, "send_template", "to={to}&"),
        ({"send_template": '{"a": "{text} {to}"}', "send_to": "b"}, "send_to", "send_template"),
        ({"send_headers": "apikey"}, "send_headers", "Name: value"),
        ({"send_headers": "X-A: {text}"}, "send_headers", "send_template"),
        ({"send_headers": "X-A: {key}"}, "send_headers", "there are {text}"),
        ({"send_headers": "X-Api-Key: abc"}, "send_headers", "write {api_key} here"),
        ({"send_headers": "Authorization: Token abc"}, "send_headers", "set api_key"),
        ({"send_template": '{"a": [{"password": "abc"}], "b": "{text} {to}"}'}, "send_template",
         "set api_key"),
        ({"send_body": "form", "send_template": "pwd=abc&a={text}&b={to}"}, "send_template",
         "set api_key"),
        ({"send_body": "xml", "send_template": "<a token='abc'>{text} {to}</a>"}, "send_template",
         "set api_key"),
        ({"send_body": "xml", "send_template": "<a><key>abc</key>{text} {to}</a>"},
         "send_template", "set api_key"),
        ({"send_headers": "Host: x"}, "send_headers", "cannot set Host"),
        ({"send_headers": "X: é"}, "send_headers", "Name: value"),
        ({"send_method": "GET", "send_body": "json"}, "send_method", '"POST"'),
        ({"send_method": "PATCH"}, "send_method", "POST, PUT or GET"),
        ({"send_url": "https://{username}.example.com/"}, "send_url", "host"),
        ({"send_url": "https://x.example.com/{user}"}, "send_url", "there are {text}"),
        ({"send_headers": "X-U: {username}"}, "username", "is empty"),
        ({"send_headers": "X-K: {api_key}", "api_key": ""}, "api_key", "is empty"),
    ],
)  # fmt: skip
def test_a_wrong_account_is_one_fault_that_says_what_would_be_right(options, key, said):
    described = account(**options)
    ((found, problem),) = faults(described)
    assert found == key
    assert said in problem
    assert not usable(described)


def test_what_only_looks_like_a_secret_is_no_fault():
    template = '{"keyword": "stop", "token": "", "key": "{id}", "text": "{text}", "to": "{to}"}'
    assert faults(account(send_template=template, send_headers="X-Keyword: stop")) == []


def test_an_account_that_waits_to_be_set_up_is_no_fault_but_its_template_is_checked():
    waiting = replace(account(send_url="", api_key=""), secrets={})
    assert faults(waiting) == []
    broken = replace(waiting, options={"send_template": "{"})
    assert [key for key, _ in faults(broken)] == ["send_template"]
