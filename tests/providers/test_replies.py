"""Replies of all providers: the call that sends one, and what the response to it means."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import msgspec
import pytest

from smsgate.domain.messages import HttpCall, HttpReply, Reply, Verdict
from smsgate.providers import PROVIDERS
from smsgate.settings import Account
from tests.providers.recorded import account_of, everything

SENT, REFUSED, UNKNOWN = Verdict.SENT, Verdict.REFUSED, Verdict.UNKNOWN
NOT_ACCEPTED, OPTED_OUT = Verdict.NOT_ACCEPTED, Verdict.OPTED_OUT
OTHERS = {"vonage_sms": "stop_sha256", "messagebird": "stop_form", "twilio": "stop_please"}
ACCOUNTS = {
    one.provider: one.account
    for one in everything()
    if one.name == OTHERS.get(one.provider, "stop")
}
TEXT, NUMBER, SENDER = "Out. ¡Adiós! 🛑", "+14155550123", "+14155550100"
REPLY = Reply("1-0", "opt_out", "acme", NUMBER, SENDER, "alerts", TEXT, 1_790_000_300_000_000)
SECRETS = {"webhook_secret": ["x"], "key_secret": ["t2"]}
BASIC = {"callback_password": ["x"], "api_password": ["s2"]}
OF_PROJECT = {"auth": "project", "project_id": "p", "key_id": "k", "region": "eu"}
OF_USER = {**ACCOUNTS["bandwidth"].options, "auth": "basic", "api_user": "api"}
BY_PROJECT = account_of("acme", "sinch", OF_PROJECT, SECRETS)
BY_USER = account_of("acme", "bandwidth", OF_USER, BASIC)
KEYLESS = replace(
    ACCOUNTS["standard_webhooks"],
    secrets={"secret": ACCOUNTS["standard_webhooks"].secrets["secret"]},
)

SID = "AC7f3a09c17f3a09c17f3a09c17f3a09c1"
PLIVO = "MAXXXXXXXXXXXXXXXXXX"
PROJECT = "b2c8d1f0-6a3e-4b7d-9c55-0f1e2d3c4b5a"
CONVERSATIONS = "c36f3d3d-1513-4edd-ae42-11995557ff61"
SINCH_TOKEN = "https://auth.sinch.com/oauth2/token"
STATUS = "https://sms.example.com/webhooks/{}/status"
CHANNELS = (
    "https://api.bird.com/workspaces/a1405560-c8d3-4b1a-877d-3f449ad95352/channels/{}/messages"
)
TWILIO = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"
OF_TWILIO = {"Body": TEXT, "StatusCallback": STATUS.format("twilio")}
CALLS = [
    ("bandwidth", {}, "https://messaging.bandwidth.com/api/v2/users/9900000/messages",
     ("https://api.bandwidth.com/api/v1/oauth2/token", "CLI-acme", "opens-nothing"),
     {"applicationId": "93de2206-9669-4e07-948d-329f4b722ee2", "to": [NUMBER], "from": SENDER,
      "text": TEXT, "tag": "acme-1-0"}),
    (BY_USER, {}, "https://messaging.bandwidth.com/api/v2/users/9900000/messages", ("api", "s2"),
     None),
    ("bird", {}, "https://us1.platform.bird.com/v1/sms/messages", "Bearer bk_us1_x",
     {"to": NUMBER, "from": SENDER, "text": TEXT, "category": "transactional"}),
    ("bird_channels", {}, CHANNELS.format("614208aa-b153-4d5d-9989-2fddfc0ce4c3"), "AccessKey x",
     {"receiver": {"contacts": [{"identifierKey": "phonenumber", "identifierValue": NUMBER}]},
      "body": {"type": "text", "text": {"text": TEXT}}}),
    ("bird_channels", {"service": "c/../x"}, CHANNELS.format("c%2F..%2Fx"), "AccessKey x", None),
    ("elks", {}, "https://api.46elks.com/a1/sms", ("u1234", "opens-nothing"),
     {"from": SENDER, "to": NUMBER, "message": TEXT}),
    ("messagebird", {"sender": "22395"}, "https://rest.messagebird.com/messages",
     "AccessKey live_x", {"originator": "22395", "recipients": [NUMBER[1:]], "body": TEXT,
                          "datacoding": "auto"}),
    ("plivo", {}, f"https://api.plivo.com/v1/Account/{PLIVO}/Message/",
     (PLIVO, "a-token-that-opens-nothing"),
     {"src": SENDER, "dst": NUMBER, "text": TEXT, "type": "sms", "method": "POST",
      "url": STATUS.format("plivo")}),
    ("plivo", {"channel": "whatsapp"}, f"https://api.plivo.com/v1/Account/{PLIVO}/Message/",
     (PLIVO, "a-token-that-opens-nothing"),
     {"src": SENDER, "dst": NUMBER, "text": TEXT, "type": "whatsapp", "method": "POST",
      "url": STATUS.format("plivo")}),
    ("signalwire", {},
     f"https://acme.signalwire.com/api/laml/2010-04-01/Accounts/{PROJECT}/Messages",
     (PROJECT, "PT-opens-nothing"),
     {"To": NUMBER, "From": SENDER, "Body": TEXT, "StatusCallback": STATUS.format("signalwire")}),
    ("sinch", {}, "https://us.sms.api.sinch.com/xms/v1/plan-1/batches", "Bearer opens-nothing",
     {"from": SENDER[1:], "to": [NUMBER[1:]], "body": TEXT, "type": "mt_text",
      "client_reference": "acme-1-0", "delivery_report": "per_recipient"}),
    (BY_PROJECT, {}, "https://zt.eu.sms.api.sinch.com/xms/v1/p/batches", (SINCH_TOKEN, "k", "t2"),
     None),
    *(("sinch_conversation", {"channel": channel},
       f"https://us.conversation.api.sinch.com/v1/projects/{CONVERSATIONS}/messages:send",
       (SINCH_TOKEN, "0b6d2a0e-3a8b-4bcb-9f55-2d9f0a1b2c3d", "opens-nothing"),
       {"app_id": "01EB37HMH1M6SV18ASNS3G135H", "correlation_id": "acme-1-0",
        "channel_priority_order": [theirs], "message": {"text_message": {"text": TEXT}},
        "recipient": {"identified_by": {"channel_identities": [
            {"channel": theirs, "identity": NUMBER[1:]}]}},
        **({"channel_properties": {"SMS_SENDER": SENDER[1:]}} if theirs == "SMS" else {})})
      for channel, theirs in {"sms": "SMS", "mms": "SMS", "whatsapp": "WHATSAPP",
                              "rcs": "RCS"}.items()),
    ("standard_webhooks", {"service": "pool"}, "https://gateway.example.com/v1/texts", "Bearer k",
     {"type": "sms.send", "data": {"from": SENDER, "to": NUMBER, "text": TEXT, "channel": "sms",
                                   "service": "pool"}}),
    (KEYLESS, {}, "https://gateway.example.com/v1/texts", None, None),
    ("telnyx", {}, "https://api.telnyx.com/v2/messages", "Bearer KEY0-opens-nothing",
     {"from": SENDER, "to": NUMBER, "text": TEXT, "type": "SMS"}),
    ("telnyx", {"service": "740572b6"}, "https://api.telnyx.com/v2/messages",
     "Bearer KEY0-opens-nothing", {"from": SENDER, "to": NUMBER, "text": TEXT, "type": "SMS",
                                   "messaging_profile_id": "740572b6"}),
    *(("twilio", changes, TWILIO, (SID, "a-token-that-opens-nothing"), OF_TWILIO | form)
      for changes, form in (
          ({}, {"To": NUMBER, "From": SENDER}),
          ({"service": "MG1"}, {"To": NUMBER, "From": SENDER, "MessagingServiceSid": "MG1"}),
          ({"channel": "mms"}, {"To": NUMBER, "From": SENDER}),
          ({"channel": "whatsapp"}, {"To": f"whatsapp:{NUMBER}", "From": f"whatsapp:{SENDER}"}),
          ({"channel": "rcs", "sender": "acme_agent"},
           {"To": f"rcs:{NUMBER}", "From": "rcs:acme_agent"}),
      )),
    *(("vonage", changes, "https://api.nexmo.com/v1/messages", ("a1b2c3d4", "opens-nothing"),
       {"message_type": "text", "to": NUMBER[1:], "text": TEXT, "client_ref": "acme-1-0",
        "channel": channel, "from": sender})
      for changes, channel, sender in (
          ({}, "sms", SENDER[1:]),
          ({"channel": "mms"}, "sms", SENDER[1:]),
          ({"channel": "whatsapp"}, "whatsapp", SENDER[1:]),
          ({"channel": "rcs", "sender": "AcmeBot"}, "rcs", "AcmeBot"),
      )),
    *(("vonage_sms", {"text": text}, "https://rest.nexmo.com/sms/json",
       ("a1b2c3d4", "opens-nothing"),
       {"from": SENDER[1:], "to": NUMBER[1:], "text": text, "type": kind, "client-ref": "acme-1-0"})
      for text, kind in (("Out. ¡Señor! £€", "text"), ("ú", "unicode"), ("`", "unicode"),
                         ("Arrêtez", "unicode"), ("🛑", "unicode"))),
]  # fmt: skip
"""By provider, or account, what is another in the reply; address, credentials, and content."""


def call_of(account: str | Account, /, **changes: object) -> HttpCall:
    account = ACCOUNTS[account] if isinstance(account, str) else account
    return PROVIDERS[account.provider].reply(msgspec.structs.replace(REPLY, **changes), account)


@pytest.mark.parametrize(("account", "changes", "url", "credentials", "content"), CALLS)
def test_a_reply_leaves_from_where_the_subscriber_texted(
    account, changes, url, credentials, content
):
    call = call_of(account, **changes)
    assert (call.method, call.url) == ("POST", url)
    token = call.token_from and (call.token_from.url, *call.token_from.auth)
    assert (call.auth or token or call.headers.get("Authorization")) == credentials
    if content is None:
        return
    if call.headers["Content-Type"].startswith("application/json"):
        said = json.loads(call.body)
        if call.headers.get("Idempotency-Key") == said.get("data", {}).get("id", ""):
            del said["data"]["id"]
        assert said == content
    else:
        assert dict(parse_qsl(call.body.decode(), strict_parsing=True)) == content
    assert "opens-nothing" not in repr(call)


def key_of(call: HttpCall) -> object:
    """By what the provider knows a reply again that is sent once more."""
    if "Idempotency-Key" in call.headers:
        return call.headers["Idempotency-Key"]
    content = json.loads(call.body)
    if "smsRecipients" in content:
        (one,) = content["smsRecipients"]
        return one["repeatabilityRequestId"], one["repeatabilityFirstSent"]
    return content["messages"][0]["destinations"][0]["messageId"]


@pytest.mark.parametrize("name", ["azure", "bird", "infobip", "standard_webhooks", "telnyx"])
def test_each_reply_has_one_key_for_all_its_tries(name):
    key = key_of(call_of(name))
    assert key_of(call_of(name, tries=3)) == key
    assert {one for one, provider in PROVIDERS.items() if provider.idempotent} == {
        "azure", "bird", "telnyx"
    }  # fmt: skip
    others = [key_of(call_of(name, **{what: "x"})) for what in ("id", "kind", "account", "number")]
    assert len({key, *others}) == 5


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:8000", "http://sms.example.com"])
def test_where_twilio_cannot_call_it_is_not_asked_to(url):
    call = call_of(replace(ACCOUNTS["twilio"], public_url=url))
    assert b"StatusCallback" not in call.body


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_a_response_is_understood_by_its_status(name):
    provider = PROVIDERS[name]
    expected = dict.fromkeys((302, 400, 401, 403, 404, 422), REFUSED) | {429: NOT_ACCEPTED}
    expected |= dict.fromkeys((500, 503), NOT_ACCEPTED if provider.idempotent else UNKNOWN)
    for status, verdict in expected.items():
        body = b'{"id": "x", "error": "+14155550123"}'
        outcome = provider.outcome(HttpReply(status, "", body, {"retry-after": "2"}))
        assert (outcome.verdict, outcome.provider_id) == (verdict, ""), status
        assert outcome.retry_after_s == 2
        assert str(status) in outcome.note
        assert "4155550123" not in outcome.note


def of_infobip(group: int, name: str) -> dict:
    status = {"groupId": group, "name": name}
    return {"messages": [{"messageId": "m-1", "status": status}]}


def of_vonage(code: str) -> dict:
    return {"type": f"https://developer.vonage.com/api-errors/messages#{code}"}


def of_vonage_sms(*statuses: object) -> dict:
    return {"messages": [{"status": one, "message-id": "m-1", "to": "1"} for one in statuses]}


NAMESPACE = "com.amazonaws.pinpointsmsvoicev2#"
OUT_AT_AWS = {"Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"}
RESPONSES = [
    ("aws_sns", 200, {"MessageId": "m-1"}, SENT),
    ("aws_sns", 400, {"__type": "ConflictException"} | OUT_AT_AWS, OPTED_OUT),
    ("aws_sns", 400, {"__type": f"{NAMESPACE}ConflictException"} | OUT_AT_AWS, OPTED_OUT),
    ("aws_sns", 400, {"__type": "ConflictException", "Reason": "MESSAGE_TYPE_MISMATCH"}, REFUSED),
    ("aws_sns", 400, {"__type": f"{NAMESPACE}ThrottlingException"}, NOT_ACCEPTED),
    ("aws_sns", 400, {"__type": "ServiceQuotaExceededException"}, REFUSED),
    ("aws_sns", 400, {"__type": "AccessDeniedException"}, REFUSED),
    ("aws_sns", 400, {"__type": "ValidationException"} | OUT_AT_AWS, REFUSED),
    ("aws_sns", 500, {"__type": "ThrottlingException"}, UNKNOWN),
    ("azure", 202, {"value": [{"httpStatusCode": 202, "messageId": "m-1"}]}, SENT),
    ("azure", 202, {"value": [{"httpStatusCode": 400, "errorMessage": "…"}]}, REFUSED),
    ("azure", 202, {"value": [{"httpStatusCode": 429}]}, NOT_ACCEPTED),
    ("azure", 202, {"value": [{"httpStatusCode": 500}]}, NOT_ACCEPTED),
    ("azure", 401, {"value": [{"httpStatusCode": 202}]}, REFUSED),
    ("azure", 500, {"value": [{"httpStatusCode": 202}]}, NOT_ACCEPTED),
    ("bandwidth", 202, {"id": "m-1"}, SENT),
    ("bird", 202, {"id": "m-1"}, SENT),
    ("bird", 409, {"error": {"code": "E01001", "name": "recipient_opted_out"}}, OPTED_OUT),
    ("bird", 422, {"error": {"code": "E01001", "name": "recipient_opted_out"}}, OPTED_OUT),
    ("bird", 422, {"error": {"code": "E01001", "name": "invalid_destination"}}, REFUSED),
    ("bird", 409, {"error": {"code": "E01001", "name": "idempotency_conflict"}}, UNKNOWN),
    ("bird", 501, {}, REFUSED),
    ("bird_channels", 202, {"id": "m-1"}, SENT),
    ("elks", 200, {"id": "m-1", "to": "+46706861004"}, SENT),
    ("infobip", 200, of_infobip(1, "PENDING_ACCEPTED"), SENT),
    ("infobip", 200, of_infobip(3, "DELIVERED_TO_HANDSET"), SENT),
    ("infobip", 200, of_infobip(5, "REJECTED_DESTINATION_BLOCKLISTED"), OPTED_OUT),
    ("infobip", 200, of_infobip(5, "REJECTED_NOT_ENOUGH_CREDITS"), REFUSED),
    ("infobip", 200, of_infobip(5, "REJECTED_OF_A_NEW_KIND"), REFUSED),
    ("infobip", 503, of_infobip(5, "REJECTED_SENDER"), UNKNOWN),
    ("jasmin", 200, 'Success "m-1"', SENT),
    ("jasmin", 400, 'Error "Mandatory argument [to] is not found."', REFUSED),
    ("jasmin", 403, 'Error "User throughput exceeded"', NOT_ACCEPTED),
    ("jasmin", 412, 'Error "No route found"', REFUSED),
    ("kannel", 202, "0: Accepted for delivery", SENT),
    ("kannel", 202, "3: Queued for later delivery", SENT),
    ("kannel", 503, "Temporal failure, try again later.", NOT_ACCEPTED),
    ("kannel", 500, "Temporal failure, try again later.", UNKNOWN),
    ("messagebird", 201, {"id": "m-1"}, SENT),
    ("messagebird", 422, {"errors": [{"code": 9}]}, REFUSED),
    ("messagebird", 402, {"errors": [{"code": 25}]}, REFUSED),
    ("messagebird", 500, {"errors": [{"code": 99}]}, UNKNOWN),
    ("plivo", 202, {"message_uuid": ["m-1"]}, SENT),
    ("signalwire", 201, {"sid": "m-1"}, SENT),
    ("signalwire", 400, {"code": "21610"}, OPTED_OUT),
    ("signalwire", 400, {"code": ["+14155550123"]}, REFUSED),
    ("signalwire", 500, {"code": "21610"}, UNKNOWN),
    ("signalwire", 201, {"status": "failed", "error_code": 21610}, OPTED_OUT),
    ("sinch", 201, {"id": "m-1"}, SENT),
    ("sinch_conversation", 201, {"message_id": "m-1"}, SENT),
    ("standard_webhooks", 202, {"id": "m-1"}, SENT),
    ("standard_webhooks", 409, {"code": "opted_out"}, OPTED_OUT),
    ("standard_webhooks", 400, {"code": "throttled"}, NOT_ACCEPTED),
    ("standard_webhooks", 500, {"code": "opted_out"}, UNKNOWN),
    ("telnyx", 200, {"data": {"id": "m-1"}}, SENT),
    ("telnyx", 400, {"errors": [{"code": "40300"}]}, OPTED_OUT),
    ("telnyx", 422, {"errors": [{"code": 40300}]}, OPTED_OUT),
    ("telnyx", 400, {"errors": [{"code": "40305"}]}, REFUSED),
    ("telnyx", 400, {"errors": [{"code": "40318"}]}, NOT_ACCEPTED),
    ("telnyx", 409, {}, NOT_ACCEPTED),
    ("telnyx", 429, {"errors": [{"code": "40300"}]}, NOT_ACCEPTED),
    ("telnyx", 503, {"errors": [{"code": "40300"}]}, NOT_ACCEPTED),
    ("twilio", 400, {"code": 21610}, OPTED_OUT),
    ("twilio", 400, {"code": 21611}, NOT_ACCEPTED),
    ("twilio", 400, {"code": 21211}, REFUSED),
    ("twilio", 400, {"code": 99999}, REFUSED),
    ("twilio", 503, {"code": 21610}, UNKNOWN),
    *(("twilio", 201, {"sid": "m-1", "status": status, "error_code": code}, verdict)
      for status, code, verdict in (
          ("failed", 21610, OPTED_OUT), ("failed", "21610", OPTED_OUT), ("failed", "²", REFUSED),
          ("failed", [21610], REFUSED), ("undelivered", 21610, OPTED_OUT),
          ("failed", 21611, NOT_ACCEPTED), ("failed", 30034, REFUSED), ("failed", None, REFUSED),
          ("queued", None, SENT), ("accepted", 0, SENT), ("sent", 21610, SENT),
          (None, 21610, SENT),
      )),
    ("vonage", 202, {"message_uuid": "m-1"}, SENT),
    ("vonage", 402, of_vonage("1000"), NOT_ACCEPTED),
    ("vonage", 422, of_vonage("1170"), REFUSED),
    ("vonage", 422, of_vonage("+14155550123"), REFUSED),
    ("vonage", 500, of_vonage("1000"), UNKNOWN),
    ("vonage_sms", 200, of_vonage_sms("0"), SENT),
    ("vonage_sms", 200, of_vonage_sms(0, "0"), SENT),
    ("vonage_sms", 200, of_vonage_sms("0", "1"), UNKNOWN),
    ("vonage_sms", 200, of_vonage_sms("1"), NOT_ACCEPTED),
    ("vonage_sms", 200, of_vonage_sms("4"), REFUSED),
    ("vonage_sms", 200, of_vonage_sms("5"), UNKNOWN),
    ("vonage_sms", 200, of_vonage_sms("7"), REFUSED),
    ("vonage_sms", 200, of_vonage_sms("999"), UNKNOWN),
    ("vonage_sms", 200, of_vonage_sms(""), UNKNOWN),
    ("vonage_sms", 503, of_vonage_sms("4"), UNKNOWN),
]  # fmt: skip
"""By provider a status and what is said with it: in JSON, or in words."""


@pytest.mark.parametrize(("name", "status", "said", "verdict"), RESPONSES)
def test_a_response_is_understood_by_what_it_says(name, status, said, verdict):
    body = said if isinstance(said, str) else json.dumps(said | {"message": NUMBER})
    outcome = PROVIDERS[name].outcome(HttpReply(status, "", body.encode()))
    assert outcome.verdict is verdict
    if verdict is SENT and name != "kannel":
        assert outcome.provider_id == "m-1"
    assert "4155550123" not in outcome.note
