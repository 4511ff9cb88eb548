"""Every door, asked well and badly: what it logs, counts, answers and keeps of strangers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest

from smsgate.api_keys import Caller
from smsgate.domain.errors import AccountNotReady
from smsgate.domain.messages import InboundMessage, WebhookRequest
from smsgate.features.links.operations import LinkRequest, make_link
from smsgate.interface.operation import Context
from smsgate.notifications import Message, send
from smsgate.providers import PROVIDERS
from smsgate.web import create_app
from tests.scan import canaries
from tests.scan.canaries import NUMBER, OTHER_NUMBER, STOP, TEXT, WRONG, Canaries
from tests.scan.conftest import PUBLIC_URL, secrets_of

ACCOUNTS = ("twilio", "kannel", *(f"at-{name.replace('_', '-')}" for name in sorted(PROVIDERS)))
KEY = {"Authorization": f"Bearer {canaries.API_KEY}"}


@pytest.fixture
def client(services, log):
    return create_app(services).test_client()


@pytest.fixture
def everywhere(services) -> Canaries:
    """Everything that is looked for: of all accounts, too."""
    return Canaries(one for each in services.settings.accounts.values() for one in secrets_of(each))


def assert_nothing(found: dict) -> None:
    assert {place: seen for place, seen in found.items() if seen} == {}


def genuine(services, name: str, text: str) -> WebhookRequest | None:
    """None where only the provider could make one."""
    account = services.settings.accounts[name]
    message = InboundMessage(
        name, f"m-{text[:4]}", NUMBER, "+14155550999", text, sent_us=time.time_ns() // 1000
    )
    url = f"{PUBLIC_URL}/webhooks/{name}"
    try:
        return PROVIDERS[account.provider].inbound(message, account, url)
    except AccountNotReady:
        return None


def forged(request: WebhookRequest) -> Iterator[WebhookRequest]:
    """The request as strangers, proxies and mistaken operators would send it."""
    bare = {"content-type": request.headers.get("content-type", "")}
    path = "/".join(urlsplit(request.url).path.split("/")[:3])
    origin = f"{PUBLIC_URL}{path}"
    query = f"From={quote(NUMBER)}&Body={quote(TEXT)}&secret={WRONG}"
    yield replace(request, url=origin, headers=bare)
    yield replace(request, body=request.body + b"&Body2=" + TEXT.encode())
    yield replace(request, url=f"{origin}/{WRONG}", headers=bare)
    yield replace(request, method="GET", url=f"{origin}?{query}", body=b"")
    yield replace(request, url=f"{origin}/{WRONG}/{NUMBER}?{query}")
    yield replace(request, body=json.dumps({"text": TEXT, "from": NUMBER}).encode())
    yield replace(request, headers={**request.headers, "authorization": f"Bearer {WRONG}"})
    yield replace(request, headers={**bare, f"x-{WRONG}": NUMBER, "x-signature": WRONG})
    yield replace(request, body=TEXT.encode() * 100_000)
    yield replace(
        request,
        method="OPTIONS",
        url=f"{origin}?{query}",
        headers={
            **bare,
            "webhook-request-origin": WRONG,
            "webhook-request-callback": f"https://x/{WRONG}",
        },
    )


def post(client, request: WebhookRequest):
    parts = urlsplit(request.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return client.open(
        target,
        method=request.method,
        data=request.body,
        headers={name: value for name, value in request.headers.items() if value},
        environ_overrides={"RAW_URI": target, "REMOTE_ADDR": "8.8.4.4"},
    )


def answered(client, request: WebhookRequest) -> bytes:
    """The whole answer."""
    answer = post(client, request)
    return answer.data + str(answer.headers).encode()


def settled(services) -> None:
    """Let everything be written that is written a moment later."""
    services.store.metrics.flush()


def kept(redis_client) -> str:
    """Every key, and of hashes and strings what is in them."""
    found = []
    for key in redis_client.scan_iter():
        kind = redis_client.type(key)
        value = {
            b"hash": redis_client.hgetall,
            b"string": redis_client.get,
            b"stream": redis_client.xrange,
            b"set": redis_client.smembers,
            b"zset": lambda name: redis_client.zrange(name, 0, -1),
            b"list": lambda name: redis_client.lrange(name, 0, -1),
        }[kind](key)
        found.append(f"{key!r} {value!r}")
    return "\n".join(found)


def test_genuine_webhooks_leave_nothing_in_logs_answers_and_metrics(
    services, client, log, everywhere
):
    found = {}
    for name in ACCOUNTS:
        for text in (STOP, TEXT, f"HELP {TEXT}"):
            request = genuine(services, name, text)
            if request is not None:
                found[name, text] = everywhere.in_(answered(client, request))
    assert len(found) > 3 * (len(ACCOUNTS) - 3)
    for partition in range(16):
        services.applier.drain(partition)
    settled(services)
    metrics = client.get("/metrics", headers=KEY)
    assert metrics.status_code == 200
    found["metrics"] = everywhere.in_(metrics.data)
    found["log"] = everywhere.in_(log())
    assert not re.search(r'"status":[345]', log())
    assert '"outcome":"opt_out"' in log()
    assert_nothing(found)


def test_what_is_refused_leaves_nothing_anywhere(services, client, log, everywhere, redis_client):
    found = {}
    for name in ACCOUNTS:
        request = genuine(services, name, STOP)
        if request is None:
            request = WebhookRequest("POST", f"{PUBLIC_URL}/webhooks/{name}", {}, STOP.encode())
        for place, one in enumerate(forged(request)):
            found[name, place] = everywhere.in_(answered(client, one))
    settled(services)
    found["log"] = everywhere.in_(log())
    assert log().count('"status":403') > 4 * len(ACCOUNTS)
    for name in ACCOUNTS:
        rows = redis_client.hgetall(f"smsgate:quarantined:{name}")
        assert rows, name
        found[name, "quarantine"] = everywhere.in_(str(rows))
    assert_nothing(found)


def test_strangers_leave_nothing_in_redis(services, client, log, everywhere, redis_client):
    for name in ("twilio", "at-telnyx"):
        unsigned = replace(genuine(services, name, STOP), headers={"content-type": "text/plain"})
        for one in forged(unsigned):
            assert post(client, one).status_code >= 400 or one.method == "OPTIONS"
    for path in (f"/o/{WRONG}", f"/webhooks/{WRONG}", f"/webhooks/{NUMBER}", f"/{NUMBER}/{WRONG}"):
        client.post(path, data=STOP, environ_overrides={"REMOTE_ADDR": "8.8.4.4"})
    client.get(f"/v1/numbers/{NUMBER}", headers={"Authorization": f"Bearer {WRONG}"})
    settled(services)
    assert everywhere.in_(kept(redis_client)) == []


STRANGE = [
    ("POST", f"/webhooks/{WRONG}"),
    ("POST", f"/webhooks/{NUMBER}"),
    ("POST", f"/webhooks/{canaries.PATH_SECRET}"),
    ("GET", f"/webhooks/kannel/{canaries.PATH_SECRET}/{canaries.PATH_SECRET}"),
    ("PUT", f"/webhooks/kannel/{canaries.PATH_SECRET}"),
    ("GET", f"/{WRONG}?key={canaries.API_KEY}"),
    ("GET", f"/o/{WRONG}"),
    ("POST", f"/o/{WRONG}"),
    ("GET", f"/metrics?key={canaries.METRICS_KEY}"),
    ("GET", f"/healthz?x={NUMBER}"),
    ("GET", f"/readyz?x={NUMBER}"),
    ("GET", f"/console/{WRONG}?number={NUMBER}"),
    ("POST", f"/console/login?name={NUMBER}"),
]


def test_a_path_that_is_wrong_is_neither_logged_nor_shown(client, log, everywhere):
    found = {}
    for method, path in STRANGE:
        answer = client.open(path, method=method, data={"Body": STOP, "password": WRONG})
        found[method, path] = everywhere.in_(answer.data)
    found["log"] = everywhere.in_(log())
    assert_nothing(found)


CALLS = [
    ("POST", "/v1/check", {"program": "alerts", "numbers": [NUMBER, TEXT, "12"]}),
    ("POST", "/v1/check", {"program": TEXT, "numbers": [NUMBER]}),
    ("POST", "/v1/check", {"program": NUMBER, "numbers": [NUMBER]}),
    ("POST", "/v1/check", {"program": "alerts", "numbers": {"x": NUMBER}}),
    ("POST", "/v1/check", [NUMBER]),
    ("GET", f"/v1/numbers/{NUMBER}", None),
    ("GET", f"/v1/numbers/{NUMBER}99999999", None),
    ("PUT", f"/v1/suppressions/all/{NUMBER}", {"reason": TEXT, "actor": "anna"}),
    ("PUT", f"/v1/suppressions/{TEXT}/{NUMBER}", {"reason": TEXT, "actor": "anna"}),
    ("DELETE", f"/v1/suppressions/all/{OTHER_NUMBER}", {"reason": TEXT, "actor": "anna"}),
    ("GET", f"/v1/events?after={NUMBER}", None),
    ("GET", "/v1/events", None),
    ("GET", "/v1/suppressions/all", None),
    ("GET", "/v1/suppressions/all?after=nowhere", None),
    ("POST", "/v1/consents", {"number": NUMBER, "program": "alerts", "words": TEXT}),
    ("GET", f"/v1/evidence/{NUMBER}", None),
    ("GET", f"/v1/nothing/{NUMBER}", None),
]


@pytest.mark.parametrize("key", [canaries.API_KEY, WRONG, ""])
def test_calls_of_the_api_leave_nothing_in_logs_and_no_secret_in_answers(
    client, log, everywhere, key
):
    found = {}
    for method, path, body in CALLS:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        answer = client.open(path, method=method, json=body, headers=headers)
        seen = everywhere.in_(answer.data)
        if key == canaries.API_KEY:  # who has it may see numbers and texts
            assert answer.status_code not in (401, 403, 500)
            seen = [one for one in seen if one.startswith("secret")]
        else:
            assert answer.status_code in (401, 404)
        found[method, path, str(body)] = seen
    found["log"] = everywhere.in_(log())
    assert_nothing(found)


@pytest.mark.parametrize("path", ["/v1/check", f"/v1/suppressions/all/{NUMBER}"])
def test_a_body_that_is_no_json_is_not_repeated(client, log, everywhere, path):
    method = "POST" if path.endswith("check") else "PUT"
    answer = client.open(path, method=method, data=f'{{"{TEXT}": {NUMBER}', headers=KEY)
    assert everywhere.in_(answer.data) == []
    assert everywhere.in_(log()) == []


def test_the_page_behind_a_link_shows_neither_number_nor_key(services, client, log, everywhere):
    asked = LinkRequest(NUMBER, "alerts")
    context = Context(Caller("tests", "admin"))
    link = make_link.run(context, asked, services.settings).link
    path = urlsplit(link).path
    asked = [client.get(path), client.post(path), client.post(path, data={"scope": TEXT})]
    asked.append(client.post(path, data={"List-Unsubscribe": "One-Click"}))
    asked += [client.get(f"{path[:-1]}A"), client.post(f"{path}x", data={"scope": "all"})]
    for answer in asked:
        assert everywhere.in_(answer.data + str(answer.headers).encode()) == []
    lines = log()
    assert "opt-out by link" in lines
    assert everywhere.in_(lines) == []
    assert path.rpartition("/")[2] not in lines


def test_a_fault_of_ours_shows_no_body_and_no_variables(
    services, client, log, everywhere, monkeypatch
):
    def fails(*_):
        raise ValueError(f"{NUMBER} wrote {TEXT} with {canaries.AUTH_TOKEN}")

    monkeypatch.setattr(services.ingest, "_store_arrivals", fails)
    answer = post(client, genuine(services, "twilio", STOP))
    assert answer.status_code == 500
    assert everywhere.in_(answer.data) == []
    assert "Traceback" in log()


def test_alerts_that_cannot_be_told_say_no_address_and_no_password(services, everywhere, log):
    for url in services.settings.alerts.to:
        problem = send(url, Message("test", "no action is needed"))
        assert problem
        assert everywhere.in_(problem) == []


def test_settings_and_accounts_show_nothing_where_they_are_printed(services, everywhere):
    for printed in (services.settings, *services.settings.accounts.values()):
        assert everywhere.in_(repr(printed)) == []
