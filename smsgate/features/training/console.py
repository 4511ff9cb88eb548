"""The pages of the guide: the text, its quiz, and who passed it when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Flask, Response, render_template, request

from smsgate.domain.errors import RecordsUnavailable
from smsgate.features.training.service import (
    PASS_MARK,
    QUESTION_COUNT,
    Training,
    shipped_guide,
)
from smsgate.features.training.storage import TrainingStorage
from smsgate.files import csv_line
from smsgate.pipeline.services import Services
from smsgate.web.console.auth import actor, console_auth, needs, record_action

GUIDE = "/console/guide"
PAGE_SIZE = 100


def register(console: Flask, services: Services) -> None:
    """Add the routes."""
    storage = TrainingStorage(services.records.database)
    training = Training(shipped_guide(), storage)

    @console.get(GUIDE)
    @needs("viewer")
    def guide() -> str:
        """Show the text, and whether its reader has passed the quiz."""
        passed_us, problem = 0, ""
        try:
            passed_us = training.passed_us([actor()])[actor()]
        except RecordsUnavailable as error:
            problem = str(error)
        return render_template(
            "guide.html",
            guide=training.guide,
            passed_us=passed_us,
            problem=problem,
            mark=PASS_MARK,
            count=QUESTION_COUNT,
        )

    @console.get(f"{GUIDE}/quiz")
    @needs("viewer")
    def quiz() -> str:
        """Show the questions."""
        return render_template(
            "quiz.html", quiz=training.new_quiz(), mark=PASS_MARK, count=QUESTION_COUNT
        )

    @console.post(f"{GUIDE}/quiz")
    @needs("viewer")
    def grade_quiz() -> str:
        """Show the result with the explanations; answers sent again are recorded once."""
        result = training.grade(actor(), request.form.get("attempt", ""), request.form)
        return render_template(
            "quiz_graded.html", graded=result, guide=training.guide, mark=PASS_MARK
        )

    @console.get(f"{GUIDE}/trainings")
    @needs("admin")
    def trainings() -> str:
        """Show who has passed, who has not, and every attempt."""
        taken_us, _, id_ = request.args.get("before", "").partition("-")
        known = taken_us.isdecimal() and len(taken_us) < 19
        rows = storage.newest((int(taken_us), id_) if known else None, PAGE_SIZE + 1)
        last = rows[PAGE_SIZE - 1] if len(rows) > PAGE_SIZE else None
        names = [one.name for one in console_auth().operators.all() if not one.ended_us]
        return render_template(
            "trainings.html",
            guide=training.guide,
            everybody=training.passed_us(names).items(),
            rows=rows[:PAGE_SIZE],
            older=f"{last.taken_us}-{last.id}" if last else "",
        )

    @console.get(f"{GUIDE}/trainings.csv")
    @needs("admin")
    def trainings_csv() -> Response:
        """Download every attempt."""
        record_action("exported trainings")
        return Response(
            _csv_lines(storage),
            mimetype="text/csv",
            headers={"Content-Disposition": "attachment; filename=trainings.csv"},
        )


def _csv_lines(storage: TrainingStorage) -> Iterator[str]:
    yield csv_line(["who", "version", "when", "right", "asked", "passed"])
    for row in storage.all():
        when = datetime.fromtimestamp(row.taken_us // 1_000_000, UTC).isoformat()
        counts = [str(row.right_count), str(row.asked_count), "yes" if row.passed else "no"]
        yield csv_line([row.operator, row.version, when, *counts])
