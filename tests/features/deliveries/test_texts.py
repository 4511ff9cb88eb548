"""Messages go on to the operator's own application: in order per number, once, for a day."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise
from unittest.mock import Mock

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from smsgate.api_keys import Caller
from smsgate.consent.events import Forward
from smsgate.consent.rules import MAX_CALL_US
from smsgate.domain.entry_parts import ForwardContent
from smsgate.domain.errors import StoreUnavailable
from smsgate.domain.messages import (
    REPLY_WINDOW_US,
    Decision,
    Entry,
    HttpReply,
    InboundMessage,
    Intent,
    WebhookRequest,
)
from smsgate.features.deliveries import pause
from smsgate.features.deliveries import sender as deliveries_sender
from smsgate.features.deliveries.operations import DeliveryQuery, list_deliveries
from smsgate.features.deliveries.texts import TextDeliveries, describe_call
from smsgate.interface.operation import Context
from smsgate.providers import PROVIDERS
from smsgate.records.deliveries import Delivery, DeliveryStorage
from smsgate.settings import Application
from smsgate.store.keys import partition_of
from tests.fakes.feeds import NEW, OLD
from tests.fakes.own_services import make_part
from tests.fakes.processes import wait_until
from tests.fakes.values import NUMBER
from tests.features.deliveries.conftest import (
    ORIGINAL,
    OTHER,
    PLAIN,
    failed,
    pending,
    record,
    settle,
    tries,
    turn,
)
from tests.pipeline.conftest import PUBLIC_URL, SENDER, SID, TOKEN
from workers.threads import delivery_threads

twilio = PROVIDERS["twilio"]

ID = "SM" + "7" * 32
pytestmark = pytest.mark.usefixtures("impatient")


def test_an_ordinary_text_goes_on_signed_with_every_secret_in_our_normal_form(
    receive, make, app, services
) -> None:
    assert receive("What time do you open?", message_id=ID) == "none"
    settle(services, make())

    (came,) = app.came
    for secret in (NEW, OLD):
        at = datetime.fromtimestamp(int(came.headers["webhook-timestamp"]), UTC)
        signed = Webhook(secret).sign(came.headers["webhook-id"], at, came.body.decode())
        assert signed in came.headers["webhook-signature"].split()
    event = services.history.of_number(NUMBER)[0]
    assert (event.kind, event.outcome) == ("text", "recorded")
    assert came.headers["webhook-id"] == event.id
    received_at = came.data.pop("received_at")
    assert str(received_at).endswith("Z")
    assert came.data | {"received_at": ""} == {
        "id": ID,
        "from": NUMBER,
        "to": SENDER,
        "text": "What time do you open?",
        "received_at": "",
        "channel": "sms",
        "service": "",
        "flag": "",
        "media": [],
        "account": "twilio",
        "program": "alerts",
        "intent": "none",
        "outcome": "recorded",
        "event": event.id,
    }


@pytest.mark.parametrize("original", [False, True])
def test_a_text_that_came_without_an_id_goes_on_with_one_of_ours(services, original) -> None:
    entry = Entry(NUMBER, "alerts", Decision(Intent.NONE, rule="x"), account="twilio", text="Hi")
    forward = Forward(entry, "1-0", "019abc", "recorded", 1_790_000_000_000_000)
    application = Application(
        url="https://app.example.com/",
        secrets=(SecretStr(NEW),),
        as_="original" if original else "standard_webhooks",
    )
    call = describe_call(forward, application, services.settings.accounts["twilio"], 1_790_000_000)
    assert b"019abc" in call.body
    assert (b"MessageSid=019abc" if original else b'"data":{"id":"019abc"') in call.body


def test_keywords_stay_here_unless_all_is_wanted(receive, make, app, services) -> None:
    for sender in (SENDER, ORIGINAL):
        for text in ("STOP", "START", "HELP", "Thanks!"):
            receive(text, sender=sender)
    settle(services, make(), make("orders"))

    told = [(came.headers.get("content-type"), came.text[1]) for came in app.came]
    assert [text for kind, text in told if kind == "application/json"] == ["Thanks!"]
    assert [text for kind, text in told if kind != "application/json"] == [
        "STOP", "START", "HELP", "Thanks!",
    ]  # fmt: skip


def test_a_yes_that_answers_no_question_of_ours_answers_one_of_the_application(
    receive, make, app, services
) -> None:
    receive("YES")
    settle(services, make())
    assert app.taken == [(NUMBER, "YES")]


def test_what_came_outside_its_time_window_goes_nowhere(services, signed) -> None:
    message = InboundMessage("twilio", "SM1", NUMBER, ORIGINAL, "STOP")
    account, entering = services.settings.accounts["twilio"], services.ingest
    for expired in (False, True):
        arrival = entering.arrival_of(message, signed("STOP"), account, twilio, expired=expired)
        assert (arrival.entry.forward_content is None) is expired


def test_the_providers_own_request_is_signed_anew_for_the_applications_address(
    receive, make, app, services, signed
) -> None:
    request = signed("Où êtes-vous? 🎉", sender=ORIGINAL)
    services.ingest.receive("twilio", request)
    record(services)
    settle(services, make("orders"))

    (came,) = app.came
    assert came.body == request.body
    assert came.headers["content-type"] == request.headers["content-type"]
    validator = RequestValidator(TOKEN)
    assert validator.validate(app.url, came.form, came.headers["x-twilio-signature"])
    assert came.headers["i-twilio-idempotency-token"] == services.history.of_number(NUMBER)[0].id
    assert came.form["AccountSid"] == SID


def test_a_token_of_its_own_signs_instead_of_the_accounts(receive, make, app, services) -> None:
    receive("Hello", sender=ORIGINAL)
    program = services.settings.programs.get("alerts")
    settle(
        services,
        make("orders", secrets=(SecretStr(program.forward.secrets[0].get_secret_value()),)),
    )

    (came,) = app.came
    signature = came.headers["x-twilio-signature"]
    assert RequestValidator(NEW).validate(app.url, came.form, signature)


def test_of_a_number_the_order_holds_whatever_fails_and_others_do_not_wait(
    receive, make, app, services
) -> None:
    app.refused = {NUMBER}
    for place in range(5):
        receive(f"text {place}")
        receive(f"text {place}", OTHER)
    one = make()
    assert wait_until(lambda: one.run_once() >= 0 and len(app.taken) == 5)
    assert app.taken == [(OTHER, f"text {place}") for place in range(5)]
    assert {came.text for came in app.came if came.status != 200} == {(NUMBER, "text 0")}

    app.refused = set()
    settle(services, one)
    assert app.taken[5:] == [(NUMBER, f"text {place}") for place in range(5)]


def test_two_messages_of_a_number_are_never_under_way_at_once(receive, make, app, services) -> None:
    app.after_s = 0.1
    for place in range(3):
        receive(f"text {place}")
    settle(services, make(), make())  # as two processes
    assert app.taken == [(NUMBER, f"text {place}") for place in range(3)]
    times = [came.at for came in app.came]
    assert all(later - earlier >= 0.1 for earlier, later in pairwise(times))


def test_a_message_that_the_provider_delivers_twice_goes_on_once(
    receive, make, app, services
) -> None:
    assert receive("Hello", message_id=ID) == "none"
    assert receive("Hello", message_id=ID) == "duplicate"
    settle(services, make())
    assert receive("Hello", message_id=ID) == "duplicate"
    assert not pending(services)
    assert len(app.came) == 1


def test_an_application_that_is_down_gets_everything_in_order_when_it_is_back(
    receive, app, services, request
) -> None:
    numbers = [f"+141555501{place:02}" for place in range(20)]
    app.stop()
    for place in range(3):
        for number in numbers:
            receive(f"text {place}", number)
    began = time.monotonic()
    request.getfixturevalue("run")  # on a busy machine it would try all the while
    assert wait_until(lambda: time.monotonic() - began > 0.5 and tries(services) > 0)
    made, took_s = tries(services), time.monotonic() - began
    # 20 at once before anybody knew, then one at a time after each pause
    assert made <= 20 + 1 + took_s / pause.MAX_PAUSE_S
    app.start()
    assert wait_until(lambda: not pending(services))

    for number in numbers:
        assert [text for who, text in app.taken if who == number] == ["text 0", "text 1", "text 2"]


def test_an_application_that_asks_for_time_gets_it(receive, make, app, services) -> None:
    app.status, app.headers = 503, {"Retry-After": "1"}
    receive("Hello")
    receive("Hello", OTHER)
    one = make()
    turn(one)
    assert len(pending(services)) == 2
    app.status = 200
    receive("Hello", "+14155550177")
    settle(services, one)
    first = min(came.at for came in app.came if came.status == 200)
    assert first - min(came.at for came in app.came) > 0.9


def test_an_application_keeps_its_voice(receive, make, app, services, api) -> None:
    app.says = (
        "<Response><Message>At nine &amp; ten.</Message><Redirect>/x</Redirect>"
        "<Sms><Body>Bye</Body></Sms></Response>"
    )
    receive("When?", sender=ORIGINAL)
    before_us = services.store.health.now_us()
    settle(services, make("orders"))
    _, ((_, first), (_, second)) = services.store.unsent_replies.pending()
    assert (first.kind, first.text, second.text) == ("app", "At nine & ten.", "Bye")
    now_us = services.store.health.now_us()
    assert before_us <= first.deadline_us - REPLY_WINDOW_US <= now_us
    assert first.answers == second.answers == services.history.of_number(NUMBER)[-1].inbox_id

    services.sender.drain(partition_of(NUMBER))
    assert sorted(call.form["Body"] for call in api.calls) == ["At nine & ten.", "Bye"]
    assert {call.form["From"] for call in api.calls} == {ORIGINAL}
    assert {event.outcome for event in services.history.of_number(NUMBER)[-2:]} == {"sent"}


def test_what_an_application_says_to_a_number_that_opted_out_is_not_sent(
    receive, make, app, services, api
) -> None:
    app.says = "<Response><Message>You may come back!</Message></Response>"
    receive("STOP", sender=ORIGINAL)
    settle(services, make("orders"))
    services.sender.drain(partition_of(NUMBER))

    assert "You may come back!" not in [call.form["Body"] for call in api.calls]
    last = services.history.of_number(NUMBER)[-1]
    assert (last.kind, last.outcome) == ("app", "blocked")
    assert last.note == "the gate refused it: opted_out"
    assert [(one.by, one.reason) for one in services.store.refusals.newest(10)] == [
        ("app", "opted_out")
    ]
    assert services.store.unsent_replies.dead(partition_of(NUMBER)) == []


def test_what_came_before_the_original_was_wanted_is_put_as_one(
    receive, make, app, services
) -> None:
    receive("Hi & ho", message_id=ID)
    settle(services, make("alerts", as_="original", secrets=()))
    (came,) = app.came
    assert (came.form["Body"], came.form["MessageSid"]) == ("Hi & ho", ID)
    signature = came.headers["x-twilio-signature"]
    assert RequestValidator(TOKEN).validate(app.url, came.form, signature)


def test_what_came_as_events_goes_on_as_forms(services, make, app) -> None:
    """One request of Event Streams has many texts; an application of Twilio's knows forms."""
    messages = [
        InboundMessage(
            "twilio",
            f"SM{place}",
            NUMBER,
            ORIGINAL,
            f"text {place}",
            media=("https://m/1",),
            flag=Intent.HELP,
        )
        for place in range(2)
    ]
    request = WebhookRequest("POST", "https://x/", {"content-type": "application/json"}, b"[]")
    account = services.settings.accounts["twilio"]
    arrivals = [
        services.ingest.arrival_of(one, request, account, twilio, expired=False) for one in messages
    ]
    services.store.inbox.add(arrivals)
    record(services)
    settle(services, make("orders"))
    assert app.taken == [(NUMBER, "text 0"), (NUMBER, "text 1")]
    assert {came.form["MediaUrl0"] for came in app.came} == {"https://m/1"}
    assert {came.form["OptOutType"] for came in app.came} == {"HELP"}


