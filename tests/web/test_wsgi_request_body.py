"""Bodies are read before any view, whole or not at all."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask import Flask, request
from werkzeug.test import EnvironBuilder, TestResponse

from smsgate.domain.errors import LengthMissing, SmsGateError, TooLarge, Unreadable
from smsgate.web import create_app, wsgi_request
from smsgate.web.wsgi_request import read_body
from tests.fakes.services import FakeServices


class Trickle(BytesIO):
    """A stream that gives at most seven bytes at a time, as a slow connection may."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 7))


def environ_with(body: BytesIO, **environ: Any) -> dict[str, Any]:
    """What gunicorn hands over."""
    made = EnvironBuilder("/webhooks/twilio", method="POST").get_environ()
    server = {"wsgi.input_terminated": True, "SERVER_SOFTWARE": "gunicorn/27.0.1"}
    return made | {"wsgi.input": body} | server | environ


@pytest.mark.parametrize("stream", [BytesIO, Trickle])
@pytest.mark.parametrize("length", [{}, {"CONTENT_LENGTH": "1024"}])
def test_a_body_of_the_limit_is_read_whole(stream: type[BytesIO], length: dict[str, str]) -> None:
    assert read_body(environ_with(stream(b"a" * 1024), **length), 1024) == b"a" * 1024


@pytest.mark.parametrize("stream", [BytesIO, Trickle])
@pytest.mark.parametrize("size", [1025, 100_000])
def test_a_chunked_body_over_the_limit_is_refused_and_not_read_to_its_end(
    stream: type[BytesIO], size: int
) -> None:
    body = stream(b"a" * size)
    with pytest.raises(TooLarge, match="over 1 KiB"):
        read_body(environ_with(body), 1024)
    assert body.tell() == 1025


@pytest.mark.parametrize("length", ["1025", "5000", "9" * 5000])
def test_an_announced_body_over_the_limit_is_not_read_at_all(length: str) -> None:
    body = BytesIO(b"a" * 5000)
    with pytest.raises(TooLarge):
        read_body(environ_with(body, CONTENT_LENGTH=length), 1024)
    assert body.tell() == 0


def test_no_more_is_read_than_was_announced() -> None:
    assert read_body(environ_with(BytesIO(b"Body=Stop"), CONTENT_LENGTH="7"), 1024) == b"Body=St"


def test_a_body_that_broke_off_is_not_taken_for_a_shorter_one() -> None:
    with pytest.raises(Unreadable, match="broke off"):
        read_body(environ_with(BytesIO(b"Body=Sto"), CONTENT_LENGTH="9"), 1024)


@pytest.mark.parametrize("length", ["-1", "x", "1.0", "+9", "٩"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    with pytest.raises(Unreadable, match="Content-Length"):
        read_body(environ_with(BytesIO(b"Body=Stop"), CONTENT_LENGTH=length), 1024)


@pytest.mark.parametrize("length", [{}, {"CONTENT_LENGTH": ""}])
@pytest.mark.parametrize("server", ["Granian", "waitress", "Werkzeug/3.1", ""])
def test_a_body_without_length_is_refused_where_it_could_break_off_unnoticed(
    length: dict[str, str], server: str
) -> None:
    body = BytesIO(b"Body=Stop")
    with pytest.raises(LengthMissing):
        read_body(environ_with(body, SERVER_SOFTWARE=server, **length), 1024)
    assert body.tell() == 0


def test_a_body_with_a_length_and_in_chunks_has_neither() -> None:
    body = BytesIO(b"Body=Stop")
    both = {"CONTENT_LENGTH": "4", "HTTP_TRANSFER_ENCODING": "chunked"}
    with pytest.raises(Unreadable, match="both"):
        read_body(environ_with(body, **both), 1024)


class Broken(BytesIO):
    """Raises in the middle, as servers do that report a body that broke off."""

    def read(self, size: int | None = -1) -> bytes:
        raise BlockingIOError


def test_what_a_server_reports_of_a_body_is_no_failure_of_ours() -> None:
    with pytest.raises(Unreadable, match="broke off"):
        read_body(environ_with(Broken(b"Body=Sto")), 1024)


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


def sent(app: Flask, path: str, body: bytes, length: int | None) -> TestResponse:
    server = {"wsgi.input_terminated": True, "SERVER_SOFTWARE": "gunicorn/27.0.1"}
    given = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(length or ""), **server}
    if length is None:
        given["HTTP_TRANSFER_ENCODING"] = "chunked"
    kind = "application/x-www-form-urlencoded"
    return app.test_client().post(path, content_type=kind, environ_overrides=given)


@pytest.mark.parametrize("length", [9, None])
def test_a_view_is_given_the_whole_body(app: Flask, length: int | None) -> None:
    assert sent(app, "/form", b"Body=Stop", length).json == {"Body": "Stop"}
    assert sent(app, "/data", b"Body=Stop", length).data == b"Body=Stop"


@pytest.mark.parametrize("path", ["/form", "/data", "/streamed"])
def test_no_view_acts_on_a_body_that_broke_off(app: Flask, path: str) -> None:
    assert sent(app, path, b"Body=STOP", 12).status_code == 400


@pytest.mark.parametrize("length", [70_000, None])
def test_a_view_that_said_no_limit_has_the_default(app: Flask, length: int | None) -> None:
    assert sent(app, "/data", b"a" * 70_000, length).status_code == 413


def test_a_streamed_body_has_the_views_own_limit_and_a_length(app: Flask) -> None:
    assert sent(app, "/streamed", b"a" * 70_000, 70_000).text == "70000"
    assert sent(app, "/streamed", b"a" * 70_000, None).status_code == 411


def test_the_application_reads_bodies_before_anything_else() -> None:
    hooks = create_app(FakeServices()).before_request_funcs
    assert hooks[None][0].__name__ == "read_whole_body"
