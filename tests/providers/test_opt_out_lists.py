"""Reading providers' own opt-out lists and adding to them, by examples of the vendors."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from smsgate.domain.errors import Unreadable
from smsgate.domain.messages import HttpReply, Verdict
from smsgate.providers import OPT_OUT_LISTS, check_accounts
from smsgate.providers.aws_sns.calls import aws_headers
from smsgate.providers.opt_out_lists import ListedOptOut, OptOutListPage, OptOutNotice
from tests.providers.recorded import NOW_US, everything

WITH_LIST = sorted(OPT_OUT_LISTS)
READABLE = [name for name in WITH_LIST if OPT_OUT_LISTS[name].opt_out_list.is_readable]
TAKING = [name for name in WITH_LIST if OPT_OUT_LISTS[name].opt_out_list.holds_for]
NUMBER, SENDER = "+14155550123", "+14155550999"
AT_US = 1_789_999_999_123_456
NOTICE = OptOutNotice("ad388b5a46b33b874b0d41f7226db2ef", NUMBER, SENDER, AT_US, "link")
ACCOUNTS = {one.provider: one.account for one in everything()}


def answer(status: int, content: object = None) -> HttpReply:
    return HttpReply(status, "application/json", json.dumps(content or {}).encode())


def test_an_account_whose_provider_has_no_list_cannot_ask_for_one() -> None:
    account = replace(ACCOUNTS["plivo"], opt_out_list=True)
    (fault,) = check_accounts([account])
    assert fault.key == f"accounts.{account.name}.opt_out_list"
    assert fault.problem.endswith("it knows those of aws_sns, bird, telnyx, twilio")
    assert not check_accounts([replace(ACCOUNTS["telnyx"], opt_out_list=True)])


# --- reading --------------------------------------------------------------------------------------


def test_telnyx_gives_numbered_pages() -> None:
    """developers.telnyx.com/api/messaging/list-opt-outs."""
    telnyx, account = OPT_OUT_LISTS["telnyx"], ACCOUNTS["telnyx"]
    call = telnyx.opt_out_list_call(account, "", NOW_US)
    assert (call.method, call.body) == ("GET", b"")
    assert urlsplit(call.url)[:3] == ("https", "api.telnyx.com", "/v2/messaging_optouts")
    assert parse_qs(urlsplit(call.url).query) == {"page[number]": ["1"], "page[size]": ["100"]}
    assert call.headers["Authorization"].startswith("Bearer ")
    content = {
        "data": [
            {"from": SENDER, "to": NUMBER, "messaging_profile_id": "4001", "keyword": "STOP",
             "created_at": "2025-04-28 12:00:38.631252+00:00"},
            {"from": "ACME", "to": NUMBER, "messaging_profile_id": None, "keyword": None},
        ],
        "meta": {"total_pages": 3, "total_results": 55, "page_number": 2, "page_size": 25},
    }  # fmt: skip
    assert telnyx.opt_out_list_page(answer(200, content), account) == OptOutListPage(
        (
            ListedOptOut(NUMBER, SENDER, "4001", 1_745_841_638_631_252),
            ListedOptOut(NUMBER, "ACME"),
        ),
        "3",
    )
    content["meta"]["page_number"] = 3
    assert telnyx.opt_out_list_page(answer(200, content), account).next_page == ""
    assert "page%5Bnumber%5D=3" in telnyx.opt_out_list_call(account, "3", NOW_US).url
    empty = {"data": [], "meta": {"total_pages": 9, "page_number": 2}}
    assert telnyx.opt_out_list_page(answer(200, empty), account) == OptOutListPage(())


def test_bird_gives_pages_behind_a_cursor() -> None:
    """bird-sdk-python, ``SMSSuppression``, ``FieldListEnvelope``."""
    bird, account = OPT_OUT_LISTS["bird"], ACCOUNTS["bird"]
    call = bird.opt_out_list_call(account, "", NOW_US)
    assert call.url.endswith(".platform.bird.com/v1/sms/suppressions?limit=50")
    assert bird.opt_out_list_call(account, "c/1", NOW_US).url.endswith("&starting_after=c%2F1")
    suppression = {
        "id": "ssu_01krdgeqcxet5s7t44vh8rt9mg", "destination": NUMBER, "originator": SENDER,
        "reason": "keyword_stop", "origin": "keyword", "applies_to": "all", "blocking": True,
        "effective_at": "2026-09-21T13:33:20Z", "created_at": "2026-09-21T13:33:21Z",
    }  # fmt: skip
    content = {"data": [suppression, suppression | {"origin": "api_key"}], "next_cursor": "c2"}
    at_us = 1_789_997_600_000_000
    assert bird.opt_out_list_page(answer(200, content), account) == OptOutListPage(
        (
            ListedOptOut(NUMBER, SENDER, at_us=at_us),
            ListedOptOut(NUMBER, SENDER, at_us=at_us, by_api=True),
        ),
        "c2",
    )
    last = {"data": [], "next_cursor": None, "prev_cursor": None, "refresh_cursor": None}
    assert bird.opt_out_list_page(answer(200, last), account) == OptOutListPage(())


def test_aws_gives_pages_by_a_token_and_every_call_is_signed() -> None:
    """API reference of End User Messaging, DescribeOptedOutNumbers."""
    aws, account = OPT_OUT_LISTS["aws_sns"], ACCOUNTS["aws_sns"]
    call = aws.opt_out_list_call(account, "tok", NOW_US)
    assert json.loads(call.body) == {
        "OptOutListName": "Default",
        "MaxResults": 100,
        "NextToken": "tok",
    }
    assert call.headers["x-amz-target"] == "PinpointSMSVoiceV2.DescribeOptedOutNumbers"
    unsigned = {name: call.headers[name] for name in ("content-type", "x-amz-target")}
    key = (account.options["access_key_id"], account.newest_secret("secret_access_key"))
    region = account.newest_secret("topic_arn").split(":")[3]
    scope = f"{region}/sms-voice"
    assert call.headers == aws_headers(call.url, unsigned, call.body, key, scope, NOW_US)
    content = {
        "OptOutListArn": "arn:aws:sms-voice:us-east-1:123456789012:opt-out-list/Default",
        "OptOutListName": "Default",
        "OptedOutNumbers": [
            {"OptedOutNumber": NUMBER, "OptedOutTimestamp": 1.79e9 + 0.5, "EndUserOptedOut": True},
            {"OptedOutNumber": "14155550124", "OptedOutTimestamp": 1, "EndUserOptedOut": False},
        ],
        "NextToken": "more",
    }
    assert aws.opt_out_list_page(answer(200, content), account) == OptOutListPage(
        (
            ListedOptOut(NUMBER, at_us=1_790_000_000_500_000),
            ListedOptOut("+14155550124", at_us=1_000_000, by_api=True),
        ),
        "more",
    )
    named = replace(account, options={**account.options, "opt_out_list_name": "marketing"})
    assert b'"OptOutListName":"marketing"' in aws.opt_out_list_call(named, "", NOW_US).body
    assert b"NextToken" not in aws.opt_out_list_call(named, "", NOW_US).body


@pytest.mark.parametrize("name", READABLE)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"data": 3}'])
def test_what_is_no_page_is_unreadable_and_no_empty_list(name: str, body: bytes) -> None:
    with pytest.raises(Unreadable):
        OPT_OUT_LISTS[name].opt_out_list_page(HttpReply(200, "", body), ACCOUNTS[name])


# --- adding ---------------------------------------------------------------------------------------


class Recorder(TwilioHttpClient):
    """Keeps what Twilio's own library would send."""

    def request(self, method, url, params=None, data=None, headers=None, auth=None, **_: object):
        self.sent = (method, url, data, auth)
        raise ConnectionError


