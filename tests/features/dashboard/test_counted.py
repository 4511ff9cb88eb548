"""One opt-out's whole way, a forgery and a stranger, as ``/metrics`` tells them afterwards."""

from __future__ import annotations

import dataclasses

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from smsgate.domain.messages import WebhookRequest
from smsgate.store.keys import partition_of
from smsgate.web import create_app
from tests.fakes.values import NUMBER

SECRETS = (
    NUMBER,
    "4155550123",
    "a-token-of-the-tests",
    "a-key-that-is-long-enough-for-tests",
    "enough of this",
)

COUNTED = {
    ("webhook_requests_total", "twilio", "accepted"): 3,
    ("webhook_requests_total", "twilio", "signature_refused"): 1,
    ("webhook_requests_total", "", "unknown_account"): 1,
    ("messages_total", "twilio", "opt_out"): 1,
    ("messages_total", "twilio", "duplicate"): 1,
    ("messages_total", "twilio", "none"): 1,
    ("events_total", "twilio", "opt_out", "applied"): 1,
    ("replies_total", "twilio", "opt_out", "sent"): 1,
    ("provider_calls_total", "twilio", "sent"): 1,
    ("gate_answers_total", "alerts", "opted_out_all"): 1,
    ("inbox_entries",): 0,
    ("holds",): 0,
    ("outbox_replies",): 0,
    ("ledger_events",): 2,
}


def posted(client: FlaskClient, request: WebhookRequest, account: str = "twilio") -> int:
    headers = {name: value for name, value in request.headers.items() if name != "host"}
    answer = client.post(f"/webhooks/{account}", data=request.body, headers=headers)
    return answer.status_code


def told(client: FlaskClient) -> tuple[str, dict[tuple[str, ...], float]]:
    """What ``/metrics`` says, whole, and each sample by its name and the values of its labels."""
    answer = client.get(
        "/metrics", headers={"Authorization": "Bearer a-key-that-is-long-enough-for-tests"}
    )
    assert answer.status_code == 200
    samples = {
        (one.name.removeprefix("smsgate_"), *one.labels.values()): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }
    return answer.text, samples


def test_a_message_is_counted_and_timed_at_every_step(services, signed, api):
    client = create_app(services).test_client()
    stop = signed("STOP", message_id="SM" + "1" * 32)
    assert [posted(client, stop), posted(client, stop)] == [200, 200]
    forged = dataclasses.replace(stop, body=stop.body + b"&Body=enough+of+this")
    assert posted(client, forged) == 403
    assert posted(client, stop, "5551234567") == 404
    assert posted(client, signed("see you at eight", "+14155550177")) == 200

    services.store.metrics.flush()
    _, before = told(client)
    assert before["inbox_entries",] == 1
    assert before["holds",] == 1
    services.applier.work(partition_of(NUMBER))
    services.sender.drain(partition_of(NUMBER))
    assert not services.gate.allows(NUMBER, program="alerts")
    services.store.metrics.flush()
    text, after = told(client)

    assert {key: after[key] for key in COUNTED} == COUNTED
    for name, times in (("stored", 3), ("applied", 1), ("confirmed", 1), ("provider_call", 1)):
        assert after[f"{name}_seconds_count", "twilio"] == times
        assert after[f"{name}_seconds_bucket", "twilio", "+Inf"] == times
        assert 0 <= after[f"{name}_seconds_sum", "twilio"] < 60
    assert not any(secret in text for secret in SECRETS)
