"""AWS: which notifications are ours, what is fetched from where, and signed calls."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from smsgate.domain.errors import AccountNotReady, SignatureExpired, SignatureRefused, Unreadable
from smsgate.domain.messages import HttpCall, Reply
from smsgate.domain.signed_times import instant_us
from smsgate.providers import PROVIDERS
from smsgate.providers.aws_sns.calls import aws_headers
from tests.providers.recorded import NOW_US, everything

aws_sns = PROVIDERS["aws_sns"]

RECORDED = {one.name: one for one in everything() if one.provider == "aws_sns"}
STOP = RECORDED["stop"]
ACCOUNT = STOP.account
TEXT = "You are out. ¡Adiós! 🛑"
REPLY = Reply(
    "1-0", "opt_out", "aws_sns", "+14155550123", "+14155550100", "alerts", TEXT,
    NOW_US + 300_000_000,
)  # fmt: skip


def with_fields(recorded, **fields):
    body = json.dumps({**json.loads(recorded.request.body), **fields}).encode()
    return replace(recorded.request, body=body)


# --- what is fetched ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "sns.us-east-1.amazonaws.com",
        "sns.ap-southeast-5.amazonaws.com",
        "sns.us-gov-west-1.amazonaws.com",
        "sns.cn-northwest-1.amazonaws.com.cn",
    ],
)
def test_the_certificate_is_fetched_from_where_sns_says(host):
    url = f"https://{host}/SimpleNotificationService-{'0' * 32}.pem"
    request = with_fields(STOP, SigningCertURL=url)
    assert aws_sns.certificate(request, ACCOUNT) == HttpCall("GET", url)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/a.pem",
        "https://evil.example/https://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com:8443/a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem?x=1",
        "https://sns.us-east-1.amazonaws.com/a.pem#x.pem",
        "https://sns.us-east-1.amazonaws.com/a.txt",
        "https://sns.us-east-1.amazonaws.com/a.pem\n",
        "https://sns..amazonaws.com/a.pem",
        "https://sns.x.y.amazonaws.com/a.pem",
        "https://s3.us-east-1.amazonaws.com/a.pem",
        "https://sns.s3-us-west-2.amazonaws.com/a.pem",
        "https://sns.S3-us-west-2.amazonaws.com/a.pem",
        "https://sns.bucket.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com.cn/a.pem",
        "https://sns.cn-north-1.amazonaws.com/a.pem",
        "https://SNS.us-east-1.amazonaws.com/a.pem",
        "",
    ],
)
def test_nothing_is_fetched_from_anywhere_else(url):
    with pytest.raises(SignatureRefused):
        aws_sns.certificate(with_fields(STOP, SigningCertURL=url), ACCOUNT)
    with pytest.raises(SignatureRefused):
        aws_sns.verify(with_fields(STOP, SigningCertURL=url), ACCOUNT, NOW_US)


@pytest.mark.parametrize(
    "fields", [{"TopicArn": "arn:aws:sns:us-east-1:999999999999:inbound-sms"}, {"TopicArn": None}]
)
def test_nothing_is_fetched_for_a_topic_that_is_not_ours(fields):
    with pytest.raises(SignatureRefused):
        aws_sns.certificate(with_fields(STOP, **fields), ACCOUNT)


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"{}", b"\xff"])
def test_what_is_no_envelope_is_refused_and_not_called_unreadable(body):
    for step in (aws_sns.certificate, lambda *both: aws_sns.verify(*both, NOW_US)):
        with pytest.raises(SignatureRefused):
            step(replace(STOP.request, body=body), ACCOUNT)


# --- what is believed -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "version"), [("stop", "1"), ("version_1", "2")])
def test_only_the_version_that_the_account_names_is_accepted(name, version):
    account = replace(ACCOUNT, options={**ACCOUNT.options, "signature_version": version})
    with pytest.raises(SignatureRefused, match="SignatureVersion"):
        aws_sns.verify(RECORDED[name].request, account, NOW_US)


def test_an_account_that_names_no_version_wants_the_second():
    account = replace(ACCOUNT, options={})
    aws_sns.verify(STOP.request, account, NOW_US)
    with pytest.raises(SignatureRefused):
        aws_sns.verify(RECORDED["version_1"].request, account, NOW_US)


@pytest.mark.parametrize("certificate", [b"", b"<html>", b"-----BEGIN CERTIFICATE-----\nxx"])
def test_without_a_certificate_nothing_is_believed(certificate):
    with pytest.raises(SignatureRefused, match="no certificate"):
        aws_sns.verify(replace(STOP.request, certificate=certificate), ACCOUNT, NOW_US)


@pytest.mark.parametrize("moment", ["2025-12-31T23:59:59Z", "2046-01-02T00:00:00Z"])
def test_a_certificate_counts_only_while_it_is_valid(moment):
    with pytest.raises(SignatureRefused, match="not valid now") as raised:
        aws_sns.verify(STOP.request, ACCOUNT, instant_us(moment))
    assert not isinstance(raised.value, SignatureExpired)


def test_a_notification_of_an_hour_ago_is_a_retry_and_no_replay():
    aws_sns.verify(STOP.request, ACCOUNT, NOW_US + 3600 * 1_000_000)


# --- subscriptions --------------------------------------------------------------------------------


def test_a_subscription_to_our_topic_is_confirmed():
    recorded = RECORDED["subscription"]
    aws_sns.verify(recorded.request, recorded.account, NOW_US)
    shaken = aws_sns.handshake(recorded.request, recorded.account)
    assert shaken.call == HttpCall("GET", json.loads(recorded.request.body)["SubscribeURL"])
    assert shaken.call.url.startswith("https://sns.us-east-1.amazonaws.com/?Action=Confirm")
    assert shaken.answer.status == 200


@pytest.mark.parametrize(
    "url",
    [
        None,
        "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
        "https://evil.example/?Action=ConfirmSubscription&Token=1",
        "https://sns.us-east-1.amazonaws.com/?Action=DeleteTopic&Token=1",
    ],
)
def test_no_other_address_is_called_to_confirm(url):
    with pytest.raises(Unreadable):
        aws_sns.handshake(with_fields(RECORDED["subscription"], SubscribeURL=url), ACCOUNT)


@pytest.mark.parametrize("name", ["stop", "unsubscription"])
def test_what_is_no_request_for_confirmation_is_no_handshake(name):
    assert aws_sns.handshake(RECORDED[name].request, ACCOUNT) is None


def test_nobody_but_aws_can_sign_as_aws():
    with pytest.raises(AccountNotReady):
        aws_sns.inbound(STOP.messages[0], ACCOUNT, STOP.request.url)


# --- out ------------------------------------------------------------------------------------------


def test_a_call_is_signed_as_in_the_examples_of_aws():
    """The case post-vanilla of the test suite that AWS published for Signature Version 4."""
    key = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    at_us = instant_us("2015-08-30T12:36:00Z")
    url = "https://example.amazonaws.com/"
    headers = aws_headers(url, {}, b"", key, "us-east-1/service", at_us)
    assert headers == {
        "x-amz-date": "20150830T123600Z",
        "authorization": (
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        ),
    }


def test_a_reply_comes_from_the_number_that_was_texted_in_the_region_of_the_topic():
    call = aws_sns.reply(REPLY, ACCOUNT)
    assert (call.method, call.url) == ("POST", "https://sms-voice.us-east-1.amazonaws.com/")
    assert call.headers["x-amz-target"] == "PinpointSMSVoiceV2.SendTextMessage"
    assert json.loads(call.body) == {
        "DestinationPhoneNumber": "+14155550123",
        "OriginationIdentity": "+14155550100",
        "MessageBody": "You are out. ¡Adiós! 🛑",
    }


def test_the_time_that_is_signed_is_near_enough_whenever_the_reply_leaves():
    stamp = aws_sns.reply(REPLY, ACCOUNT).headers["x-amz-date"]
    signed_us = instant_us(stamp)
    received_us = REPLY.deadline_us - 300_000_000
    for leaves_us in (received_us, REPLY.deadline_us):
        assert abs(leaves_us - signed_us) < 300_000_000