def test_twilio_gets_what_its_own_library_would_send() -> None:
    twilio, account = OPT_OUT_LISTS["twilio"], ACCOUNTS["twilio"]
    other = replace(NOTICE, id="0" * 32, sender="MG" + "1" * 32, source="operator")
    call = twilio.opt_out_call([NOTICE, other], account, NOW_US)
    items = [json.loads(value) for name, value in parse_qsl(call.body.decode()) if name == "Items"]
    recorder = Recorder()
    client = Client(*call.auth, http_client=recorder)
    with pytest.raises(ConnectionError):
        client.accounts.v1.bulk_consents.create(items=items)
    method, url, data, auth = recorder.sent
    assert (call.method, call.url, call.auth) == (method, url, auth)
    assert [json.loads(one) for one in data["Items"]] == items
    both = {"contact_id": NUMBER, "status": "opt-out"}
    both["date_of_consent"] = "2026-09-21T14:13:19.123Z"
    assert items == [
        both | {"correlation_id": NOTICE.id, "sender_id": SENDER, "source": "website"},
        both | {"correlation_id": other.id, "sender_id": other.sender, "source": "others"},
    ]


def test_twilio_is_told_no_time_in_the_future() -> None:
    early = AT_US - 60_000_000
    call = OPT_OUT_LISTS["twilio"].opt_out_call([NOTICE], ACCOUNTS["twilio"], early)
    assert b"2026-09-21T14%3A12%3A19.123Z" in call.body


