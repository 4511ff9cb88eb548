"""What no webhook of ours can beat: an empty handler, and one that only reads and verifies.

Both are served as smsgate is, by Granian. The distance to the first is what Flask and
the server leave, the distance to the second is the price of understanding and storing.
"""

from __future__ import annotations

from flask import Flask, Response, abort, request

from bench.signed import ORIGIN, PATH, TOKEN
from smsgate.domain.signing import same
from smsgate.providers import PROVIDERS
from smsgate.providers.forms import form_pairs, sorted_form, twilio_signature

ACK = PROVIDERS["twilio"].ack


def empty() -> Flask:
    """Return an application that acknowledges whatever comes."""
    app = Flask(__name__, static_folder=None)

    @app.post(PATH)
    def receive() -> Response:
        return _acknowledged()

    return app


def reading() -> Flask:
    """Return one that reads the form and checks the signature with our own code, no more."""
    app = Flask(__name__, static_folder=None)

    @app.post(PATH)
    def receive() -> Response:
        pairs = form_pairs(request.get_data())
        expected = twilio_signature(ORIGIN + request.path, sorted_form(pairs), TOKEN, "sha1")
        if not same(request.headers.get("X-Twilio-Signature", ""), expected):
            abort(403)
        if {name.decode(): value.decode() for name, value in pairs}["Body"] == "":
            abort(400)
        return _acknowledged()

    return app


def _acknowledged() -> Response:
    return Response(ACK.body, ACK.status, content_type=ACK.content_type)
