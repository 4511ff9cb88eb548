"""Jasmin from the package index, with Debian's RabbitMQ, bound to an SMS centre by SMPP."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from smsgate.cli import redis_server
from smsgate.cli.process_groups import ProcessGroups
from tests.fakes.processes import wait_until
from tests.fakes.served import ROOT, free_port, is_open, open_tcp
from tests.gateways.conftest import SECRET, Site, make_site, program, required, running
from tests.gateways.journeys import (
    OPT_OUTS,
    OptOut,
    opts_out_and_in_again,
    opts_out_while_smsgate_is_away,
)

pytestmark = [pytest.mark.gateways, pytest.mark.timeout(240)]
ENVIRONMENT = ROOT / ".venv-jasmin"
"""Made by `make test-gateways`: Jasmin wants other versions of libraries than we do."""
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_ACCOUNT = """
provider = "jasmin"
secret   = "{secret}"
send_url = "http://127.0.0.1:{send_port}/send"
username = "smsgate"
password = "password"
"""
_JASMIN = """
[smpp-server]
bind = 127.0.0.1
port = {smpp_port}
[smpp-server-pb]
bind = 127.0.0.1
port = {pb_port}
[smpp-server-pb-client]
port = {pb_port}
[client-management]
bind = 127.0.0.1
port = {management_port}
store_path = {folder}
[router]
bind = 127.0.0.1
port = {router_port}
store_path = {folder}
[http-api]
bind = 127.0.0.1
port = {send_port}
access_log = {folder}/http-access.log
[jcli]
bind = 127.0.0.1
port = {jcli_port}
authentication = False
[amqp-broker]
port = {amqp_port}
spec = {spec}
[redis-client]
port = {redis_port}
[deliversm-thrower]
retry_delay = 1
max_retries = 60
"""
_JCLI = """
group -a
gid senders
ok
user -a
username smsgate
password password
gid senders
uid smsgate
ok
httpccm -a
cid smsgate
url http://127.0.0.1:{web_port}/webhooks/gateway/{secret}
method POST
ok
smppccm -a
cid centre
host 127.0.0.1
port {centre_port}
username smsgate
password password
bind transceiver
con_fail_delay 1
submit_throughput 0
ok
morouter -a
type DefaultRoute
connector http(smsgate)
ok
mtrouter -a
type DefaultRoute
connector smppc(centre)
rate 0.0
ok
smppccm -1 centre
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A telephone, a centre, Jasmin and smsgate."""
    python = ENVIRONMENT / "bin" / "python"
    required(str(python) if python.exists() else None, "Jasmin: `make test-gateways` does that")
    required(str(RABBITMQ) if RABBITMQ.exists() else None, "rabbitmq-server")
    folder = tmp_path_factory.mktemp("jasmin")
    send_port = free_port()
    made = make_site(folder, _ACCOUNT.format(secret=SECRET, send_port=send_port))
    with running(made, lambda stack: _start(stack, made, folder, send_port)):
        yield made


def _start(stack: ExitStack, site: Site, folder: Path, send_port: int) -> None:
    amqp_port, jcli_port = free_port(), free_port()
    stack.enter_context(program([RABBITMQ], folder / "rabbitmq.log", _rabbitmq(folder, amqp_port)))
    store = redis_server.start(folder / "redis", stack.enter_context(ProcessGroups()))
    open_tcp(store.url, redis_port := free_port())
    spec = next(ENVIRONMENT.glob("lib/*/site-packages/txamqp/specs/standard/amqp0-9-1*.xml"))
    config = folder / "jasmin.cfg"
    config.write_text(
        _JASMIN.format(
            smpp_port=free_port(),
            pb_port=free_port(),
            management_port=free_port(),
            router_port=free_port(),
            send_port=send_port,
            jcli_port=jcli_port,
            amqp_port=amqp_port,
            redis_port=redis_port,
            folder=folder,
            spec=spec,
        )
    )
    logs = {"ROOT_PATH": str(folder), "LOG_PATH": str(folder)}
    assert wait_until(lambda: is_open(amqp_port), 60), (folder / "rabbitmq.log").read_text()
    scripts = ENVIRONMENT / "bin"
    command = [scripts / "jasmind.py", "-c", config, "--username", "", "--password", ""]
    stack.enter_context(program(command, folder / "jasmind.log", logs))
    assert wait_until(lambda: is_open(jcli_port), 30), (folder / "jasmind.log").read_text()
    command = [scripts / "deliversmd.py", "-c", config]
    stack.enter_context(program(command, folder / "deliversmd.log", logs))
    thrower = folder / "deliversm-thrower.log"  # what came before it consumes would be lost
    assert wait_until(lambda: thrower.exists() and "Consuming from" in thrower.read_text())
    orders = _JCLI.format(web_port=site.dev.port, secret=SECRET, centre_port=site.centre.port)
    _order(jcli_port, orders)


def _rabbitmq(folder: Path, port: int) -> dict[str, str]:
    """A broker of its own, beside one that may run on this machine."""
    own = folder / "rabbitmq"
    own.mkdir()
    epmd, dist = free_port(), free_port()
    return {
        "HOME": str(own),
        "RABBITMQ_NODENAME": f"smsgate{os.getpid()}@localhost",
        "RABBITMQ_MNESIA_BASE": str(own),
        "RABBITMQ_LOG_BASE": str(own),
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(dist),
        "RABBITMQ_PID_FILE": str(own / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(own / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd),
    }


def _order(port: int, lines: str) -> None:
    """Type lines into Jasmin's console, each after the prompt of the one before."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as console:
        _read(console, b"Session ref:")
        for line in lines.strip().splitlines():
            console.sendall(f"{line}\r\n".encode())
            said = _read(console, b"jcli :", b">")
            assert "Error" not in said, said
            assert "Unknown" not in said, said


def _read(console: socket.socket, *ends: bytes) -> str:
    """What it says up to the end of a line that has one of these."""
    said = b""
    while not any(end in said[-20:] for end in ends):
        try:
            said += console.recv(4096)
        except TimeoutError:
            raise AssertionError(said) from None
    return said.decode("latin-1")


@pytest.mark.parametrize("given", OPT_OUTS, ids=lambda one: one.name)
def test_a_telephone_opts_out_and_in_again(site: Site, given: OptOut) -> None:
    opts_out_and_in_again(site, given)


def test_a_text_waits_at_jasmin_while_smsgate_is_away(site: Site) -> None:
    opts_out_while_smsgate_is_away(site)
