"""``/v1``, for the operator's own programs. Its operations stand in a table."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import msgspec
from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import BadRequest

from smsgate import features
from smsgate.pipeline.api_keys import Keyring, RateLimit
from smsgate.pipeline.services import Services
from smsgate.web.api_key_guard import ApiKeyGuard
from smsgate.web.app import bare_application
from smsgate.web.v1 import check, consents, openapi, suppressions
from smsgate.web.v1.operations import JSON, MAX_BODY_BYTES, Operation

OPERATIONS: tuple[Operation, ...] = tuple(
    operation
    for module in (check, suppressions, consents, *features.modules("api"))
    for operation in module.OPERATIONS
)
PREFIX = "/v1"
_NAME = "api"
_UNSUPPORTED = ("Idempotency-Key", "RateLimit")
"""Headers that a program sends to be protected by them; ignoring one would mislead it."""
STREAMED = tuple(f"{_NAME}.{one.name}" for one in OPERATIONS if one.takes_file)
"""Endpoints that read the body themselves."""


def create_api(services: Services, keys: ApiKeyGuard, keyring: Keyring) -> Flask:
    """Return the application of the first version. Every route of it wants a key of the ring."""
    settings = services.settings
    app = bare_application(settings, streamed=STREAMED)
    api = Blueprint(_NAME, __name__, url_prefix=PREFIX)
    limiting = RateLimit(services.store, settings.api.calls_per_second, settings.api.burst)

    @api.url_value_preprocessor
    def prepare(_: str | None, __: dict[str, object] | None) -> None:
        request.max_content_length = MAX_BODY_BYTES

    @api.before_request
    def authorise() -> None:
        """Refuse before anything else is looked at."""
        g.caller = keys.check("v1", request.environ, keyring.authenticate)
        limiting.count(g.caller.name)
        for name in _UNSUPPORTED:
            if name in request.headers:
                raise BadRequest(f"This API does not support {name}: leave the header out.")

    @api.get("/openapi.json")
    def described() -> Response:
        """Give the OpenAPI document; any key opens it."""
        return Response(_document(), content_type=JSON)

    for operation in OPERATIONS:
        api.add_url_rule(
            operation.path,
            operation.name,
            _answering(operation, services),
            methods=[operation.method],
        )
    app.register_blueprint(api)
    return app


@cache
def _document() -> bytes:
    # Made when first asked for: it takes longer than all the rest of an application.
    return msgspec.json.encode(openapi.document(OPERATIONS, PREFIX))


def _answering(operation: Operation, services: Services) -> Callable[..., Response]:
    def answer(**path: str) -> Response:
        return operation.answer(services, g.caller, request, path)

    return answer