def test_the_five_minutes_of_what_an_application_says_count_from_its_answer_to_the_calls_end(
    receive, make, app, services, api, monkeypatch
) -> None:
    app.says = "<Response><Message>Hi</Message></Response>"
    receive("Hello", sender=ORIGINAL)
    late_us, accept = REPLY_WINDOW_US - MAX_CALL_US + 1, TextDeliveries.accept

    def accept_late(
        self: TextDeliveries, delivery: Delivery, answer: HttpReply, now_us: int
    ) -> None:
        accept(self, delivery, answer, now_us - late_us)

    monkeypatch.setattr(TextDeliveries, "accept", accept_late)
    settle(services, make("orders"))
    services.sender.drain(partition_of(NUMBER))
    assert [event.outcome for event in services.history.of_number(NUMBER)] == [
        "recorded",
        "taken",
        "late",
    ]
    assert api.calls == []


def test_a_stop_between_the_applications_answer_and_the_send_stops_it(
    receive, make, app, services, api
) -> None:
    app.says = "<Response><Message>Hi</Message></Response>"
    receive("Hello", sender=ORIGINAL)
    settle(services, make("orders"))
    services.ingest.receive("twilio", _stop(services))  # a hold; not applied yet
    services.sender.drain(partition_of(NUMBER))
    assert api.calls == []
    assert services.history.of_number(NUMBER)[-1].note == "the gate refused it: hold"


