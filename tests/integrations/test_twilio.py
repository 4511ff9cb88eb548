from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta

import pytest
import responses
from responses import matchers
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from smsgate import Gate
from smsgate.domain.errors import (
    InvalidNumber,
    StoreNotReady,
    StoreUnavailable,
    Suppressed,
    UnknownProgram,
    UnknownRecipients,
)
from smsgate.domain.phone import masked
from smsgate.integrations.twilio import GatedHttpClient

ALLOWED, BLOCKED, OTHER = "+14155550123", "+14155550124", "+14155550125"
SID = "AC" + "5" * 32
API = f"https://api.twilio.com/2010-04-01/Accounts/{SID}"
CONVERSATIONS = "https://conversations.twilio.com/v1"
TALK = "CH" + "7" * 32


@pytest.fixture
def sent():
    """Everything that leaves; what is not mocked raises."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        message = {"sid": "SM" + "1" * 32, "status": "queued"}
        mock.post(f"{API}/Messages.json", json=message, status=201)
        yield mock


@pytest.fixture
def client(gate) -> Client:
    return Client(SID, "token", http_client=GatedHttpClient(gate, program="alerts"))


def test_a_text_to_whom_may_be_texted_leaves_as_it_is(client, sent) -> None:
    message = client.messages.create(to=ALLOWED, from_="+14155550999", body="Hi")
    assert message.sid == "SM" + "1" * 32
    [call] = sent.calls
    assert call.request.body == "To=%2B14155550123&From=%2B14155550999&Body=Hi"
    assert call.request.headers["Authorization"].startswith("Basic ")


def test_a_text_to_whom_opted_out_raises_before_anything_leaves(client, sent) -> None:
    with pytest.raises(Suppressed) as caught:
        client.messages.create(to=BLOCKED, from_="+14155550999", body="Hi")
    assert len(sent.calls) == 0
    assert (caught.value.numbers, caught.value.program) == ((BLOCKED,), "alerts")
    assert caught.value.reason == "hold"
    assert BLOCKED not in str(caught.value)


LEAVING = [
    {"messaging_service_sid": "MG" + "2" * 32, "body": "Hi"},
    {"from_": "12345", "media_url": ["https://example.com/a.png"]},
    {"from_": "+14155550999", "content_sid": "HX" + "3" * 32, "content_variables": "{}"},
    {
        "messaging_service_sid": "MG" + "2" * 32,
        "body": "Hi",
        "schedule_type": "fixed",
        "send_at": datetime.now(UTC) + timedelta(hours=1),
    },
]


def test_however_it_is_sent_it_is_asked_about(client, sent) -> None:
    for fields in LEAVING:
        with pytest.raises(Suppressed):
            client.messages.create(to=BLOCKED, **fields)
        client.messages.create(to=ALLOWED, **fields)
    assert len(sent.calls) == len(LEAVING)


@pytest.mark.parametrize("channel", ["whatsapp", "rcs", "sms", "WhatsApp"])
def test_the_channel_before_a_number_changes_nothing(client, sent, channel: str) -> None:
    with pytest.raises(Suppressed) as caught:
        client.messages.create(to=f"{channel}:{BLOCKED}", from_="whatsapp:+1415", body="Hi")
    assert caught.value.numbers == (BLOCKED,)
    client.messages.create(to=f"{channel}:{ALLOWED}", from_="whatsapp:+1415", body="Hi")
    assert len(sent.calls) == 1


@pytest.mark.parametrize("to", ["messenger:1234567890", "4155550123", "client:joe", "Acme", "+1"])
def test_what_is_no_number_is_not_texted(client, sent, to: str) -> None:
    with pytest.raises(InvalidNumber):
        client.messages.create(to=to, from_="+14155550999", body="Hi")
    assert len(sent.calls) == 0


@pytest.mark.parametrize(
    "path", ["/Accounts/AC1/messages.json", "//Accounts/AC1/Messages", "/Accounts/AC1/%4Dessages"]
)
def test_a_request_by_hand_is_asked_about_however_its_path_is_written(client, sent, path) -> None:
    with pytest.raises(Suppressed):
        client.request("post", f"https://api.twilio.com/2010-04-01{path}", data={"To": BLOCKED})
    assert len(sent.calls) == 0


def test_a_text_to_nobody_is_not_sent(client, sent) -> None:
    for to in ("", None, "  "):
        with pytest.raises(UnknownRecipients):
            client.messages.create(to=to, from_="+14155550999", body="Hi")
    assert len(sent.calls) == 0


def test_where_the_gate_cannot_tell_nothing_leaves(services, redis_client, redis_url, sent) -> None:
    def send(gate: Gate, program: str) -> None:
        client = Client(SID, "token", http_client=GatedHttpClient(gate, program=program))
        client.messages.create(to=ALLOWED, from_="+14155550999", body="Hi")

    with pytest.raises(UnknownProgram):
        send(Gate.from_url(redis_url), "nothing")
    with pytest.raises(StoreUnavailable):
        send(Gate.from_url("redis://127.0.0.1:1/0", timeout=0.2), "alerts")
    redis_client.flushall()
    with pytest.raises(StoreNotReady):
        send(Gate.from_url(redis_url), "alerts")
    assert len(sent.calls) == 0


def test_one_client_may_send_for_several_programs(gate, sent) -> None:
    def program(fields) -> str:
        return "orders" if fields["From"] == "+14155550888" else "alerts"

    client = Client(SID, "token", http_client=GatedHttpClient(gate, program=program))
    client.messages.create(to=OTHER, from_="+14155550888", body="Your order left")
    with pytest.raises(Suppressed):
        client.messages.create(to=OTHER, from_="+14155550999", body="Sale")
    assert len(sent.calls) == 1


def test_what_texts_nobody_is_not_asked_about(sent) -> None:
    class Never:
        def require(self, numbers, *, program, by="") -> None:
            raise AssertionError("asked")

    client = Client(SID, "token", http_client=GatedHttpClient(Never(), program="alerts"))
    sid = "SM" + "1" * 32
    sent.get(f"{API}/Messages/{sid}.json", json={"sid": sid})
    sent.post(f"{API}/Messages/{sid}.json", json={"sid": sid})
    sent.post(f"{API}/Calls.json", json={"sid": "CA"}, status=201)
    sent.get(f"{API}/Messages.json", json={"messages": [], "page": 0, "page_size": 50})
    verify = f"https://verify.twilio.com/v2/Services/VA{'4' * 32}/Verifications"
    sent.post(verify, json={"sid": "VE"}, status=201)
    client.messages(sid).fetch()
    client.messages(sid).update(status="canceled")
    client.messages.list(to=BLOCKED, limit=1)
    client.calls.create(to=BLOCKED, from_="+14155550999", twiml="<Response/>")
    client.verify.v2.services("VA" + "4" * 32).verifications.create(to=BLOCKED, channel="sms")
    assert len(sent.calls) == 5


def test_the_program_by_its_own_http_client_goes_on_as_before(gate, sent) -> None:
    own = TwilioHttpClient(timeout=7, max_retries=3)
    gated = GatedHttpClient(gate, program="alerts", inner=own)
    Client(SID, "token", http_client=gated, region="ie1", edge="dublin")
    assert gated.timeout == 7
    sent.post(f"{API.replace('api.', 'api.dublin.ie1.')}/Messages.json", json={}, status=201)
    client = Client(SID, "token", http_client=gated, region="ie1", edge="dublin")
    client.messages.create(to=ALLOWED, from_="+14155550999", body="Hi")
    with pytest.raises(Suppressed):
        client.messages.create(to=BLOCKED, from_="+14155550999", body="Hi")


def test_the_asynchronous_methods_send_nothing_past_the_gate(client, sent) -> None:
    import asyncio

    with pytest.raises(RuntimeError, match="asynchronous"):
        asyncio.run(client.messages.create_async(to=ALLOWED, from_="+1", body="Hi"))
    assert len(sent.calls) == 0


def test_a_studio_flow_is_begun_only_with_whom_may_be_texted(client, sent) -> None:
    flow = f"https://studio.twilio.com/v2/Flows/FW{'8' * 32}/Executions"
    sent.post(flow, json={"sid": "FN"}, status=201)
    executions = client.studio.v2.flows("FW" + "8" * 32).executions
    executions.create(to=ALLOWED, from_="+14155550999")
    with pytest.raises(Suppressed):
        executions.create(to=BLOCKED, from_="+14155550999")
    assert len(sent.calls) == 1


def test_a_conversation_is_joined_only_by_whom_may_be_texted(client, sent) -> None:
    sent.post(f"{CONVERSATIONS}/Conversations/{TALK}/Participants", json={}, status=201)
    participants = client.conversations.v1.conversations(TALK).participants
    participants.create(messaging_binding_address=ALLOWED)
    participants.create(identity="a colleague in the chat")
    with pytest.raises(Suppressed):
        participants.create(messaging_binding_address=f"whatsapp:{BLOCKED}")
    assert len(sent.calls) == 2


def test_a_conversation_begun_with_participants_is_asked_about(client, sent) -> None:
    sent.post(f"{CONVERSATIONS}/ConversationWithParticipants", json={}, status=201)
    begin = client.conversations.v1.conversation_with_participants.create
    members = [json.dumps({"messaging_binding": {"address": one}}) for one in (ALLOWED, BLOCKED)]
    begin(participant=members[:1])
    begin(participant=[json.dumps({"identity": "joe"})])
    with pytest.raises(Suppressed) as caught:
        begin(participant=members)
    assert caught.value.numbers == (BLOCKED,)
    with pytest.raises(UnknownRecipients):
        begin(participant=["+14155550123"])
    assert len(sent.calls) == 2


def members(*addresses: str, following: str = "") -> dict:
    return {
        "participants": [{"messaging_binding": {"address": one}} for one in addresses]
        + [{"identity": "joe", "messaging_binding": None}],
        "meta": {"next_page_url": following or None},
    }


def test_a_message_to_a_conversation_asks_about_everybody_in_it(client, sent) -> None:
    base = f"{CONVERSATIONS}/Conversations/{TALK}"
    sent.post(f"{base}/Messages", json={}, status=201)
    first = [matchers.query_param_matcher({"PageSize": "100"})]
    second = f"{base}/Participants?PageSize=100&Page=1"
    sent.get(f"{base}/Participants", json=members(ALLOWED), match=first)
    create = client.conversations.v1.conversations(TALK).messages.create
    create(body="Hi")
    assert [call.request.method for call in sent.calls] == ["GET", "POST"]
    assert all("Authorization" in call.request.headers for call in sent.calls)
    sent.replace(
        "GET", f"{base}/Participants", json=members(ALLOWED, following=second), match=first
    )
    sent.get(second, json=members(BLOCKED))
    with pytest.raises(Suppressed):
        create(body="Hi")
    assert [call.request.method for call in sent.calls] == ["GET", "POST", "GET", "GET"]


def test_a_conversation_whose_participants_are_not_told_gets_no_message(client, sent) -> None:
    base = f"{CONVERSATIONS}/Services/IS{'6' * 32}/Conversations/{TALK}"
    sent.get(f"{base}/Participants", json={"code": 20404}, status=404)
    service = client.conversations.v1.services("IS" + "6" * 32)
    with pytest.raises(UnknownRecipients, match="404"):
        service.conversations(TALK).messages.create(body="Hi")
    assert [call.request.method for call in sent.calls] == ["GET"]


def test_requests_that_do_not_say_whom_they_text_are_refused(client, sent) -> None:
    service = "IS" + "6" * 32
    with pytest.raises(UnknownRecipients):
        client.notify.v1.services(service).notifications.create(identity=["joe"], body="Hi")
    sessions = client.proxy.v1.services("KS" + "6" * 32).sessions
    with pytest.raises(UnknownRecipients):
        sessions("KC" + "6" * 32).participants.create(identifier=ALLOWED)
    with pytest.raises(UnknownRecipients):
        client.flex_api.v1.interaction.create(channel={"type": "sms"})
    assert len(sent.calls) == 0


def test_a_stopped_send_is_counted_and_listed(client, sent, refusals) -> None:
    for _ in range(2):
        with pytest.raises(Suppressed):
            client.messages.create(to=BLOCKED, from_="+14155550999", body="Hi")
    client.messages.create(to=ALLOWED, from_="+14155550999", body="Hi")
    newest = refusals.newest()
    assert [(one.number, one.program, one.reason, one.by) for one in newest] == [
        (masked(BLOCKED), "alerts", "hold", "twilio")
    ] * 2
    assert [(one.program, one.reason, one.count) for one in refusals.counts()] == [
        ("alerts", "hold", 2)
    ]


def test_what_was_raised_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(Suppressed("alerts", {BLOCKED: "opted_out"})))
    assert (error.refused, error.program) == ({BLOCKED: "opted_out"}, "alerts")
