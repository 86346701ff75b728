"""/api/v1/approved-answers: pairs that are given word for word."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from chatbot.app import App
from knowledge.pairs import Pair
from ui.routes.paging import After, Limit, behind, page

HIDDEN = ("key", "faq_id", "in_file")  # of a pair, and not told
Phrasings = Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=100)]


class NewPair(BaseModel):
    """A question and the answer that is approved for it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"question": "Do you ship on Sundays?", "answer": "No, Monday to Saturday.",
                 "phrasings": ["Is there delivery on Sunday?"]}
            ]
        },
    )  # fmt: skip

    question: str = Field(min_length=1, max_length=2_000)
    answer: str = Field(min_length=1, max_length=20_000)
    phrasings: Phrasings = []
    collection: str = Field("default", min_length=1, max_length=100)


class ChangedPair(BaseModel):
    """What is not given stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"answer": "Yes, from March on."}]}
    )

    question: str | None = Field(None, min_length=1, max_length=2_000)
    answer: str | None = Field(None, min_length=1, max_length=20_000)
    phrasings: Phrasings | None = None
    enabled: bool | None = None


def add(routes: APIRouter, app: App) -> None:
    """The routes."""
    approved = app.knowledge.approved

    @routes.get("/approved-answers")
    def pairs(
        limit: Limit = 50,
        after: After = None,
        collection: Annotated[str | None, Query(max_length=100)] = None,
    ) -> dict[str, Any]:
        """Approved answers, of files and by hand, by id."""
        found = sorted(approved.pairs(collection), key=_id)
        return page(behind(found, _id, after, limit), limit, shown, _id)

    @routes.post("/approved-answers", status_code=201)
    def new(given: NewPair, request: Request) -> dict[str, Any]:
        """Add a pair by hand; it answers from the next message on."""
        pair = approved.add(given.question, given.answer, given.phrasings, given.collection)
        return shown(pair)

    @routes.get("/approved-answers/{pair_id}")
    def pair(pair_id: str) -> dict[str, Any]:
        """One pair."""
        return shown(approved.find(pair_id))

    @routes.patch("/approved-answers/{pair_id}")
    def change(pair_id: str, given: ChangedPair) -> dict[str, Any]:
        """Another text, or switched on or off."""
        pair = approved.edit(pair_id, given.question, given.answer, given.phrasings)
        if given.enabled is not None:
            pair = approved.enable(pair_id, enabled=given.enabled)
        return shown(pair)

    @routes.delete("/approved-answers/{pair_id}", status_code=204)
    def remove(pair_id: str) -> Response:
        """Delete a pair; one of a file stays away when the file is added again."""
        approved.remove(pair_id)
        return Response(status_code=204)


def _id(pair: Pair) -> str:
    return pair.id


def shown(pair: Pair) -> dict[str, Any]:
    """The form of `zhike faq list --json`."""
    kept = {name: value for name, value in asdict(pair).items() if name not in HIDDEN}
    return {**kept, "answers": pair.answers}