def _stop(services):
    message = InboundMessage("twilio", "SM999", NUMBER, ORIGINAL, "STOP")
    account = services.settings.accounts["twilio"]
    return twilio.inbound(message, account, f"{PUBLIC_URL}/webhooks/twilio")


def test_what_an_application_says_is_sent_once_though_a_sender_died_over_it(
    receive, make, app, services, api, monkeypatch
) -> None:
    app.says = "<Response><Message>Hi</Message></Response>"
    receive("Hello", sender=ORIGINAL)
    with monkeypatch.context() as patched:
        patched.setattr(DeliveryStorage, "settle", _die)
        with pytest.raises(KeyboardInterrupt):
            turn(make("orders"))
    second = make("orders")
    second._now = lambda: time.time() + deliveries_sender.LEASE_S
    settle(services, second)
    services.sender.drain(partition_of(NUMBER))

    assert len(app.came) == 2
    assert len({came.headers["i-twilio-idempotency-token"] for came in app.came}) == 1
    assert len(api.calls) == 1
    outcomes = [event.outcome for event in services.history.of_number(NUMBER)]
    assert outcomes == ["recorded", "taken", "sent"]


def _die(*_: object) -> None:
    raise KeyboardInterrupt


def test_private_addresses_are_not_called_unless_configured(receive, make, app, services) -> None:
    receive("Hello")
    turn(make(allow_private=False))
    assert "is not on the public internet" in pending(services)[0].note
    assert app.came == []


