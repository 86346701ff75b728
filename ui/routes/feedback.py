"""/api/v1/feedback: replies that customers rated down, corrected or dismissed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from chatbot.app import App
from chatbot.feedback import MAX_NOTE, Complaint, State
from ui.routes.approved import shown as pair_shown
from ui.routes.paging import After, Limit, page, place
from ui.routes.staff_route import caller


class Correction(BaseModel):
    """What customers shall read from now on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"question": "Do you ship to Canada?", "answer": "Yes, in 7 days."}]
        },
    )

    question: str | None = Field(None, min_length=1, max_length=2_000)  # None: as it was asked
    answer: str = Field(min_length=1, max_length=20_000)
    collection: str = Field("", max_length=100)  # "": that of the reply's evidence


class Dismissal(BaseModel):
    """Why nothing is corrected."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"note": "The answer is right."}]}
    )

    note: str = Field(min_length=1, max_length=MAX_NOTE, pattern=r"\S")


def add(routes: APIRouter, app: App) -> None:
    """The routes."""
    feedback = app.feedback

    @routes.get("/feedback")
    def listed(state: State = "open", limit: Limit = 50, after: After = None) -> dict[str, Any]:
        """Replies that were rated down, the latest first."""
        found = feedback.listed(state, limit + 1, place(after, str))
        return page(found, limit, asdict, lambda c: c.created + c.reply_id)

    @routes.get("/feedback/{reply_id}")
    def one(reply_id: str) -> dict[str, Any]:
        """One of them, with the evidence of the reply."""
        return _with_evidence(app, feedback.find(reply_id))

    @routes.post("/feedback/{reply_id}/correct")
    def correct(reply_id: str, given: Correction, request: Request) -> dict[str, Any]:
        """Approve another answer: it counts from the next message on and is a golden case."""
        asked = given.question or feedback.find(reply_id).question
        by = caller(request).agent
        return pair_shown(feedback.correct(reply_id, asked, given.answer, by, given.collection))

    @routes.post("/feedback/{reply_id}/dismiss")
    def dismiss(reply_id: str, given: Dismissal, request: Request) -> dict[str, Any]:
        """Nothing is corrected."""
        feedback.dismiss(reply_id, given.note, caller(request).agent)
        return asdict(feedback.find(reply_id))


def _with_evidence(app: App, complaint: Complaint) -> dict[str, Any]:
    turns = app.store.turns(complaint.session_id)
    reply = next(t.reply for t in turns if t.reply and t.reply.id == complaint.reply_id)
    return asdict(complaint) | {"evidence": [asdict(c) for c in reply.citations]}
