"""``smsgate text``: a subscriber at the terminal, against the real webhooks over loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from werkzeug.serving import make_server

from smsgate.domain.messages import WebhookRequest
from smsgate.process.configuration import load_configuration
from smsgate.process.published_programs import publish_programs
from smsgate.process.services import Services, build_services
from smsgate.store.keys import PARTITIONS
from smsgate.web import create_app
from tests.fakes.served import free_port

CONFIG = """
[accounts.twilio]
provider    = "twilio"
account_sid = "AC55555555555555555555555555555555"
auth_token  = "a-token-that-opens-nothing"

[accounts.aws]
provider          = "aws_sns"
topic_arn         = "arn:aws:sns:us-east-1:123456789012:inbound"
access_key_id     = "AKIAIOSFODNN7EXAMPLE"
secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

[accounts.unset]
provider    = "twilio"
account_sid = "${NOWHERE}"
auth_token  = "${NOWHERE}"

[programs.alerts]
name     = "Acme Alerts"
account  = "twilio"
senders  = ["*"]
keywords = ["en"]
confirm  = "always"

[programs.codes]
name     = "Acme Codes"
account  = "aws"
senders  = ["+12025550199"]
keywords = ["en"]
kind     = "service"
scope    = "program"
"""
NUMBER = "+14155550123"


@pytest.fixture
def url() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def environ(tmp_path, redis_url, url) -> dict[str, str]:
    (tmp_path / "smsgate.toml").write_text(CONFIG)
    return {
        "SMSGATE_CONFIG": str(tmp_path),
        "SMSGATE_DATA_DIR": str(tmp_path / "var"),
        "REDIS_URL": redis_url,
        "SMSGATE_PUBLIC_URL": url,
    }


@pytest.fixture
def simulated(environ, url) -> dict[str, str]:
    """What ``smsgate dev`` gives its processes, so that the reply comes back here."""
    more = {
        "SMSGATE_SIMULATOR_TOKEN": "a-token-of-the-simulator-in-tests",
        "SMSGATE_SIMULATOR_URL": f"{url}/simulator",
    }
    return {**environ, **more}


@pytest.fixture
def serve(url) -> Iterator[Callable[..., Services]]:
    """Serve an environment; what comes in is applied and answered at once."""
    servers, gateways = [], []

    def start(environ: dict[str, str], works: bool = True) -> Services:
        services = build_services(load_configuration(environ))
        gateways.append(services)
        services.store.metadata.create(buckets=8)
        publish_programs(services.settings, services.store)
        received = services.ingest.receive

        def receive(account: str, request: WebhookRequest):
            receipt = received(account, request)
            for partition in range(PARTITIONS) if works else ():
                services.applier.drain(partition)
                services.sender.drain(partition, 0)
            services.store.sample_log.flush()  # as a thread of the web process does
            return receipt

        services.ingest.receive = receive
        server = make_server("127.0.0.1", int(url.rpartition(":")[2]), create_app(services), True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        servers.append((server, thread))
        return services

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
    for services in gateways:
        services.close()


def test_a_stop_is_sent_confirmed_and_its_effect_shown(terminal, serve, simulated, url):
    serve(simulated)
    there = terminal(**simulated)
    assert there.run("text", "Stop, please", "--from", "(415) 555-0123") == 2
    assert there.run("text", "Stop, please", "--from", NUMBER) == 0
    # The door runs in this process, too, and its log stands between the lines.
    lines = [line for line in there.output.splitlines() if "[info" not in line]
    assert lines[0] == f"{NUMBER} → +12025550100  'Stop, please'"
    assert lines[1] == f"200 from {url}/webhooks/simulator"
    assert lines[2].startswith(f"+12025550100 → {NUMBER}  ")
    assert "unsubscribed" in lines[2]
    assert f"alerts may not text {NUMBER}: opted_out_all" in there.output
    assert f"codes may not text {NUMBER}" in there.output


def test_where_no_reply_is_due_it_says_why(terminal, serve, simulated):
    serve(simulated)
    there = terminal(**simulated)
    there.run("text", "STOP", "--from", NUMBER)
    assert there.run("text", "STOP", "--from", NUMBER, "--to", "+12025550199") == 0
    assert "Confirmation: " in there.output.partition("200 from")[2]
    assert "unsubscribed" not in there.output


def test_an_ordinary_text_is_waited_for_and_changes_nothing(terminal, serve, simulated):
    serve(simulated)
    there = terminal(**simulated)
    assert there.run("text", "thanks, that was fast") == 0
    assert "Inbox: ordinary text, kept for a limited time." in there.output
    assert f"alerts can text {NUMBER}." in there.output


def test_an_account_is_texted_by_its_own_signature(terminal, serve, environ, url):
    services = serve(environ)
    there = terminal(**environ)
    assert there.run("text", "STOP", "--account", "twilio") == 0
    assert f"200 from {url}/webhooks/twilio" in there.output
    assert services.gate.check([NUMBER], program="alerts")[0].reason == "opted_out_all"


def test_a_refusal_of_the_door_is_shown_and_1(terminal, serve, environ, tmp_path):
    serve(environ)
    other = tmp_path / "other"
    other.mkdir()
    (other / "smsgate.toml").write_text(CONFIG.replace("opens-nothing", "is-another", 1))
    there = terminal(**{**environ, "SMSGATE_CONFIG": str(other)})
    assert there.run("text", "STOP", "--account", "twilio") == 1
    assert "403 from" in there.output
    assert "X-Twilio-Signature is missing or does not fit" in there.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Say which account is texted: --account, one of: twilio, aws, unset"),
        (("--account", "nope"), "one of: twilio, aws, unset"),
        (("--account", "unset"), "has no secret to sign the webhook with"),
        (("--account", "aws"), "Only AWS itself can post"),
        (("--account", "twilio", "--from", "nobody"), "nobody"),
    ],
)
def test_what_cannot_be_texted_is_told_and_2(terminal, environ, arguments, said):
    there = terminal(**environ)
    assert there.run("text", "STOP", *arguments) == 2
    assert said in there.errors


def test_the_only_account_need_not_be_named_and_its_own_sender_is_texted(
    terminal, serve, environ, tmp_path
):
    alone = CONFIG[: CONFIG.index("[accounts.aws]")] + CONFIG[CONFIG.index("[programs.alerts]") :]
    alone = alone[: alone.index("[programs.codes]")].replace('["*"]', '["+12025550177"]')
    (tmp_path / "smsgate.toml").write_text(alone)
    serve(environ)
    there = terminal(**environ)
    assert there.run("text", "STOP") == 0
    assert f"{NUMBER} → +12025550177" in there.output


def test_without_an_address_nobody_is_texted(terminal, environ):
    there = terminal(**{**environ, "SMSGATE_PUBLIC_URL": ""})
    assert there.run("text", "STOP", "--account", "twilio") == 2
    assert "start `smsgate dev`, or say where smsgate is with --url" in there.errors