def test_ordinary_texts_of_programs_without_application_ask_the_store_for_nothing(
    services, signed, redis_client, monkeypatch
) -> None:
    away = Mock(side_effect=StoreUnavailable("away"))
    monkeypatch.setattr(services.store.inbox, "add", away)
    request = signed("Hello", sender=PLAIN)
    assert services.ingest.receive("twilio", request).outcome == "none"
    assert redis_client.keys("smsgate:*:inbox") == []
    with pytest.raises(StoreUnavailable):  # of the others a 200 means that they are stored
        services.ingest.receive("twilio", signed("Hello"))


def test_what_no_program_waits_for_any_more_fails_after_a_day(receive, services) -> None:
    """Also where the program has no application any more."""
    receive("Hello")
    storage = services.records.deliveries
    (one,) = pending(services)
    assert storage.fail_old(one.made_us) == 0
    assert storage.fail_old(one.made_us + 1) == 1
    assert [found.note for found in failed(services)] == ["not attempted within a day"]
    assert make_part(services, delivery_threads)[0].run_once() > 0
    assert services.store.delivery_counts.read().failed == 1


def test_forgetting_a_number_takes_out_what_was_to_go_on(receive, make, app, services) -> None:
    receive("first")
    services.records.deliveries.fail_old(time.time_ns() // 1000 + 1)
    receive("second")
    receive("Hello", OTHER)
    done = services.forgetting.forget(NUMBER, "anna", "asked for it")
    assert done.forwards == 2
    assert failed(services) == []
    settle(services, make())
    assert app.taken == [(OTHER, "Hello")]


def test_a_pending_text_is_listed_without_the_providers_request(receive, services) -> None:
    receive("Hello", sender=ORIGINAL)
    context = Context(Caller("ana", "viewer"))
    (row,) = list_deliveries.run(context, DeliveryQuery(), services.records).items
    assert (row.kind, row.number, row.content, row.attempts) == ("text", NUMBER, "Hello", 0)
    assert "Body=" not in repr(row)


def test_the_records_do_not_keep_the_providers_request(receive, services) -> None:
    receive("Hello", sender=ORIGINAL)
    (event,) = services.history.of_number(NUMBER)
    assert event.entry is not None
    assert event.entry.forward_content == ForwardContent()


def test_what_is_applied_goes_on_even_if_it_waited_in_the_spool(
    services, signed, make, app, monkeypatch
) -> None:
    away = Mock(side_effect=StoreUnavailable("away"))
    with monkeypatch.context() as patched:
        patched.setattr(services.store.inbox, "add", away)
        with pytest.raises(StoreUnavailable):
            services.ingest.receive("twilio", signed("Hello", sender=ORIGINAL))
    services.spool_replay.replay()
    record(services)
    settle(services, make("orders"))
    assert app.taken == [(NUMBER, "Hello")]
