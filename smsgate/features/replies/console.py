"""The page of replies, and of messages for own applications, that wait or were given up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, flash, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.consent import event_text
from smsgate.domain.errors import (
    NoSuchForward,
    NoSuchReply,
    RecordsNotReady,
    RecordsUnavailable,
    ReplyExpired,
    StoreUnavailable,
)
from smsgate.features.replies.service import dismiss_reply, is_expired, retry_reply
from smsgate.pipeline import forwards
from smsgate.pipeline.services import Services
from smsgate.store.backlog import MOST, BacklogPage
from smsgate.web.console.auth import actor, needs, record_action

REPLIES = "/console/replies"
PAGE_SIZE = 50
TABS = {
    "": "Pending replies",
    "dead": "Failed replies",
    "forwards": "Pending forwards",
    "forwards-dead": "Failed forwards",
}
"""Titles by the end of the path."""
_GONE = "Nothing was changed: someone else retried or dismissed it first."
_EXPIRED = (
    "Not sent: an opt-out confirmation older than five minutes can only be dismissed "
    "(47 CFR 64.1200(a)(12))."
)
_ACTIONS: dict[tuple[str, str], tuple[Callable[[Services, str, str], None], str]] = {
    ("dead", "retry"): (retry_reply, "Reply queued again."),
    ("dead", "dismiss"): (dismiss_reply, "Reply dismissed."),
    ("forwards-dead", "retry"): (
        lambda services, id_, by: forwards.retry(services.store, id_, by),
        "Forward queued again for another day.",
    ),
    ("forwards-dead", "dismiss"): (
        lambda services, id_, by: forwards.dismiss(services.store, id_, by),
        "Forward dismissed.",
    ),
}
"""By list and action what to call, and the sentence that follows."""


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    store = services.store

    @console.get(REPLIES, endpoint="replies")
    @console.get(f"{REPLIES}/<name>", endpoint="replies_shelf")
    @needs("viewer")
    def replies(name: str = "", failure: str = "") -> str:
        """Show one list. ``failure``: why a reply was not settled."""
        if name not in TABS:
            raise NotFound
        backlog = store.backlog
        reads: dict[str, Callable[[int, int], BacklogPage[Any]]] = {
            "": backlog.replies,
            "dead": backlog.replies_dead,
            "forwards": backlog.forwards,
            "forwards-dead": backlog.forwards_dead,
        }
        page = min(max(request.args.get("page", 1, int), 1), MOST // PAGE_SIZE)
        counted, problem, now_us = None, "", 0
        listing: BacklogPage[Any] = BacklogPage(0, [])
        try:
            counted = backlog.counts()
            listing = reads[name]((page - 1) * PAGE_SIZE, PAGE_SIZE)
            now_us = store.health.now_us()
        except StoreUnavailable as error:
            problem = str(error)
        return render_template(
            "replies.html",
            name=name,
            tabs=TABS,
            counted=counted,
            listing=listing,
            problem=problem,
            wrong_action=failure,
            is_expired=is_expired,
            event_text=event_text,
            now_us=now_us,
            page=page,
            last=-(-min(listing.total, MOST) // PAGE_SIZE),
            most=MOST,
        )

    @console.post(f"{REPLIES}/<name>/<action>")
    @needs("agent")
    def settle(name: str, action: str) -> Response | tuple[str, int]:
        """Retry or dismiss what was given up."""
        if (name, action) not in _ACTIONS:
            raise NotFound
        run, done = _ACTIONS[name, action]
        try:
            run(services, request.form.get("id", ""), actor())
        except (NoSuchReply, NoSuchForward, ReplyExpired) as error:
            failure = _EXPIRED if isinstance(error, ReplyExpired) else _GONE
            return replies(name, failure), error.status
        verb = "retried" if action == "retry" else "dismissed"
        what = "message" if name.startswith("forwards") else "reply"
        # While the records are away the ledger alone has it, with the name of who did it.
        with suppress(RecordsUnavailable, RecordsNotReady):
            record_action(f"{verb} a {what}", request.form.get("id", ""))
        flash(done, "good")
        return redirect(f"{REPLIES}/{name}", 303)
