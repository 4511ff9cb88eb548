"""A file comes in: straight to its place in the data directory, and nowhere else.

Every other form is parsed, in memory, before anybody asks who sent it, and may have 64 KiB. This
one is parsed once the operator is known and may upload, and its token is looked at then; what came
without a right one is removed.
"""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, request
from werkzeug.formparser import FormDataParser

from smsgate.domain.errors import Unfit
from smsgate.features.lists.arrival import Arrival
from smsgate.features.lists.errands import Errands
from smsgate.features.lists.folders import LIMIT
from smsgate.features.lists.values import Errand

_FIELD = 64 * 1024
"""Bytes of what may be in the form beside the file."""


def received(errands: Errands, operator: str) -> Errand:
    """Take the file of this request. Raises ``Unfit``."""
    if request.content_length is None:
        abort(411)
    with errands.arriving(operator, request.content_length - _FIELD) as arrival:
        request.max_content_length = LIMIT + _FIELD
        request.max_form_parts = 10
        request.form_data_parser_class = _into(arrival)
        current_app.extensions["csrf"].protect()
        file = request.files.get("file")
        if file is None or not file.filename:
            raise Unfit("Choose a file.")
        return arrival.keep(request.form.get("kind", ""), file.filename)


def _into(arrival: Arrival) -> type[FormDataParser]:
    """A parser that puts the one file of a form where it is to be."""

    class Into(FormDataParser):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as its parent
            super().__init__(*args, **kwargs)
            self.stream_factory = lambda *_, **__: arrival.file()

    return Into
