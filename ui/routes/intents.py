"""/api/v1/intents: what customers want, and examples of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from chatbot.app import App
from chatbot.intents.store import Definition
from ui.routes.paging import After, Limit, behind, page


class Examples(BaseModel):
    """Texts as customers write them. `also`: even if one belongs to another intent as well."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"texts": ["where is my parcel?"]}]}
    )

    texts: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=2_000)]],
        Field(min_length=1, max_length=200),
    ]
    also: bool = False


def add(routes: APIRouter, app: App) -> None:
    """The routes. A running server learns every change by itself."""
    store = app.assistant.intents.store

    @routes.get("/intents")
    def intents(limit: Limit = 50, after: After = None) -> dict[str, Any]:
        """The intents by name, with all their examples."""
        return page(behind(store.all(), _name, after, limit), limit, _shown, _name)

    @routes.post("/intents/{name}/examples", status_code=201)
    def examples(name: str, given: Examples) -> dict[str, Any]:
        """Add examples; none is added if one is not acceptable."""
        added = store.add_examples(name, given.texts, also=given.also)
        return {"intent": name, "added": added}


def _name(definition: Definition) -> str:
    return definition.name


def _shown(definition: Definition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "description": definition.description,
        "route": definition.route,
        "answer": definition.answer,
        "examples": list(definition.examples),
    }
