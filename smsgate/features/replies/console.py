"""Replies: texts of ours, and messages for own applications, that wait or were given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask, flash, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Answer

from smsgate.domain.errors import NoSuchForward, NoSuchReply, ReplyExpired, StoreUnavailable
from smsgate.features.replies import service as dead_letters
from smsgate.gateway import Gateway
from smsgate.pipeline import undelivered_forwards
from smsgate.store.shelves import MOST, Shelf
from smsgate.web.console.auth import actor, needs

REPLIES = "/console/replies"
AT_ONCE = 50
SHELVES = {
    "": "Replies that wait",
    "dead": "Replies given up",
    "forwards": "Messages that wait",
    "forwards-dead": "Messages given up",
}
"""By the end of the path what is shown."""
GONE = "Nothing was changed: somebody else retried or dismissed it before you."
EXPIRED = (
    "Nothing was sent: this confirms an opt-out and its five minutes are over, so it can only be "
    "dismissed (47 CFR 64.1200(a)(12))."
)


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""
    pages = Pages(gateway)
    see, act = needs("viewer"), needs("agent")
    console.get(REPLIES, endpoint="replies")(see(pages.shelf))
    console.get(f"{REPLIES}/<name>", endpoint="replies_shelf")(see(pages.shelf))
    console.post(f"{REPLIES}/dead/<what>")(act(pages.settle_reply))
    console.post(f"{REPLIES}/forwards-dead/<what>")(act(pages.settle_forward))


class Pages:
    """A page for each shelf."""

    def __init__(self, gateway: Gateway) -> None:
        """Show what the store has."""
        self._gateway = gateway

    def shelf(self, name: str = "") -> str:
        """What stands on a shelf; where the store is away, that it is."""
        return self._shown(name)

    def _shown(self, name: str, wrong: str = "") -> str:
        """The page of a shelf. ``wrong``: why what was asked for was not done."""
        if name not in SHELVES:
            raise NotFound
        page = min(max(request.args.get("page", 1, int), 1), MOST // AT_ONCE)
        counted, problem, now_us = None, "", 0
        shelf: Shelf[Any] = Shelf(0, [])
        try:
            counted = self._gateway.store.shelves.counted()
            shelf = self._shelf(name)((page - 1) * AT_ONCE, AT_ONCE)
            now_us = self._gateway.store.health.now_us()
        except StoreUnavailable as error:
            problem = str(error)
        return render_template(
            "replies.html",
            name=name,
            shelves=SHELVES,
            counted=counted,
            shelf=shelf,
            problem=problem,
            wrong_action=wrong,
            is_expired=dead_letters.is_expired,
            now_us=now_us,
            page=page,
            last=-(-min(shelf.total, MOST) // AT_ONCE),
            most=MOST,
        )

    def settle_reply(self, what: str) -> Answer | tuple[str, int]:
        """Retry or dismiss a reply that was given up; where that cannot be, the page says so."""
        try:
            return self._settle_reply(what)
        except ReplyExpired as error:
            return self._shown("dead", EXPIRED), error.status
        except NoSuchReply as error:
            return self._shown("dead", GONE), error.status

    def settle_forward(self, what: str) -> Answer | tuple[str, int]:
        """Retry or dismiss a message for an application; where that cannot be, the page says so."""
        try:
            return self._settle_forward(what)
        except NoSuchForward as error:
            return self._shown("forwards-dead", GONE), error.status

    def _settle_reply(self, what: str) -> Answer:
        id_ = request.form.get("id", "")
        if what == "retry":
            self._gateway.retry_reply(id_, actor())
            flash("The reply is due again.", "good")
        elif what == "dismiss":
            self._gateway.dismiss_reply(id_, actor())
            flash("The reply is dismissed.", "good")
        else:
            raise NotFound
        return redirect(f"{REPLIES}/dead", 303)

    def _settle_forward(self, what: str) -> Answer:
        id_, store = request.form.get("id", ""), self._gateway.store
        if what == "retry":
            undelivered_forwards.retry(store, id_, actor())
            flash("The message is handed over again, for another day.", "good")
        elif what == "dismiss":
            undelivered_forwards.dismiss(store, id_, actor())
            flash("The message is dismissed.", "good")
        else:
            raise NotFound
        return redirect(f"{REPLIES}/forwards-dead", 303)

    def _shelf(self, name: str) -> Callable[[int, int], Shelf[Any]]:
        shelves = self._gateway.store.shelves
        found: dict[str, Callable[[int, int], Shelf[Any]]] = {
            "": shelves.replies,
            "dead": shelves.replies_dead,
            "forwards": shelves.forwards,
            "forwards-dead": shelves.forwards_dead,
        }
        return found[name]
