"""An SMS centre that a gateway binds to by SMPP 3.4, and the telephone behind it.

It sends what a telephone texts as ``deliver_sm`` in the data coding that it is given, and keeps
what arrives there by ``submit_sm``, parts joined, as the telephone would show it.
"""

from __future__ import annotations

import queue
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field

OURS = "14155550100"
GSM, UCS2 = 0, 8
BIND_RECEIVER, BIND_TRANSMITTER, SUBMIT, DELIVER = 1, 2, 4, 5
UNBIND, BIND_TRANSCEIVER, ENQUIRE_LINK = 6, 9, 0x15
RESPONSE = 0x80000000
UDH = 0x40
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""3GPP TS 23.038, 6.2.1: the letter of each code."""
EXTENDED = dict(zip("\f^{}\\[~]|€", b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", strict=True))
_ESCAPE = 0x1B


@dataclass
class SmsCentre:
    """Listens on a port of the loopback until it is closed."""

    port: int
    phone: str = ""
    """The number of the telephone that is used at the moment."""
    received: queue.Queue[tuple[str, int]] = field(default_factory=queue.Queue)
    """What the telephone got: the text, and how many segments it came in."""

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._bound = threading.Condition()
        self._connections: list[socket.socket] = []
        self._receivers: list[socket.socket] = []
        self._sequence = self._reference = 0
        self._parts: dict[int, dict[int, str]] = {}
        self._acknowledged: queue.Queue[int] = queue.Queue()
        threading.Thread(target=self._accept, daemon=True).start()

    def is_bound(self) -> bool:
        """Whether a gateway is there that takes texts."""
        return bool(self._receivers)

    def text(self, text: str, coding: int = GSM, *, parts: int = 1) -> None:
        """Text it from the telephone; returns when the gateway has acknowledged every part."""
        octets = gsm_octets(text) if coding == GSM else text.encode("utf-16-be")
        size = -(-len(octets) // parts)
        size += size % 2 if coding == UCS2 else 0
        self._reference = (self._reference + 1) % 256
        for number in range(parts):
            part = octets[number * size : (number + 1) * size]
            header = bytes([5, 0, 3, self._reference, parts, number + 1]) if parts > 1 else b""
            self._deliver(header + part, coding, UDH if header else 0)

    def close(self) -> None:
        """Hang up, and listen no more."""
        self._listener.close()
        for one in self._connections:
            with suppress(OSError):
                one.close()

    def _deliver(self, octets: bytes, coding: int, esm_class: int) -> None:
        self._sequence += 1
        body = b"\0" + _address(self.phone) + _address(OURS) + bytes([esm_class, 0, 0]) + b"\0\0"
        body += bytes([0, 0, coding, 0, len(octets)]) + octets
        self._receivers[-1].sendall(_pdu(DELIVER, self._sequence, body))
        status = self._acknowledged.get(timeout=30)
        assert status == 0, f"the gateway refused a text with status {status}"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            while head := stream.read(16):
                length, command, status, sequence = struct.unpack(">IIII", head)
                self._answer(connection, command, status, sequence, stream.read(length - 16))
        if connection in self._receivers:
            self._receivers.remove(connection)

    def _answer(
        self, connection: socket.socket, command: int, status: int, sequence: int, body: bytes
    ) -> None:
        if command in (BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER):
            connection.sendall(_pdu(command | RESPONSE, sequence, b"centre\0"))
            if command != BIND_TRANSMITTER:
                self._receivers.append(connection)
        elif command == SUBMIT:
            connection.sendall(_pdu(command | RESPONSE, sequence, b"id-%d\0" % sequence))
            self._receive(body)
        elif command in (UNBIND, ENQUIRE_LINK):
            connection.sendall(_pdu(command | RESPONSE, sequence))
        elif command == DELIVER | RESPONSE:
            self._acknowledged.put(status)

    def _receive(self, body: bytes) -> None:
        """Read the fields of a ``submit_sm`` (SMPP 3.4, 4.4.1)."""
        _, body = _text_field(body)  # service_type
        sender, body = _text_field(body[2:])
        number, body = _text_field(body[2:])
        assert number.lstrip("+") == self.phone, number
        assert sender.lstrip("+") == OURS, sender
        esm_class, body = body[0], body[3:]
        _, body = _text_field(body)  # schedule_delivery_time
        _, body = _text_field(body)  # validity_period
        coding, length = body[2], body[4]
        octets = body[5 : 5 + length]
        if not esm_class & UDH:
            self.received.put((_letters(octets, coding), 1))
            return
        header, octets = octets[1 : 1 + octets[0]], octets[1 + octets[0] :]
        reference, count, number_ = header[-3], header[-2], header[-1]
        parts = self._parts.setdefault(reference, {})
        parts[number_] = _letters(octets, coding)
        if len(parts) == count:
            whole = "".join(text for _, text in sorted(parts.items()))
            self.received.put((whole, count))
            del self._parts[reference]


def gsm_octets(text: str) -> bytes:
    """The text in the GSM alphabet, one octet a letter, as SMPP carries it unpacked."""
    octets = bytearray()
    for letter in text:
        if letter in BASIC:
            octets.append(BASIC.index(letter))
        else:
            octets += bytes([_ESCAPE, EXTENDED[letter]])
    return bytes(octets)


def _letters(octets: bytes, coding: int) -> str:
    if coding == UCS2:
        return octets.decode("utf-16-be")
    assert coding == GSM, f"a text came in data coding {coding}"
    extended = {code: letter for letter, code in EXTENDED.items()}
    letters, escaped = [], False
    for octet in octets:
        if octet == _ESCAPE:
            escaped = True
            continue
        letters.append(extended[octet] if escaped else BASIC[octet])
        escaped = False
    return "".join(letters)


def _pdu(command: int, sequence: int, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, 0, sequence) + body


def _address(number: str) -> bytes:
    return b"\1\1" + number.encode() + b"\0"


def _text_field(body: bytes) -> tuple[str, bytes]:
    text, _, rest = body.partition(b"\0")
    return text.decode("latin-1"), rest
