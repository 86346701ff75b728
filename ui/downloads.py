"""Files that staff download from the desk."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from chatbot.app import App
from knowledge.pair_table import written


def router(app: App) -> APIRouter:
    """/desk/approved-answers.csv; the guard lets only staff in."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/desk/approved-answers.csv")
    def approved_answers() -> Response:
        pairs = [pair for pair in app.knowledge.approved.pairs() if pair.answers]
        return Response(
            written(pairs).encode("utf-8-sig"),  # Excel needs the mark
            media_type="text/csv; charset=utf-8",
            headers={"content-disposition": 'attachment; filename="approved-answers.csv"'},
        )

    return routes
