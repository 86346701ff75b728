"""/api/v1/webhooks: who is told of events, and what became of each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ui.routes.paging import After, Limit, page, place
from ui.routes.staff_route import caller
from ui.webhooks.addresses import LONGEST
from ui.webhooks.events import Event
from ui.webhooks.store import State, Webhook, Webhooks


class NewWebhook(BaseModel):
    """An address that is told of events."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"url": "https://shop.example/zhike", "events": ["handover.requested"]},
            ]
        },
    )

    url: str = Field(min_length=1, max_length=LONGEST)
    events: list[Event] = Field([], max_length=len(Event))  # none: all


def add(routes: APIRouter, webhooks: Webhooks, *, loopback: bool) -> None:
    """The routes. loopback: webhooks to this machine are allowed."""

    @routes.get("/webhooks")
    def listed() -> dict[str, Any]:
        """All webhooks, with what waits, was sent and was given up."""
        return {"items": [_shown(hook) for hook in webhooks.all()], "next": None}

    @routes.post("/webhooks", status_code=201)
    def new(given: NewWebhook, request: Request) -> dict[str, Any]:
        """Add an address; `secret`, with which it checks signatures, is shown this once."""
        by = caller(request).name
        hook, secret = webhooks.add(given.url, given.events, by, loopback=loopback)
        return _shown(hook) | {"secret": secret}

    @routes.delete("/webhooks/{webhook_id}", status_code=204)
    def remove(webhook_id: str, request: Request) -> Response:
        """Nothing more is sent there, not even what waits."""
        webhooks.remove(webhook_id, caller(request).name)
        return Response(status_code=204)

    @routes.post("/webhooks/{webhook_id}/test")
    def test(webhook_id: str) -> dict[str, Any]:
        """Send the event `webhook.test` now, once."""
        outcome = webhooks.test(webhook_id, loopback=loopback)
        return {"taken": outcome.taken, "status": outcome.status, "error": outcome.error}

    @routes.post("/webhooks/{webhook_id}/pause")
    def pause(webhook_id: str, request: Request) -> dict[str, Any]:
        """Send nothing there for now; what happens meanwhile waits."""
        webhooks.pause(webhook_id, caller(request).name, on=True)
        return _shown(webhooks.find(webhook_id))

    @routes.post("/webhooks/{webhook_id}/resume")
    def resume(webhook_id: str, request: Request) -> dict[str, Any]:
        """Send there again, first what waited."""
        webhooks.pause(webhook_id, caller(request).name, on=False)
        return _shown(webhooks.find(webhook_id))

    @routes.get("/webhooks/{webhook_id}/deliveries")
    def deliveries(
        webhook_id: str, state: State | None = None, limit: Limit = 50, after: After = None
    ) -> dict[str, Any]:
        """What was, will be or could not be sent there, the latest first."""
        found = webhooks.deliveries(webhook_id, state, limit + 1, place(after, int))
        return page(found, limit, lambda d: asdict(d[1]), lambda d: d[0])

    @routes.post("/webhooks/{webhook_id}/retry")
    def retry(webhook_id: str, request: Request) -> dict[str, int]:
        """Send again what was given up."""
        return {"retried": webhooks.retry(webhook_id, caller(request).name)}


def _shown(hook: Webhook) -> dict[str, Any]:
    return asdict(hook)
