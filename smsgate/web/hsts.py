"""``Strict-Transport-Security`` (RFC 6797), where the public URL is https."""

from __future__ import annotations

from flask import Flask, Response

from smsgate.settings import Settings

YEAR_S = 365 * 24 * 3600


def register(app: Flask, settings: Settings) -> None:
    """Tell browsers to come to the public URL by https alone, if that is what it says.

    For its own host: whether others of the domain have TLS smsgate does not know.
    """
    if not settings.public_url.startswith("https://"):
        return

    @app.after_request
    def tell(answer: Response) -> Response:
        answer.headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
        return answer
