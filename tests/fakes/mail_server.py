"""A small SMTP server on loopback (RFC 5321) that keeps every message.

    with MailServer() as server:
        …  # server.port
    [message] = server.messages

``refusals``: by verb the answer to give instead, such as ``{"RCPT": b"550 no"}``.
"""

from __future__ import annotations

import socketserver
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self


@dataclass(frozen=True)
class Mail:
    """One message as it arrived."""

    to: tuple[str, ...]
    message: EmailMessage


@dataclass
class MailServer:
    """Serves until the end of the block."""

    refusals: dict[str, bytes] = field(default_factory=dict)
    messages: list[Mail] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        mail = self

        class Conversation(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                mail._converse(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Conversation)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _converse(self, client: socketserver.StreamRequestHandler) -> None:
        to: list[str] = []
        client.wfile.write(b"220 mail.test ESMTP\r\n")
        for line in client.rfile:
            verb = line.split()[0].decode().upper()
            if verb == "RCPT":
                to.append(line.decode().partition("<")[2].partition(">")[0])
            replies = {"DATA": b"354 go on", "QUIT": b"221 bye"}
            reply = self.refusals.get(verb) or replies.get(verb, b"250 ok")
            client.wfile.write(reply + b"\r\n")
            if reply.startswith(b"354"):
                raw = b"".join(iter(client.rfile.readline, b".\r\n"))
                message = message_from_bytes(raw, policy=policy.default)
                self.messages.append(Mail(tuple(to), message))
                client.wfile.write(b"250 kept\r\n")
            if verb == "QUIT":
                return
