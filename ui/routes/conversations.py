"""/api/v1/conversations: what was said, with the reasons behind each reply; and ratings."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from chatbot import conversations
from chatbot.app import App
from chatbot.conversations import Filter
from chatbot.errors import NotFound
from chatbot.states import State
from chatbot.store import Turn
from ui.routes.paging import After, Limit, page, place

Text = Annotated[str | None, Query(min_length=1, max_length=200)]


class Feedback(BaseModel):
    """A thumb up (1) or down (-1), on the customer's behalf."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"value": -1, "reason": "wrong"}]}
    )

    value: Literal[1, -1]
    reason: str = Field("", max_length=500)


def add(routes: APIRouter, app: App) -> None:
    """The routes."""

    @routes.get("/conversations")
    def conversations_(
        limit: Limit = 50,
        after: After = None,
        state: State | None = None,
        language: Text = None,
        channel: Text = None,
        since: datetime | None = None,
        until: datetime | None = None,
        rating: Literal["up", "down"] | None = None,
        text: Text = None,
    ) -> dict[str, Any]:
        """Conversations, the latest first. `since` and `until`: when they began, ISO 8601."""
        wanted = Filter(state, language, channel, _stamp(since), _stamp(until), rating, text)
        found = conversations.listed(app.database, wanted, limit + 1, place(after, int))
        return page(found, limit, _line, lambda c: c.last)

    @routes.get("/conversations/{conversation_id}")
    def conversation(conversation_id: str) -> dict[str, Any]:
        """One conversation with all its messages, notes among them."""
        found = conversations.head(app.database, conversation_id)
        if found is None:
            raise NotFound(f"There is no conversation {conversation_id!r}.")
        return {**found, "messages": [_message(t) for t in app.store.turns(conversation_id)]}

    @routes.post("/replies/{reply_id}/feedback")
    def feedback(reply_id: str, given: Feedback) -> dict[str, str]:
        """Rate a reply, for the customer whose program this is; the last rating counts."""
        visitor = conversations.visitor_of_reply(app.database, reply_id)
        if visitor is None:
            raise NotFound(f"There is no reply {reply_id!r}.")
        app.rate(reply_id, visitor, given.value, given.reason)
        return {"status": "stored"}


def _stamp(when: datetime | None) -> str | None:
    """As stored: UTC, milliseconds. A time without a zone is UTC."""
    if when is None:
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds")


def _line(found: conversations.Conversation) -> dict[str, Any]:
    return {name: value for name, value in asdict(found).items() if name != "last"}


def _message(turn: Turn) -> dict[str, Any]:
    message, reply = turn.message, turn.reply
    said = {
        "id": message.id,
        "role": message.role,
        "author": message.author or None,
        "text": message.text,
        "created": message.created,
    }
    if reply is None:
        return said
    return said | {
        "action": reply.action.value,
        "intent": {"name": reply.intent.name, "score": reply.intent.score},
        "confidence": reply.confidence,
        "reason": reply.reason.value if reply.reason else None,
        "engine": reply.engine,
        "adapter": reply.adapter,
        "citations": [asdict(c) for c in reply.citations],
        "trace": [asdict(step) for step in reply.trace],
        "rating": turn.rating or None,
        "rating_reason": turn.rating_reason or None,
    }
