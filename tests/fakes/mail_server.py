"""A small SMTP server on loopback that keeps every message.

    with MailServer(users={"smsgate": "secret"}, certificate=made) as server:
        …  # server.port
    [message] = server.messages

It speaks what a submission server does (RFC 5321, 3207, 4954: EHLO, STARTTLS, AUTH PLAIN)
and plays ``refusals``: by verb the answer to give instead, such as ``{"RCPT": b"550 no"}``.
"""

from __future__ import annotations

import base64
import datetime
import socketserver
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Mail:
    """One message as it arrived."""

    sender: str
    to: tuple[str, ...]
    message: EmailMessage
    user: str
    encrypted: bool


@dataclass(frozen=True)
class Certificate:
    """One that signs itself, for ``localhost``, and who trusts it."""

    path: Path
    """Certificate and key."""

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.path))


def make_certificate(folder: Path, name: str = "localhost") -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(names)
        .issuer_name(names)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return Certificate(path)


@dataclass
class MailServer:
    """Serves until the end of the block."""

    users: Mapping[str, str] = field(default_factory=dict)
    """Passwords; with any, a message needs one of them."""
    certificate: Certificate | None = None
    at_once: bool = False
    """Whether TLS begins with the connection, instead of STARTTLS."""
    refusals: dict[str, bytes] = field(default_factory=dict)
    messages: list[Mail] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        mail = self

        class Handler(_Conversation):
            server_side = mail

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that breaks off is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def encrypted(self, connection: object) -> ssl.SSLSocket:
        assert self.certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate.path)
        return context.wrap_socket(connection, server_side=True)


class _Conversation(socketserver.StreamRequestHandler):
    server_side: MailServer

    def setup(self) -> None:
        self.tls = self.server_side.at_once
        if self.tls:
            self.request = self.server_side.encrypted(self.request)
        super().setup()
        self.user, self.sender, self.to = "", "", []

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def handle(self) -> None:
        self._say(b"220 mail.test ESMTP")
        while line := self.rfile.readline():
            verb, _, rest = line.strip().decode().partition(" ")
            refusal = self.server_side.refusals.get(verb.upper())
            if refusal is not None:
                self._say(refusal)
            elif not getattr(self, f"_{verb.lower()}")(rest):
                return

    def _say(self, line: bytes) -> bool:
        self.wfile.write(line + b"\r\n")
        return True

    def _ehlo(self, _: str) -> bool:
        lines = [b"250-mail.test"]
        if self.server_side.certificate and not self.tls:
            lines.append(b"250-STARTTLS")
        if self.server_side.users:
            lines.append(b"250-AUTH PLAIN")
        return self._say(b"\r\n".join([*lines, b"250 8BITMIME"]))

    def _starttls(self, _: str) -> bool:
        self._say(b"220 go ahead")
        self.request = self.server_side.encrypted(self.request)
        self.tls = True
        self.rfile = self.request.makefile("rb")
        self.wfile = self.request.makefile("wb", 0)
        return True

    def _auth(self, rest: str) -> bool:
        kind, _, given = rest.partition(" ")
        assert kind == "PLAIN"
        _, user, password = base64.b64decode(given).decode().split("\0")
        if self.server_side.users.get(user) != password:
            return self._say(f"535 wrong password for {user}: {password}".encode())
        self.user = user
        return self._say(b"235 welcome")

    def _mail(self, rest: str) -> bool:
        if self.server_side.users and not self.user:
            return self._say(b"530 sign in first")
        self.sender, self.to = _within(rest), []
        return self._say(b"250 ok")

    def _rcpt(self, rest: str) -> bool:
        self.to.append(_within(rest))
        return self._say(b"250 ok")

    def _data(self, _: str) -> bool:
        self._say(b"354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        mail = Mail(self.sender, tuple(self.to), message, self.user, self.tls)
        self.server_side.messages.append(mail)
        return self._say(b"250 kept")

    def _rset(self, _: str) -> bool:
        return self._say(b"250 ok")

    def _quit(self, _: str) -> bool:
        self._say(b"221 bye")
        return False


def _within(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]
