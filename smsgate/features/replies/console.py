"""The page of replies, and of messages for own applications, that wait or were given up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, flash, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smsgate.consent import event_text
from smsgate.consent.events import DeadLetter
from smsgate.domain.errors import (
    NoSuchForward,
    NoSuchReply,
    RecordsUnavailable,
    ReplyExpired,
    StoreUnavailable,
    Unfit,
)
from smsgate.domain.forwards import Forward, UndeliveredForward
from smsgate.domain.messages import Reply
from smsgate.features.replies.service import dismiss_reply, is_expired, retry_reply
from smsgate.pipeline import forwards
from smsgate.pipeline.conditions import reply_problems
from smsgate.pipeline.services import Services
from smsgate.store.backlog import MOST, BacklogPage
from smsgate.web.console.auth import actor, needs, record_action
from smsgate.web.console.listing import (
    EVERYTHING,
    WaitingFilter,
    query_with,
    waiting_filter,
    waiting_filter_query,
)
from smsgate.web.console.template_filters import many

REPLIES = "/console/replies"
PAGE_SIZE = 50
MAX_SELECTED = 200
"""Rows that are settled by one request: each takes a few round trips."""
_AGES = (1, 24, 72)
"""Hours of the filter by age."""
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
        wanted = waiting_filter(_AGES)
        languages: list[str] = []
        counted, problem, now_us = None, "", 0
        failing: list[str] = []
        listing: BacklogPage[Any] = BacklogPage(0, [])
        try:
            counted = backlog.counts()
            failing = reply_problems(backlog.read()) if counted.replies else []
            now_us = store.health.now_us()
            listing = _read(reads[name], wanted, page, now_us)
            shown = {_facts(one)[1] for _, one in listing.found}
            languages = sorted((shown | {wanted.language}) - {""})
        except StoreUnavailable as error:
            problem = str(error)
        return render_template(
            "replies.html",
            name=name,
            tabs=TABS,
            counted=counted,
            listing=listing,
            problem=problem,
            failing=failing,
            wrong_action=failure,
            is_expired=is_expired,
            event_text=event_text,
            now_us=now_us,
            page=page,
            last=-(-min(listing.total, MOST) // PAGE_SIZE),
            most=MOST,
            wanted=wanted,
            languages=languages,
            ages=_AGES,
            programs=services.settings.programs,
            query_with=query_with,
            filters=waiting_filter_query(),
            is_all_selected=request.args.get("select") == "all",
        )

    @console.post(f"{REPLIES}/<name>/<action>")
    @needs("agent")
    def settle(name: str, action: str) -> Response | tuple[str, int]:
        """Retry or dismiss what was given up: one, or several that were selected."""
        if (name, action) not in _ACTIONS:
            raise NotFound
        run, done = _ACTIONS[name, action]
        ids = [*dict.fromkeys(request.form.getlist("id"))]
        if "selected" in request.form:
            return _settle_selected(services, name, action, ids)
        try:
            run(services, request.form.get("id", ""), actor())
        except (NoSuchReply, NoSuchForward, ReplyExpired) as error:
            failure = _EXPIRED if isinstance(error, ReplyExpired) else _GONE
            return replies(name, failure), error.status
        verb = "retried" if action == "retry" else "dismissed"
        what = "message" if name.startswith("forwards") else "reply"
        # While the records are away the ledger alone has it, with the name of who did it.
        with suppress(RecordsUnavailable):
            record_action(f"{verb} a {what}", request.form.get("id", ""))
        flash(done, "good")
        return redirect(f"{REPLIES}/{name}", 303)


def _facts(one: object) -> tuple[str, str]:
    """The program and the language of a reply or a forward."""
    if isinstance(one, DeadLetter):
        one = one.reply
    if isinstance(one, Reply):
        return one.program, one.language
    if isinstance(one, UndeliveredForward):
        one = one.forward
    if isinstance(one, Forward):
        return one.entry.program, one.entry.decision.language
    return "", ""


def _settle_selected(services: Services, name: str, action: str, ids: list[str]) -> Response:
    """Retry or dismiss each that is still there; the page says how many were not."""
    if not ids or len(ids) > MAX_SELECTED:
        raise Unfit(f"Select at least one row, and at most {MAX_SELECTED}.")
    run, _ = _ACTIONS[name, action]
    verb = "retried" if action == "retry" else "dismissed"
    what = "message" if name.startswith("forwards") else "reply"
    settled, gone, expired = [], 0, 0
    for id_ in ids:
        try:
            run(services, id_, actor())
            settled.append(id_)
        except ReplyExpired:
            expired += 1
        except (NoSuchReply, NoSuchForward):
            gone += 1
    for id_ in settled:
        with suppress(RecordsUnavailable):
            record_action(f"{verb} a {what}", id_)
    flash(f"{verb.capitalize()} {many(len(settled), 'row')}.", "good")
    if expired:
        flash(f"{many(expired, 'opt-out confirmation')} can only be dismissed: too late.", "warn")
    if gone:
        flash(f"{many(gone, 'row')} left: someone else retried or dismissed them first.", "warn")
    return redirect(f"{REPLIES}/{name}?{waiting_filter_query()}", 303)


def _read(
    read: Callable[[int, int], BacklogPage[Any]], wanted: WaitingFilter, page: int, now_us: int
) -> BacklogPage[Any]:
    first = (page - 1) * PAGE_SIZE
    if wanted == EVERYTHING:
        return read(first, PAGE_SIZE)
    fitting = [
        (at_us, one)
        for at_us, one in read(0, MOST).found
        if wanted.fits(*_facts(one), now_us - at_us)
    ]
    return BacklogPage(len(fitting), fitting[first : first + PAGE_SIZE])
