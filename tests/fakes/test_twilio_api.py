"""The fake is what other tests believe in, so it is shown to behave like the real one."""

from __future__ import annotations

import threading
import time

import pytest
import requests

from tests.fakes.processes import PATIENCE_S
from tests.fakes.twilio_api import Answer, Hang, TwilioApi

SID = "AC" + "3" * 32
TEXT = {"To": "+14155550123", "From": "+14155550100", "Body": "You are out."}


def post(api: TwilioApi, form=TEXT, *, sid=SID, token="right") -> requests.Response:
    return requests.post(
        f"{api.url}/2010-04-01/Accounts/{sid}/Messages.json",
        data=form,
        auth=(sid, token),
        timeout=10,
    )


@pytest.fixture
def api():
    with TwilioApi({SID: "right"}) as fake:
        yield fake


def test_a_message_is_created_with_an_id_of_its_own(api):
    answers = [post(api).json() for _ in range(3)]
    assert len({answer["sid"] for answer in answers}) == 3
    assert [call.sid for call in api.sent] == [answer["sid"] for answer in answers]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": "+1", "Body": "x"}, 21604),
        ({"To": "+1", "Body": "x"}, 21603),
        ({"To": "+1", "From": "+1"}, 21602),
        ({"To": "+1", "From": "+1", "Body": ""}, 21602),
    ],
)
def test_a_call_without_what_it_needs_is_refused(api, form, code):
    response = post(api, form)
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert api.sent == []


def test_a_messaging_service_is_sender_enough(api):
    assert post(api, {"To": "+1", "MessagingServiceSid": "MG1", "Body": "x"}).status_code == 201


def test_credentials_are_checked(api):
    assert post(api, token="wrong").json()["code"] == 20003
    assert post(api, sid="AC4").json()["code"] == 20003
    assert api.sent == []


def test_a_number_that_opted_out_stays_out_and_others_do_not(api):
    api.opted_out.add("+14155550123")
    assert post(api).json()["code"] == 21610
    assert post(api, {**TEXT, "To": "+14155550124"}).status_code == 201


def test_the_script_is_played_once_and_in_order(api):
    api.script(Answer(500, 20500), Answer(429, 20429, retry_after="2"))
    responses = [post(api) for _ in range(3)]
    assert [response.status_code for response in responses] == [500, 429, 201]
    assert responses[1].headers["Retry-After"] == "2"


def test_calls_that_come_together_are_all_kept(api):
    threads = [threading.Thread(target=post, args=(api,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    assert len(api.wait_for(16)) == 16
    for thread in threads:
        thread.join()
    assert len({call.sid for call in api.sent}) == 16


def test_waiting_for_calls_that_never_come_fails(api):
    with pytest.raises(AssertionError, match="0 of 1 calls"):
        api.wait_for(1, timeout_s=0.05)


def test_the_end_does_not_wait_for_a_call_that_hangs():
    def call() -> None:
        with pytest.raises(requests.ConnectionError):
            post(api)

    with TwilioApi() as api:
        api.script(Hang())
        thread = threading.Thread(target=call)
        thread.start()
        api.wait_for(1)
        begun = time.monotonic()
    assert time.monotonic() - begun < PATIENCE_S  # the call itself hangs for ever
    thread.join()
