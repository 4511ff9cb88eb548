"""Calls that go to the public internet alone, whatever a name says."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

import smsgate.outbound
from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.outbound import Outbound, is_public

PRIVATE = """
127.0.0.1 10.1.1.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1
255.255.255.255 192.0.2.1 198.18.0.1 240.0.0.1 :: ::1 fe80::1%lo fd00::1 ff02::1
::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: 2001:db8::1
fec0::1 feff:ffff::1%eth0 fc00::1 3fff::1 5f00::1 100::1 64:ff9b:1::1 ::8.8.8.8 4000::1
"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_an_address_that_is_not_on_the_public_internet_is_known(address) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_an_address_on_the_public_internet_is_known(address) -> None:
    assert is_public(address)


@pytest.fixture
def listening():
    """A port of the loopback where somebody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(0.2)
        yield server


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.0.0.1.", "[::ffff:127.0.0.1]"]
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_not_even_a_connection_is_opened_to_a_private_address(listening, scheme, host) -> None:
    port = listening.getsockname()[1]
    with (
        closing(Outbound(public_only=True, by_proxy=False)) as outbound,
        pytest.raises(CallFailed) as failed,
    ):
        outbound.perform(HttpCall("POST", f"{scheme}://{host}:{port}/", body=b"x"))
    assert failed.value.left is False
    with pytest.raises(TimeoutError):
        listening.accept()


@pytest.mark.parametrize(
    ("answers", "called"),
    [
        # A name that gives a public address when asked, and a private one a moment later.
        ([["8.8.8.8"], ["127.0.0.1"]], ["8.8.8.8"]),
        # Of dozens of addresses a few are tried.
        ([[f"8.8.8.{n}" for n in range(50)]], ["8.8.8.0", "8.8.8.1", "8.8.8.2"]),
    ],
)
def test_a_name_is_resolved_once_and_a_few_of_its_addresses_are_called(
    monkeypatch, answers, called
) -> None:
    left = iter(answers)
    tried: list[str] = []
    really = socket.getaddrinfo

    def resolve(host: str, *more: object, **named: object) -> list[tuple[object, ...]]:
        if host != "strange.example":  # threads of other tests may still look for their Redis
            return really(host, *more, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in next(left)]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        tried.append(address[0])
        raise OSError("no way there from a test")

    monkeypatch.setattr(smsgate.outbound.socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with closing(Outbound(public_only=True, by_proxy=False)) as outbound, pytest.raises(CallFailed):
        outbound.perform(HttpCall("GET", "http://strange.example/"))
    assert tried == called


def test_the_machines_proxy_is_not_asked(monkeypatch, listening) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{listening.getsockname()[1]}")
    monkeypatch.setattr(smsgate.outbound, "is_public", lambda _: True)
    with (
        closing(Outbound(public_only=True, by_proxy=False, connect_s=0.2)) as outbound,
        pytest.raises(CallFailed),
    ):
        outbound.perform(HttpCall("GET", "http://127.0.0.1:1/"))
    with pytest.raises(TimeoutError):
        listening.accept()


@pytest.fixture
def tried(monkeypatch) -> list[str]:
    """Where connections are opened; ``gateway.example`` is a link-local address, and none is."""
    tried: list[str] = []
    really = socket.getaddrinfo

    def resolve(host: str, *more: object, **named: object) -> list[tuple[object, ...]]:
        if host != "gateway.example":
            return really(host, *more, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 0))]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        tried.append(address[0])
        raise OSError("no way there from a test")

    monkeypatch.setattr(smsgate.outbound.socket, "getaddrinfo", resolve)
    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    return tried


@pytest.mark.parametrize("allowed", [[], ["example", "gateway.example.com", "127.0.0.1"]])
@pytest.mark.parametrize("at", ["gateway.example", "127.0.0.1@gateway.example"])
def test_a_provider_that_is_not_on_the_public_internet_is_not_called(tried, allowed, at) -> None:
    with (
        closing(Outbound(public_only=True, private_hosts=allowed)) as outbound,
        pytest.raises(CallFailed) as failed,
    ):
        outbound.perform(HttpCall("POST", f"https://{at}:13013/sendsms", body=b"x"))
    assert (failed.value.left, tried) == (False, [])
    assert "name its host in SMSGATE_PRIVATE_HOSTS" in str(failed.value)


def test_a_gateway_of_the_operators_own_is_called(tried) -> None:
    with (
        closing(Outbound(public_only=True, private_hosts=["gateway.example"])) as outbound,
        pytest.raises(CallFailed),
    ):
        outbound.perform(HttpCall("POST", "http://Gateway.Example:13013/sendsms", body=b"x"))
    assert tried == ["gateway.example"]


def test_providers_are_called_by_the_machines_proxy(monkeypatch, tried) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with closing(Outbound(public_only=True)) as outbound, pytest.raises(CallFailed):
        outbound.perform(HttpCall("GET", "http://api.example/"))
    assert tried == ["proxy.example"]
