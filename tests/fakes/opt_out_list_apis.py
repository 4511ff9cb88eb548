"""The opt-out lists of Telnyx, Bird, AWS and Twilio, as their published schemas have them.

with BirdList() as api:
    …  # an account with api_url = api.url
    assert api.added == [("+14155550123", "+14155550999")]

Each refuses what its schema does not allow. None of the vendors' own servers was tried.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit

from smsgate.domain.signed_times import instant_us
from smsgate.providers.aws_sns.calls import aws_headers
from tests.fakes.loopback import LoopbackApi, QuietHandler

Answer = tuple[int, object]
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class ListApi(LoopbackApi):
    """A server on loopback; a subclass is one vendor's."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        """Method and path with query."""
        self.entries: list[dict[str, object]] = []
        """The list, as the vendor's JSON has them."""
        self.added: list[tuple[str, str]] = []
        """Number and sender of each opt-out that was added, in order, repeats too."""
        self.next_answers: list[tuple[int, Mapping[str, str]]] = []
        """Status and headers of the next answers, instead of what the calls ask for. Status 0
        breaks the connection off after the call was done."""
        api = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                api.calls.append(f"{self.command} {self.path}")
                status, headers = api.next_answers.pop(0) if api.next_answers else (200, {})
                content: object = {}
                if status in (0, 200):
                    given = {name.lower(): value for name, value in self.headers.items()}
                    found, content = api.answer(self.command, self.path, given, body)
                    if not status:
                        self.close_connection = True
                        return
                    status = found
                text = json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = _answer  # noqa: N815 - the names that the base class calls

        super().__init__(Handler)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Status and content."""
        raise NotImplementedError


class TelnyxList(ListApi):
    """developers.telnyx.com/api/messaging/list-opt-outs: it can only be read."""

    page_size = 100

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        if (method, parts.path) != ("GET", "/v2/messaging_optouts"):
            return 404, {}
        if headers.get("authorization") != "Bearer KEY123":
            return 401, {"errors": [{"code": "10009"}]}
        query = parse_qs(parts.query)
        number, size = int(query["page[number]"][0]), int(query["page[size]"][0])
        if number < 1 or not 1 <= size <= 250:
            return 400, {}
        size = min(size, self.page_size)
        total = -(-len(self.entries) // size)
        data = self.entries[(number - 1) * size : number * size]
        meta = {"total_pages": total, "page_number": number, "page_size": size}
        return 200, {"data": data, "meta": {**meta, "total_results": len(self.entries)}}

    def add(self, to: str, sender: str, created_at: str, profile: str | None = None) -> None:
        """An opt-out that a subscriber texted to Telnyx."""
        self.entries.append(
            {
                "to": to,
                "from": sender,
                "messaging_profile_id": profile,
                "keyword": "STOP",
                "created_at": created_at,
            }
        )


class BirdList(ListApi):
    """bird-sdk-python of August 2026: ``SMSSuppression``, ``SMSSuppressionCreate``."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        parts = urlsplit(path)
        if parts.path != "/v1/sms/suppressions":
            return 404, {}
        if headers.get("authorization") != "Bearer bk_us1_key":
            return 401, {"error": {"name": "unauthorized"}}
        if method == "GET":
            query = dict(parse_qsl(parts.query))
            at, size = int(query.get("starting_after", "0")), int(query["limit"])
            data = self.entries[at : at + size]
            more = str(at + size) if at + size < len(self.entries) else None
            return 200, {"data": data, "next_cursor": more, "prev_cursor": None}
        given = json.loads(body)
        if set(given) != {"destination", "originator"} or not _E164.fullmatch(given["destination"]):
            return 422, {"error": {"name": "invalid_request"}}
        self.added.append((given["destination"], given["originator"]))
        self.add(given["destination"], given["originator"], "2026-09-21T14:13:20Z", "api_key")
        return 201, self.entries[-1]

    def add(self, to: str, sender: str, at: str, origin: str = "keyword") -> None:
        """A suppression."""
        self.entries.append(
            {
                "id": f"ssu_{len(self.entries):026d}",
                "destination": to,
                "originator": sender,
                "reason": "manual" if origin == "api_key" else "keyword_stop",
                "origin": origin,
                "applies_to": "all",
                "blocking": True,
                "source_sms_id": None,
                "effective_at": at,
                "ended_at": None,
                "created_at": at,
                "last_asserted_at": at,
            }
        )


