"""The review desk: the next text, its conversation, and the queue behind it.

To decide or undo answers with the next text at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, flash, redirect, render_template, request, url_for
from werkzeug import Response

from smsgate import decision_text, event_text
from smsgate.domain.errors import NoSuchReview, ReviewChanged, Unfit
from smsgate.features.reviews.decisions import ReviewDecision
from smsgate.features.reviews.reader import fits_row, time_left
from smsgate.features.reviews.service import ConversationLine, ReviewService, read_conversation
from smsgate.interface.pages import url_query
from smsgate.web.console.auth import actor, needs
from smsgate.web.console.template_filters import ago, many, spaced

PAGE_SIZE = 25
MAX_DECIDED = 500
"""Texts that are decided at once."""
_LATELY_US = 7 * 24 * 3600 * 1_000_000
_LATELY, _LATELY_ALL = 10, 200
"""Decisions of the last days that are shown."""
_DONE = {"opt_out": "Opted out", "none": "Not an opt-out", "undo": "Undone"}
_MEANING = {"opt_out": "an opt-out", "none": "not an opt-out"}
Answer = Response | tuple[str, int]


@dataclass(frozen=True, slots=True)
class DeskMessage:
    """The outcome of the last action, shown above the desk."""

    sentence: str
    tone: str = "good"
    decision: ReviewDecision | None = None
    """One that can be undone, and made a keyword."""
    text: str = ""
    """The text that it was about."""


def register(console: Flask, service: ReviewService) -> None:
    """Add the routes."""
    desk = _Desk(service)
    agent = needs("agent")
    console.get("/console/review", endpoint="review")(needs("viewer")(desk.show))
    console.post("/console/review/decide", endpoint="decide_review")(agent(desk.decide))
    console.post("/console/review/bulk", endpoint="decide_reviews")(agent(desk.decide_selected))
    console.post("/console/review/undo", endpoint="undo_review")(agent(desk.undo))


class _Desk:
    def __init__(self, service: ReviewService) -> None:
        self._service, self._decisions = service, service.decisions
        self._reader = service.decisions.reader

    def show(self) -> Answer:
        """Show the text that is next, or the one that was asked for."""
        done = request.args.get("did", "")
        message = self._message_about(done) if done else None
        return self._page(message, show=request.args.get("show", ""))

    def decide(self) -> Answer:
        """Decide the text that was shown; it must be the newest of its number."""
        key, decided = request.form.get("key", ""), request.form.get("decided", "")
        if decided not in _MEANING:
            raise Unfit("Choose Opt out or Not an opt-out.")
        found = self._reader.find(key)
        if found is None:
            return self._too_late(key)
        try:
            made = self._service.decide(decided, found.number, found.program, actor(), key)
        except (NoSuchReview, ReviewChanged):
            return self._too_late(key)
        return self._answer(made)

    def decide_selected(self) -> Answer:
        """Decide the texts that were selected, all alike."""
        decided, keys = request.form.get("decided", ""), {*request.form.getlist("key")}
        if decided not in _MEANING:
            raise Unfit("Choose Opt out or Not an opt-out.")
        if not keys or len(keys) > MAX_DECIDED:
            raise Unfit(f"Select at least one text, and at most {MAX_DECIDED}.")
        some = [one for one in self._reader.waiting(keys) if fits_row(one)]
        count = len(self._service.decide_each(decided, some, actor())) if some else 0
        flash(f"Decided {many(count, 'text')}: {_MEANING[decided]}. You can undo each one below.")
        if count < len(keys):
            flash(
                f"{many(len(keys) - count, 'text')} left as they were: someone else decided them, "
                "or a newer text arrived.",
                "warn",
            )
        return redirect(_desk_url(), 303)

    def undo(self) -> Answer:
        """Take a decision back: its text waits again."""
        found = self._decisions.find(request.form.get("decision", ""))
        try:
            made = self._service.undo(found, actor())
        except (NoSuchReview, ReviewChanged) as error:
            message = DeskMessage(f"Nothing was undone: {error}.", "warn")
            return self._page(message, status=error.status)
        return self._answer(made)

    def _page(
        self, message: DeskMessage | None = None, *, show: str = "", status: int = 200
    ) -> tuple[str, int]:
        """Return the desk: for htmx what changes of it, else the whole page.

        ``show`` is the key of the text to show; the next one where it does not wait any more.
        """
        wanted, programs = _filters(), self._service.settings.programs
        number = min(max(request.args.get("page", 1, int), 1), 1_000_000)
        page = self._reader.page((number - 1) * PAGE_SIZE, PAGE_SIZE, **wanted)
        shown = self._reader.find(show) if show else None
        if show and shown is None and message is None:
            sentence = "That text is no longer in review: it was decided, or a newer one arrived."
            message = DeskMessage(sentence, "")
        shown = shown or page.first
        limit = _LATELY_ALL if "lately" in request.args else _LATELY
        lately = self._decisions.lately(_LATELY_US, limit)
        lines, problem = list[ConversationLine](), ""
        if shown:
            lines, problem = read_conversation(self._reader, shown)
        program = programs.get(shown.program) if shown else None
        keys = [one.key for one in page.reviews]
        behind = keys[keys.index(shown.key) + 1 :] if shown and shown.key in keys else keys
        part = request.headers.get("HX-Request")
        html = render_template(
            "part_desk.html" if part else "review.html",
            shown=shown,
            queue=page,
            wanted=wanted,
            later=next(iter(behind), ""),
            is_held=program is None or program.kind == "marketing" or program.scope == "all",
            fits_row=fits_row,
            time_left=time_left,
            is_all_selected=request.args.get("select") == "all",
            filters=url_query(wanted),
            query_with=lambda **changed: url_query({**request.args.to_dict(), **changed}),
            at=number,
            last=-(-page.total // PAGE_SIZE),
            message=message,
            lines=lines,
            problem=problem,
            lately=lately,
            undone={one.undoes for one in lately},
            texts=self._decisions.texts(lately),
            decided_words=_DONE,
            event_text=event_text,
            decision_text=decision_text,
            now_us=self._service.store.health.now_us(),
            programs=programs,
        )
        return html, status

    def _answer(self, key: str) -> Answer:
        """Answer an action: for htmx with the next text at once, else with its page."""
        if request.headers.get("HX-Request"):
            return self._page(self._message_about(key))
        return redirect(_desk_url(did=key), 303)

    def _message_about(self, key: str) -> DeskMessage | None:
        found = self._decisions.find(key)
        if found is None:
            return None
        number = spaced(found.entry.number)
        if found.decided != "undo":
            text = self._decisions.texts([found]).get(found.key, "")
            return DeskMessage(f"{_DONE[found.decided]}: {number}.", "good", found, text)
        sentence = f"Undone: {number} is back in review."
        if found.entry.action == "undo":
            sentence += " The opt-out is lifted, unless the number changed since."
        return DeskMessage(sentence)

    def _too_late(self, key: str) -> Answer:
        """Say who decided, or that there is a newer text, and show that one."""
        made = self._decisions.about(key)
        if made is not None:
            sentence = (
                f"{made.entry.actor} decided this {ago(made.at_us)}: "
                f"{_MEANING[made.decided]} ({spaced(made.entry.number)}). Nothing was changed."
            )
            text = self._decisions.texts([made]).get(made.key, "")
            return self._page(DeskMessage(sentence, "warn", made, text), status=409)
        newer = self._reader.newer(key)
        sentence = "That text is no longer in review. Nothing was changed."
        if newer:
            sentence = "A newer text from this number arrived. Read it too, then decide."
        return self._page(DeskMessage(sentence, "warn"), show=newer, status=409)


def _filters() -> dict[str, str]:
    """The filters in this page's address."""
    return {name: request.args.get(name, "")[:200] for name in ("program", "text")}


def _desk_url(**more: str) -> str:
    return f"{url_for('review')}?{url_query({**_filters(), **more})}"
