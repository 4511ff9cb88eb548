"""The guide for the team: what to do with a request, ten questions, and who passed them when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Flask, Response, render_template, request

from smsgate.errors import RecordsNotReady, RecordsUnavailable
from smsgate.features.training import ASKED, PASS_MARK, Training, the_guide
from smsgate.features.training.storage import Trainings
from smsgate.gateway import Gateway
from smsgate.lists.writing import csv_line
from smsgate.web.console.people import actor, door, needs

GUIDE = "/console/guide"
AT_ONCE = 100
"""Attempts on one page."""
_COLUMNS = ["who", "version", "when", "right", "asked", "passed"]


def register(console: Flask, gateway: Gateway) -> None:
    """Add the routes."""
    pages = Pages(Trainings(gateway.records.database))
    see, administer = needs("viewer"), needs("admin")
    console.get(GUIDE)(see(pages.guide))
    console.get(f"{GUIDE}/quiz")(see(pages.quiz))
    console.post(f"{GUIDE}/quiz")(see(pages.grade_quiz))
    console.get(f"{GUIDE}/trainings")(administer(pages.trainings))
    console.get(f"{GUIDE}/trainings.csv")(administer(pages.trainings_csv))


class Pages:
    """The guide, its quiz, and the record of trainings."""

    def __init__(self, trainings: Trainings) -> None:
        """Show the guide of this smsgate."""
        self._trainings = trainings
        self._training = Training(the_guide(), trainings)

    def guide(self) -> str:
        """The text, and whether its reader has passed."""
        passed_us, problem = 0, ""
        try:
            passed_us = self._training.passed_us(actor())
        except (RecordsUnavailable, RecordsNotReady) as error:
            problem = str(error)
        return render_template(
            "guide.html",
            guide=self._training.guide,
            passed_us=passed_us,
            problem=problem,
            mark=PASS_MARK,
            count=ASKED,
        )

    def quiz(self) -> str:
        """The questions."""
        quiz = self._training.quiz()
        return render_template("quiz.html", quiz=quiz, mark=PASS_MARK, count=ASKED)

    def grade_quiz(self) -> str:
        """What came of it, with the explanations; sent again, it is on record once."""
        given = {one.id: request.form.get(one.id, "") for one in self._training.guide.questions}
        graded = self._training.grade(actor(), request.form.get("attempt", ""), given)
        return render_template(
            "quiz_graded.html", graded=graded, guide=self._training.guide, mark=PASS_MARK
        )

    def trainings(self) -> str:
        """Who has passed, who has not, and every attempt."""
        rows = self._trainings.newest(_before(request.args.get("before", "")), AT_ONCE + 1)
        names = [one.name for one in door().people.all() if not one.ended_us]
        last = rows[AT_ONCE - 1] if len(rows) > AT_ONCE else None
        return render_template(
            "trainings.html",
            guide=self._training.guide,
            everybody=self._training.everybody(names),
            rows=rows[:AT_ONCE],
            older=f"{last.taken_us}-{last.id}" if last else "",
        )

    def trainings_csv(self) -> Response:
        """Every attempt, as a file."""
        answer = Response("".join(self._lines()), mimetype="text/csv")
        answer.headers["Content-Disposition"] = "attachment; filename=trainings.csv"
        return answer

    def _lines(self) -> Iterator[str]:
        yield csv_line(_COLUMNS)
        for row in self._trainings.all():
            when = datetime.fromtimestamp(row.taken_us // 1_000_000, UTC).isoformat()
            counts = [str(row.right_count), str(row.asked_count), "yes" if row.passed else "no"]
            yield csv_line([row.operator, row.version, when, *counts])


def _before(text: str) -> tuple[int, str] | None:
    taken_us, _, id_ = text.partition("-")
    return (int(taken_us), id_) if taken_us.isdecimal() and len(taken_us) < 19 else None