class AwsList(ListApi):
    """DescribeOptedOutNumbers and PutOptedOutNumber of pinpoint-sms-voice-v2."""

    key = ("AKIA0123456789ABCDEF", "a-secret-access-key-of-the-tests")

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        signed = {name: headers[name] for name in ("content-type", "x-amz-target")}
        at_us = instant_us(headers["x-amz-date"]) or 0
        made = aws_headers(f"{self.url}/", signed, body, self.key, "us-east-1/sms-voice", at_us)
        if made["authorization"] != headers.get("authorization"):
            return 400, {"__type": "InvalidSignatureException"}
        action = headers["x-amz-target"].removeprefix("PinpointSMSVoiceV2.")
        given = json.loads(body)
        if given.pop("OptOutListName") != "marketing":
            return 400, {"__type": "com.amazonaws.pinpoint.sms#ResourceNotFoundException"}
        if action == "DescribeOptedOutNumbers":
            at, size = int(given.get("NextToken", "0")), given["MaxResults"]
            if not 1 <= size <= 100:
                return 400, {"__type": "ValidationException"}
            answer = {
                "OptOutListName": "marketing",
                "OptedOutNumbers": self.entries[at : at + size],
            }
            more = {"NextToken": str(at + size)} if at + size < len(self.entries) else {}
            return 200, answer | more
        number = given["OptedOutNumber"]
        if action != "PutOptedOutNumber" or not _E164.fullmatch(number):
            return 400, {"__type": "ValidationException"}
        self.added.append((number, ""))
        self.add(number, 1_790_000_000.0, by_subscriber=False)
        return 200, {"OptOutListName": "marketing", "OptedOutNumber": number}

    def add(self, number: str, at_s: float, *, by_subscriber: bool = True) -> None:
        """An opted-out number."""
        self.entries.append(
            {
                "OptedOutNumber": number,
                "OptedOutTimestamp": at_s,
                "EndUserOptedOut": by_subscriber,
            }
        )


class TwilioConsents(ListApi):
    """twilio.com/docs/messaging/features/consent-api: it can only be added to."""

    sid = "AC" + "5" * 32

    def __init__(self) -> None:
        super().__init__()
        self.errors: dict[str, str] = {}
        """By number what is wrong with it; ``INTERNAL_SERVER_ERROR`` happens once."""
        self.items: list[dict[str, str]] = []

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if (method, path) != ("POST", "/v1/Consents/Bulk"):
            return 404, {}
        items = [json.loads(value) for name, value in parse_qsl(body.decode()) if name == "Items"]
        if not 1 <= len(items) <= 25:
            return 400, {"code": 20001}
        return 201, {"items": [self._upserted(one) for one in items]}

    def _upserted(self, item: dict[str, str]) -> dict[str, object]:
        number, sender = item["contact_id"], item["sender_id"]
        error = self.errors.get(number, "")
        if error == "INTERNAL_SERVER_ERROR":
            del self.errors[number]
        if not re.fullmatch(r"[0-9a-f]{32}", item["correlation_id"]):
            error = "INVALID_CORRELATION_ID"
        if not re.fullmatch(r"MG[0-9a-f]{32}|\+?[0-9]{5,15}", sender):
            error = "INVALID_SENDER_ID"
        if not _E164.fullmatch(number):
            error = "INVALID_CONTACT_ID"
        if item["status"] != "opt-out":
            error = "INVALID_STATUS"
        datetime.fromisoformat(item["date_of_consent"])
        if not error:
            self.items.append(item)
            self.added.append((number, sender))
        messages = [f"{error}: {number}"] if error else []
        code = 30646 if error else 0
        return {
            "correlation_id": item["correlation_id"],
            "error_code": code,
            "error_messages": messages,
        }
