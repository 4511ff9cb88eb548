"""The tutorial app's twin in FastAPI: the same steps, an asynchronous view, Granian.

Validator and queue are the tutorial's and block the event loop for the time they take, as they
do in the examples that are about; a hop into a thread for each would cost more than it frees.
"""

from __future__ import annotations

import os

import redis
from fastapi import FastAPI, HTTPException, Request, Response
from rq import Queue
from twilio.request_validator import RequestValidator

from bench.peers.tutorial import EMPTY_TWIML, handle


def create_app() -> FastAPI:
    """Return the application, with the queue that its environment names."""
    app = FastAPI()
    queue = Queue(connection=redis.from_url(os.environ["REDIS_URL"]))
    validator = RequestValidator(os.environ["TWILIO_AUTH_TOKEN"])

    @app.post("/webhooks/twilio")
    async def incoming(request: Request) -> Response:
        form = await request.form()
        signature = request.headers.get("X-Twilio-Signature", "")
        if not validator.validate(str(request.url), form, signature):
            raise HTTPException(403)
        queue.enqueue(handle, form["From"], form["To"], form["Body"])
        return Response(EMPTY_TWIML, media_type="text/xml")

    return app
