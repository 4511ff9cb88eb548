"""Bodies are read before any view, whole or not at all."""

from __future__ import annotations

from io import BytesIO

import pytest
from flask import Flask, request
from werkzeug.test import TestResponse

from smsgate.domain.errors import SmsGateError
from smsgate.web import create_app, wsgi_request
from tests.fakes.services import FakeServices


class Trickle(BytesIO):
    """A stream that gives at most seven bytes at a time, as a slow connection may."""

    def readinto(self, buffer: bytearray) -> int:
        return super().readinto(memoryview(buffer)[:7])

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 7))


class Broken(BytesIO):
    """Raises in the middle, as servers do that report a body that broke off."""

    def read(self, size: int | None = -1) -> bytes:
        raise BlockingIOError

    readinto = read


@pytest.fixture
def app() -> Flask:
    """One that says what its views were given."""
    app = Flask(__name__)
    wsgi_request.read_bodies_first(app, streamed=["streamed"])
    app.register_error_handler(SmsGateError, lambda error: (str(error), error.status))

    @app.post("/form")
    def form() -> dict[str, str]:
        return dict(request.form)

    @app.post("/data")
    def data() -> bytes:
        return request.get_data()

    @app.post("/streamed")
    def streamed() -> str:
        request.max_content_length = 1_000_000
        return str(len(request.stream.read()))

    return app


def sent(app: Flask, path: str, body: BytesIO, length: int | None) -> TestResponse:
    """What came of a request as a server hands it over; in chunks without a length."""
    given = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_LENGTH": str(length or "")}
    if length is None:
        given["HTTP_TRANSFER_ENCODING"] = "chunked"
    kind = "application/x-www-form-urlencoded"
    return app.test_client().post(path, content_type=kind, environ_overrides=given)


@pytest.mark.parametrize("stream", [BytesIO, Trickle])
def test_a_view_is_given_the_whole_body(app: Flask, stream: type[BytesIO]) -> None:
    assert sent(app, "/form", stream(b"Body=Stop"), 9).json == {"Body": "Stop"}
    assert sent(app, "/data", stream(b"Body=Stop"), 9).data == b"Body=Stop"


@pytest.mark.parametrize("path", ["/form", "/data", "/streamed"])
def test_no_view_acts_on_a_body_that_broke_off(app: Flask, path: str) -> None:
    assert sent(app, path, BytesIO(b"Body=STOP"), 12).status_code == 400


def test_what_a_server_reports_of_a_body_is_no_failure_of_ours(app: Flask) -> None:
    answer = sent(app, "/data", Broken(b"Body=Sto"), 9)
    assert (answer.status_code, "broke off" in answer.text) == (400, True)


def test_no_more_is_read_than_was_announced(app: Flask) -> None:
    assert sent(app, "/data", BytesIO(b"Body=Stop"), 7).data == b"Body=St"


def test_a_streamed_body_has_the_views_own_limit_and_a_length(app: Flask) -> None:
    assert sent(app, "/streamed", BytesIO(b"a" * 70_000), 70_000).text == "70000"
    assert sent(app, "/streamed", BytesIO(b"a" * 70_000), None).status_code == 411


def test_the_application_reads_bodies_before_anything_else() -> None:
    hooks = create_app(FakeServices()).before_request_funcs
    assert hooks[None][0].__name__ == "read_whole_body"
