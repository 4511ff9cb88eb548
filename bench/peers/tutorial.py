"""The tutorial app: a Flask view, Twilio's validator in a decorator, one RQ job per message.

The decorator is the one of Twilio's guide to securing a Flask app by validating incoming
requests. The job is RQ's default in everything. The answer is a constant, which is kinder to it
than the guide's response builder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import redis
from flask import Flask, Response, abort, request
from rq import Queue
from twilio.request_validator import RequestValidator

P = ParamSpec("P")

EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


def validate_twilio_request(view: Callable[P, Response]) -> Callable[P, Response]:
    """Let a request through to the view only if Twilio signed it."""

    @wraps(view)
    def decorated(*args: P.args, **kwargs: P.kwargs) -> Response:
        validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])
        signature = request.headers.get("X-Twilio-Signature", "")
        if not validator.validate(request.url, request.form, signature):
            abort(403)
        return view(*args, **kwargs)

    return decorated


def create_app() -> Flask:
    """Return the application, with the queue that its environment names."""
    app = Flask(__name__)
    queue = Queue(connection=redis.from_url(os.environ["REDIS_URL"]))

    @app.post("/webhooks/twilio")
    @validate_twilio_request
    def incoming() -> Response:
        queue.enqueue(handle, request.form["From"], request.form["To"], request.form["Body"])
        return Response(EMPTY_TWIML, mimetype="text/xml")

    return app


def handle(number: str, sender: str, text: str) -> None:
    """Stand for what the worker would do; none runs while webhooks are measured."""
