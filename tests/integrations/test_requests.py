from __future__ import annotations

import io

import pytest
import requests
import responses

from smsgate.domain.errors import (
    InvalidNumber,
    StoreUnavailable,
    Suppressed,
    UnknownRecipients,
)
from smsgate.domain.phone import masked
from smsgate.integrations.requests import MESSAGEBIRD, PLIVO, GatedAdapter, in_form, in_json

ALLOWED, BLOCKED = "+14155550123", "+14155550124"
URL = "https://api.example.com/v2/messages"


class Rule:
    """A gate that blocks one number, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], str, str]] = []

    def require(self, numbers, *, program, by="") -> None:
        self.asked.append((tuple(numbers), program, by))
        if BLOCKED in numbers:
            raise Suppressed(program, {BLOCKED: "opted_out"})


def session(rule, recipients, **options) -> requests.Session:
    made = requests.Session()
    made.mount(URL, GatedAdapter(rule, program="alerts", recipients=recipients, **options))
    return made


@pytest.fixture
def left(monkeypatch):
    """What reaches the network; below it nothing is real."""
    left: list[requests.PreparedRequest] = []

    def send(self, request, *args, **options):
        left.append(request)
        answer = requests.Response()
        answer.status_code = 202
        return answer

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)
    return left


BODIES = [
    (in_json("to"), {"json": {"to": "{}", "text": "Hi"}}),
    (in_json("to"), {"json": {"to": ["+14155550111", "{}"]}}),
    (in_json("messages.to"), {"json": {"messages": [{"to": "+14155550111"}, {"to": "{}"}]}}),
    (
        in_json("messages.destinations.to"),
        {"json": {"messages": [{"destinations": [{"to": "{}"}]}]}},
    ),
    (in_json("to", "cc"), {"json": {"to": "+14155550111", "cc": ["{}"]}}),
    (in_json("recipients"), {"data": b'{"recipients": ["{}"]}'}),
    (in_form("To"), {"data": {"To": "{}", "Body": "Hi"}}),
    (in_form("to", plus=True), {"data": {"to": "{-}"}}),
    (in_json("to", plus=True), {"json": {"to": "{-}"}}),
    (in_json("to", plus=True), {"json": {"to": ["{}"]}}),
    (in_form("dst", separator="<"), {"data": {"dst": "+14155550111<{}"}}),
    (in_form("to"), {"data": {"to": "+14155550111", "to[]": "{}"}}),
    (in_json("to", "to.number"), {"json": {"to": ["+14155550111", {"number": "{}"}]}}),
    (PLIVO, {"json": {"dst": "{}"}}),
    (PLIVO, {"json": {"dst": "14155550111<{-}"}}),
    (PLIVO, {"json": {"dst": "+14155550111 < {}<"}}),
    (MESSAGEBIRD, {"json": {"recipients": "14155550111,{-}"}}),
    (MESSAGEBIRD, {"json": {"recipients": ["14155550111", "{-}"]}}),
    (MESSAGEBIRD, {"json": {"recipients": ["14155550111, {}"], "groupIds": []}}),
    (MESSAGEBIRD, {"json": {"messages": [{"recipients": ["1415555011"]}, {"recipients": "{-}"}]}}),
    (MESSAGEBIRD, {"data": {"recipients": "14155550111,{-}"}}),
    (MESSAGEBIRD, {"data": {"recipients[0]": "14155550111", "recipients[1]": "{-}"}}),
]


def filled(value, number: str):
    if isinstance(value, dict):
        return {name: filled(one, number) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, number) for one in value]
    if isinstance(value, bytes):
        return value.replace(b"{}", number.encode())
    return value.replace("{}", number).replace("{-}", number[1:])


@pytest.mark.parametrize(("recipients", "body"), BODIES)
def test_the_recipients_of_a_body_are_asked_about(left, recipients, body) -> None:
    rule = Rule()
    with pytest.raises(Suppressed):
        session(rule, recipients).post(URL, **filled(body, BLOCKED))
    assert left == []
    answer = session(rule, recipients).post(URL, **filled(body, ALLOWED))
    assert answer.status_code == 202
    assert len(left) == 1
    assert all(by == "requests" and program == "alerts" for _, program, by in rule.asked)


NOT_TOLD = [
    {"json": {"text": "Hi"}},
    {"json": []},
    {"json": {"to": {"number": ALLOWED}}},
    {"json": {"to": ""}},
    {"json": {"to": [" "]}},
    {"json": {"to": None}},
    {"data": b"to=%2B14155550123"},
    {"data": b"\xff\xfe"},
    {"data": io.BytesIO(b'{"to": "+14155550123"}')},
    {},
]


@pytest.mark.parametrize("body", NOT_TOLD)
def test_a_post_whose_recipients_are_not_found_does_not_leave(left, body) -> None:
    with pytest.raises(UnknownRecipients):
        session(Rule(), in_json("to")).post(URL, **body)
    assert left == []


UNKNOWN_SHAPES = [
    (in_json("to"), '{"to": [{"number": "+14155550123"}]}', "an object"),
    (in_json("to"), '{"to": ["+14155550123", {"number": "+14155550124"}]}', "an object"),
    (in_json("to"), '{"to": ["+14155550123", null]}', "null"),
    (in_json("to"), '{"to": true}', "true or false"),
    (in_json("to"), '{"to": 14155550123.0}', "a decimal"),
    (in_json("to"), '{"to": "+14155550124", "to": "+14155550123"}', "twice"),
    (in_json("messages.to"), '{"messages": [{"to": "+14155550123"}, {"text": "Hi"}]}', "item 2"),
    (in_json("messages.to"), '{"messages": "+14155550123"}', "a text"),
    (PLIVO, '{"dst": [["+14155550123"], {"to": "+14155550124"}]}', "an object"),
    (MESSAGEBIRD, '{"recipients": "14155550123", "groupIds": ["4f1c"]}', "groupIds"),
    (MESSAGEBIRD, '{"messages": [{"recipients": "14155550123", "groupIds": "4f1c"}]}', "groupIds"),
]


@pytest.mark.parametrize(("recipients", "body", "told"), UNKNOWN_SHAPES)
def test_a_shape_that_is_not_known_is_named_and_does_not_leave(
    left, recipients, body, told
) -> None:
    with pytest.raises(UnknownRecipients, match=told):
        session(Rule(), recipients).post(URL, data=body)
    assert left == []


def test_a_group_in_a_form_does_not_leave(left) -> None:
    form = {"recipients": "14155550123", "groupIds[]": "4f1c"}
    with pytest.raises(UnknownRecipients, match="groupIds"):
        session(Rule(), MESSAGEBIRD).post(URL, data=form)
    assert left == []


def test_another_separator_than_the_provider_takes_is_no_number(gate) -> None:
    adapter = GatedAdapter(gate, program="alerts", recipients=PLIVO)
    for dst in (f"{ALLOWED},{BLOCKED}", f"{ALLOWED};{BLOCKED}", f"{ALLOWED} {BLOCKED}"):
        request = requests.Request("POST", URL, json={"dst": dst}).prepare()
        with responses.RequestsMock(), pytest.raises(InvalidNumber):
            adapter.send(request)


def test_a_method_in_the_query_is_asked_about(left) -> None:
    with pytest.raises(UnknownRecipients):
        session(Rule(), MESSAGEBIRD).get(f"{URL}?_method=POST&recipients={BLOCKED[1:]}")
    assert left == []


def test_reading_is_not_asked_about_and_neither_are_other_addresses(left) -> None:
    rule = Rule()
    made = session(rule, in_json("to"))
    made.get(URL)
    made.delete(URL + "/1")
    made.post("https://api.example.com/v2/numbers", json={"to": BLOCKED})
    assert len(left) == 3
    assert rule.asked == []


def test_a_function_of_ones_own_may_say_that_a_request_texts_nobody(left) -> None:
    rule = Rule()

    def recipients(request):
        return () if request.url.endswith("/cancel") else in_json("to")(request)

    session(rule, recipients).post(URL + "/1/cancel")
    assert len(left) == 1
    assert rule.asked == []


def test_a_gate_that_cannot_tell_lets_nothing_leave(left) -> None:
    class Away:
        def require(self, numbers, *, program, by="") -> None:
            raise StoreUnavailable("the store is away")

    with pytest.raises(StoreUnavailable):
        session(Away(), in_json("to")).post(URL, json={"to": ALLOWED})
    assert left == []


def test_a_real_gate_stops_a_real_session_and_counts_it(gate, refusals) -> None:
    """``responses`` takes the place of every adapter, so this one is called by hand."""
    adapter = GatedAdapter(gate, program="alerts", recipients=in_json("to"))
    request = requests.Request("POST", URL, json={"to": [ALLOWED, BLOCKED]}).prepare()
    with responses.RequestsMock(), pytest.raises(Suppressed):
        adapter.send(request)
    assert [(one.number, one.by) for one in refusals.newest()] == [(masked(BLOCKED), "requests")]
