"""/api/v1/handovers: customers who wait for a person, and what agents do."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from chatbot.app import App
from chatbot.handovers import MAX_TEXT, Line, Queue
from ui.routes.paging import MOST, Limit
from ui.routes.staff_route import caller


class Said(BaseModel):
    """What an agent writes: to the customer, or as a note for colleagues."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "I looked it up: it ships today."}]},
    )

    text: str = Field(min_length=1, max_length=MAX_TEXT, pattern=r"\S")
    note: bool = False


class Closed(BaseModel):
    """How a conversation ended."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"outcome": "solved"}]}
    )

    outcome: Literal["solved", "unsolved", "spam"]


def add(routes: APIRouter, app: App) -> None:
    """The routes. An agent is the account that owns the key, or the key itself."""

    @routes.get("/handovers")
    def handovers(request: Request, queue: Queue = "waiting", limit: Limit = 50) -> dict[str, Any]:
        """One of the queues: longest waiting first; of the others, the latest first."""
        lines = app.handovers.queue(queue, caller(request).agent, min(limit, MOST))
        return {"items": [_line(line) for line in lines], "next": None}

    @routes.post("/handovers/{conversation_id}/take")
    def take(conversation_id: str, request: Request) -> dict[str, Any]:
        """The conversation is this agent's; the assistant is silent."""
        app.handovers.take(conversation_id, caller(request).agent)
        return _stands(app, conversation_id)

    @routes.post("/handovers/{conversation_id}/messages", status_code=201)
    def message(conversation_id: str, said: Said, request: Request) -> dict[str, Any]:
        """Write to the customer, or a note; a waiting conversation is taken with a message."""
        agent, act = caller(request).agent, app.handovers.note if said.note else app.handovers.say
        written = act(conversation_id, agent, said.text)
        return {"message_id": written.id, "role": written.role, "created": written.created}

    @routes.post("/handovers/{conversation_id}/return")
    def give_back(conversation_id: str, request: Request) -> dict[str, Any]:
        """The assistant answers again."""
        app.handovers.give_back(conversation_id, caller(request).agent)
        return _stands(app, conversation_id)

    @routes.post("/handovers/{conversation_id}/close")
    def close(conversation_id: str, closed: Closed, request: Request) -> dict[str, Any]:
        """End the conversation with an outcome."""
        app.handovers.close(conversation_id, caller(request).agent, closed.outcome)
        return _stands(app, conversation_id)


def _stands(app: App, conversation_id: str) -> dict[str, Any]:
    line = app.handovers.line(conversation_id)
    assert line is not None  # the act before would have raised NotFound
    return _line(line)


def _line(line: Line) -> dict[str, Any]:
    return {
        "conversation_id": line.session_id,
        "state": line.state,
        "reason": line.reason.value,
        "agent": line.agent,
        "created": line.created,
        "closed": line.closed,
        "outcome": line.outcome,
        "language": line.language,
        "channel": line.channel,
    }
