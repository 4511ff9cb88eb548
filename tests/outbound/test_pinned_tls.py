"""TLS to an address that was checked: the certificate is that of the name."""

from __future__ import annotations

import datetime
import socket
import ssl
from contextlib import closing
from http.server import HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import smsgate.outbound
from smsgate.domain.errors import CallFailed
from smsgate.domain.messages import HttpCall
from smsgate.outbound import Outbound
from tests.fakes.loopback import QuietHandler, serving

ADDRESS = "127.0.0.2"


class Handler(QuietHandler):
    def do_GET(self) -> None:  # noqa: N802 - as http.server has it
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']} at {self.request.getsockname()[0]}".encode())


@pytest.fixture
def port(tmp_path, monkeypatch):
    """The port of a server with a certificate for gateway.example, which the caller trusts."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.example")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("gateway.example")]), False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = certificate.public_bytes(serialization.Encoding.PEM), tmp_path / "key.pem"
    (tmp_path / "certificate.pem").write_bytes(pem)
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", secret)
    server = HTTPServer((ADDRESS, 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with serving(server):
        yield server.server_port


@pytest.fixture
def outbound(monkeypatch):
    """Any ``.example`` is at the server's address when first asked for, and elsewhere later."""
    really, answers = socket.getaddrinfo, [[ADDRESS], []]

    def resolve(host: str, *more: object, **named: object) -> list[tuple[object, ...]]:
        if not host.endswith(".example"):
            return really(host, *more, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in answers.pop(0)]

    monkeypatch.setattr(smsgate.outbound.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(smsgate.outbound, "is_public", lambda address: address == ADDRESS)
    with closing(Outbound(public_only=True, by_proxy=False)) as made:
        yield made


@pytest.mark.parametrize("name", ["gateway.example", "gateway.example."])
def test_the_checked_address_is_called_by_its_name(outbound, port, name) -> None:
    response = outbound.perform(HttpCall("GET", f"https://{name}:{port}/"))
    assert response.body.decode() == f"gateway.example:{port} at {ADDRESS}"


def test_a_certificate_for_another_name_is_refused(outbound, port) -> None:
    with pytest.raises(CallFailed, match="No connection") as failed:
        outbound.perform(HttpCall("GET", f"https://other.example:{port}/"))
    assert failed.value.left is False
