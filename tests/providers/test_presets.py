"""Presets of ``form``: what each reads is in the recorded webhooks, what each sends is here."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from smsgate.domain.messages import HttpReply, Reply
from smsgate.providers import PROVIDERS, check_accounts, usable
from smsgate.providers.form.presets import PRESETS, with_preset
from smsgate.settings import Account
from tests.providers.recorded import account_of, everything

form = PROVIDERS["form"]
PAGES = Path(__file__).parents[2] / "docs" / "providers"
SECRET = "k7Vq2-path-secret.of~32"
TEXT = 'Out. "é" & 🛑'
GIVEN = {"to": "+14155550100", "username": "acme", "send_url": "https://gateway.example.com/send"}

each = pytest.mark.parametrize("name", sorted(PRESETS))


def account(name: str, **options: str) -> Account:
    """With what the preset needs, and nothing else."""
    needed = {key: GIVEN[key] for key in PRESETS[name].needs if key in GIVEN}
    secrets = {"secret": [SECRET], "api_key": ["t0ken"]}
    return account_of("own", "form", {"preset": name} | needed | options, secrets)


def problems(described: Account) -> list[str]:
    return [f"{fault.key} {fault.problem}" for fault in check_accounts([described])]


@each
def test_a_preset_has_keys_of_form_and_no_fault(name):
    known = {field.name for field in form.fields}
    assert known >= {*PRESETS[name].options, *PRESETS[name].needs}
    assert problems(account(name)) == []
    assert usable(account(name))


@each
def test_each_key_that_a_preset_needs_is_one_fault_where_it_is_missing(name):
    whole = account(name)
    for key in PRESETS[name].needs:
        options = {one: value for one, value in whole.options.items() if one != key}
        secrets = {one: value for one, value in whole.secrets.items() if one != key}
        (problem,) = problems(replace(whole, options=options, secrets=secrets))
        assert problem == f"accounts.own.{key} is empty, and the preset {name} needs it: set it"
        assert not usable(replace(whole, options=options, secrets=secrets))


def test_a_preset_that_does_not_exist_is_one_fault_with_those_that_do():
    (problem,) = problems(account("zenvia", preset="zenvja"))
    assert problem == f"accounts.own.preset must be one of {', '.join(PRESETS)}"
    assert not usable(account("zenvia", preset="zenvja"))


@each
def test_a_preset_has_a_page_that_explains_what_to_set(name):
    page = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert [key for key in ("secret", *PRESETS[name].needs) if f"| `{key}` |" not in page] == []
    assert f'preset   = "{name}"' in page
    assert "## Not confirmed" in page
    assert f"`{name}`" in (PAGES / "form.md").read_text(encoding="utf-8")


@each
def test_a_preset_has_recorded_webhooks(name):
    recorded = [one for one in everything() if one.account.options.get("preset") == name]
    texts = [message.text for one in recorded for message in one.messages]
    assert {"STOP", "SAIR"} & {*texts}
    assert [text for text in texts if not text.isascii()]
    assert [one for one in recorded if not one.provenance["payload"].startswith("invented")]
    assert all(one.name.startswith(f"{name}_") for one in recorded)


def test_what_the_account_says_comes_before_the_preset():
    own = with_preset(account("clickatell", to="22395", text_field="message"))
    assert own.options["text_field"] == "message"
    assert "to_field" not in own.options
    assert problems(account("clickatell", to="22395", id_field="replyMessageId")) == []
    assert "id_from" not in with_preset(account("clickatell", id_field="x")).options
    plain = account_of("own", "form", {"send_url": GIVEN["send_url"]}, {"secret": [SECRET]})
    assert with_preset(plain) is plain


BASIC = "Basic YWNtZTp0MGtlbg=="  # acme:t0ken
ID = re.compile(r"[0-9a-f]{32}")
REQUESTS = {
    "africastalking": (
        "https://api.africastalking.com/version1/messaging",
        {"apikey": "t0ken", "Accept": "application/json"},
        [("username", "acme"), ("to", "+254791541111"), ("from", "+14155550100"),
         ("message", TEXT)],
    ),
    "burstsms": (
        "https://api.transmitsms.com/send-sms.json",
        {"Authorization": BASIC},
        [("to", "254791541111"), ("from", "14155550100"), ("message", TEXT)],
    ),
    "clickatell": (
        "https://platform.clickatell.com/messages",
        {"Authorization": "t0ken", "Accept": "application/json"},
        {"from": "14155550100", "to": ["254791541111"], "content": TEXT},
    ),
    "clicksend": (
        "https://rest.clicksend.com/v3/sms/send",
        {"Authorization": BASIC},
        {"messages": [{"source": "smsgate", "from": "+14155550100", "to": "+254791541111",
                       "body": TEXT}]},
    ),
    "dmark": (
        "https://smsapi1.dmarkmobile.com/sms/",
        {"Authorization": "Token t0ken", "Accept": "application/json"},
        [("sender", "14155550100"), ("receiver", "254791541111"), ("text", TEXT)],
    ),
    "playmobile": (
        "https://gateway.example.com/send",
        {"Authorization": BASIC},
        {"messages": [{"recipient": "254791541111", "message-id": ID,
                       "sms": {"originator": "14155550100", "content": {"text": TEXT}}}]},
    ),
    "wavy": (
        "https://api-messaging.movile.com/v1/send-sms",
        {"username": "acme", "authenticationtoken": "t0ken", "Accept": "application/json"},
        {"destination": "254791541111", "messageText": TEXT},
    ),
    "zenvia": (
        "https://api.zenvia.com/v2/channels/sms/messages",
        {"X-API-TOKEN": "t0ken", "Accept": "application/json"},
        {"from": "14155550100", "to": "254791541111", "contents": [{"type": "text",
                                                                  "text": TEXT}]},
    ),
}  # fmt: skip
"""By preset the address, the headers and the form or JSON of a reply."""


@each
def test_a_reply_is_what_the_gateway_takes(name):
    url, headers, content = REQUESTS[name]
    reply = Reply("5-0", "opt_out", "own", "+254791541111", "+14155550100", "p", TEXT, 0)
    call = form.reply(reply, account(name))
    assert (call.method, call.url) == ("POST", url)
    kind = "application/json"
    if isinstance(content, list):
        kind = "application/x-www-form-urlencoded"
        assert parse_qsl(call.body.decode()) == content
    else:
        sent = json.loads(call.body)
        if name == "playmobile":
            id_ = sent["messages"][0]["message-id"]
            assert ID.fullmatch(id_)
            content["messages"][0]["message-id"] = id_
        assert sent == content
    assert call.headers == {"Content-Type": kind, **headers}


@pytest.mark.parametrize(
    ("name", "body", "verdict", "id_"),
    [
        ("africastalking", {"SMSMessageData": {"Recipients": [
            {"status": "Success", "messageId": "ATXid_1"}]}}, "sent", "ATXid_1"),
        ("africastalking", {"SMSMessageData": {"Recipients": [
            {"status": "UserInBlacklist", "messageId": "None"}]}}, "refused", ""),
        ("africastalking", {"SMSMessageData": {"Message": "InvalidSenderId", "Recipients": []}},
         "unknown", ""),
        ("burstsms", {"message_id": 19835, "recipients": 3, "cost": 1.0}, "sent", "19835"),
        ("burstsms", {"error": {"code": "AUTH_FAILED"}}, "unknown", ""),
        ("clickatell", {"messages": [{"apiMessageId": "id1002", "accepted": True, "error": None}]},
         "sent", "id1002"),
        ("clickatell", {"messages": [{"apiMessageId": None, "accepted": False, "error": "no"}]},
         "refused", ""),
        ("clicksend", {"data": {"messages": [{"status": "SUCCESS", "message_id": "BF7A"}]}},
         "sent", "BF7A"),
        ("clicksend", {"data": {"messages": [{"status": "INSUFFICIENT_CREDIT"}]}}, "refused", ""),
        ("dmark", {"sms_id": "d-1"}, "sent", "d-1"),
        ("dmark", {"errors": "x"}, "unknown", ""),
        ("playmobile", "Request is received", "sent", ""),
        ("wavy", {"id": "w-1"}, "sent", "w-1"),
        ("zenvia", {"id": "z-1", "contents": []}, "sent", "z-1"),
    ],
)  # fmt: skip
def test_an_answer_says_whether_the_text_was_taken(name, body, verdict, id_):
    outcome = form.outcome(HttpReply(200, "", json.dumps(body).encode()), account(name))
    assert (outcome.verdict.value, outcome.provider_id) == (verdict, id_)
