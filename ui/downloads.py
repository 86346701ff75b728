"""Files that staff download from the desk."""

from __future__ import annotations

import csv
import io
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from chatbot.app import App
from chatbot.insights import Insights, insights
from knowledge.csv_cells import guarded
from knowledge.pair_table import written
from ui.pages.calibration_picture import csv_of

Chart = Literal["days", "actions", "ends", "reasons", "intents", "times", "gaps"]


def router(app: App) -> APIRouter:
    """/desk/approved-answers.csv, insights.csv, calibration.csv; the guard lets only staff in."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/desk/insights.csv")
    def figures(
        chart: Chart,
        days: Annotated[int, Query(ge=1, le=366)] = 30,
        language: Literal["", "en", "zh"] = "",
    ) -> Response:
        head, *rows = _figures(insights(app.database, days, language), chart)
        text = io.StringIO()
        csv.writer(text).writerows([head, *([guarded(str(cell)) for cell in row] for row in rows)])
        return _table(text.getvalue(), f"insights-{chart}.csv")

    @routes.get("/desk/calibration.csv")
    def calibration() -> Response:
        scorer = app.scorer
        return _table(csv_of(scorer.weights, scorer.answerable), "calibration.csv")

    @routes.get("/desk/approved-answers.csv")
    def approved_answers() -> Response:
        pairs = [pair for pair in app.knowledge.approved.pairs() if pair.answers]
        return _table(written(pairs), "approved-answers.csv")

    return routes


def _table(text: str, name: str) -> Response:
    return Response(
        text.encode("utf-8-sig"),  # Excel needs the mark
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _figures(found: Insights, chart: Chart) -> list[tuple[object, ...]]:
    """Head and rows of one picture."""
    if chart == "days":
        days = [(day.date, day.conversations, day.questions) for day in found.days]
        return [("date", "conversations", "questions"), *days]
    if chart == "times":
        times = [(t.step, t.p50, t.p95, t.count) for t in found.times]
        return [("step", "p50_ms", "p95_ms", "count"), *times]
    if chart == "gaps":
        gaps = [(gap.question, gap.count, gap.language, gap.session) for gap in found.gaps]
        return [("question", "count", "language", "newest_session"), *gaps]
    counts = {
        "actions": found.actions,
        "ends": found.ends,
        "reasons": found.reasons,
        "intents": found.intents,
    }
    return [(chart, "count"), *counts[chart].items()]