def test_twilio_says_of_each_number_what_became_of_it() -> None:
    notices = [replace(NOTICE, id=f"{place:032x}") for place in range(5)]
    results = [
        {"correlation_id": notices[1].id, "error_code": 30646,
         "error_messages": [f"INVALID_CONTACT_ID: {NUMBER} is not in E.164"]},
        {"correlation_id": notices[2].id, "error_code": 30646,
         "error_messages": ["INTERNAL_SERVER_ERROR: the request failed"]},
        {"correlation_id": notices[0].id, "error_code": 0, "error_messages": []},
        {"correlation_id": notices[4].id, "error_code": 99999, "error_messages": ["?"]},
    ]  # fmt: skip
    found = OPT_OUT_LISTS["twilio"].opt_out_results(answer(201, {"items": results}), notices)
    assert [verdict for verdict, _ in found] == [
        Verdict.SENT,
        Verdict.REFUSED,
        Verdict.NOT_ACCEPTED,
        Verdict.NOT_ACCEPTED,  # the answer does not name it
        Verdict.REFUSED,
    ]
    assert NUMBER not in "".join(note for _, note in found)


def test_bird_gets_one_number_and_one_sender() -> None:
    call = OPT_OUT_LISTS["bird"].opt_out_call([NOTICE], ACCOUNTS["bird"], NOW_US)
    assert (call.method, urlsplit(call.url).path) == ("POST", "/v1/sms/suppressions")
    assert json.loads(call.body) == {"destination": NUMBER, "originator": SENDER}
    assert call.headers["Idempotency-Key"] == NOTICE.id


def test_aws_gets_one_number_for_the_account_s_list() -> None:
    notice = replace(NOTICE, sender="")
    call = OPT_OUT_LISTS["aws_sns"].opt_out_call([notice], ACCOUNTS["aws_sns"], NOW_US)
    assert call.headers["x-amz-target"] == "PinpointSMSVoiceV2.PutOptedOutNumber"
    assert json.loads(call.body) == {"OptOutListName": "Default", "OptedOutNumber": NUMBER}


@pytest.mark.parametrize("name", TAKING)
@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, Verdict.SENT), *((one, Verdict.NOT_ACCEPTED) for one in (302, 401, 403, 404, 429, 500))],
)
def test_what_is_not_about_the_number_may_be_tried_again(name, status, verdict) -> None:
    items = {"items": [{"correlation_id": NOTICE.id, "error_code": 0}]}
    ((found, note),) = OPT_OUT_LISTS[name].opt_out_results(answer(status, items), [NOTICE])
    assert found is verdict
    assert (f"answered {status}: " in note) == (verdict is not Verdict.SENT)


@pytest.mark.parametrize("name", ["bird", "twilio"])
def test_of_several_one_that_is_refused_must_be_found_one_by_one(name: str) -> None:
    provider = OPT_OUT_LISTS[name]
    (alone,) = provider.opt_out_results(answer(400), [NOTICE])
    both = provider.opt_out_results(answer(400), [NOTICE, NOTICE])
    assert alone[0] is Verdict.REFUSED
    assert [verdict for verdict, _ in both] == [Verdict.UNKNOWN] * 2


def test_a_number_that_bird_has_already_is_told() -> None:
    ((verdict, _),) = OPT_OUT_LISTS["bird"].opt_out_results(answer(409), [NOTICE])
    assert verdict is Verdict.SENT


@pytest.mark.parametrize(
    ("error", "verdict", "words"),
    [
        ("ValidationException", Verdict.REFUSED, "it does not take the number"),
        ("ThrottlingException", Verdict.NOT_ACCEPTED, "too many requests"),
        ("ResourceNotFoundException", Verdict.NOT_ACCEPTED, "opt_out_list_name"),
        ("AccessDeniedException", Verdict.NOT_ACCEPTED, "may not use the opt-out list"),
        ("Other", Verdict.NOT_ACCEPTED, "cannot be used now"),
    ],
)
def test_aws_names_its_errors_and_not_by_the_status(error, verdict, words) -> None:
    reply = answer(400, {"__type": f"com.amazonaws.smsvoice#{error}", "message": NUMBER})
    ((found, note),) = OPT_OUT_LISTS["aws_sns"].opt_out_results(reply, [NOTICE])
    assert found is verdict
    assert words in note
    assert NUMBER not in note
