"""/api/v1/runs: training runs, and which adapter and tagger serve."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from chatbot.app import App
from finetune.registry import Registry, Run, Task
from ui.routes.paging import After, Limit, behind, page

HIDDEN = ("card", "pid", "path")  # of a run, and not told


class Promotion(BaseModel):
    """`share` of the sessions, above 0 to 1; `force` with a `reason` also if it is no better."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"share": 0.1}]})

    share: float = Field(1.0, gt=0, le=1)
    force: bool = False
    reason: str = Field("", max_length=500)


def add(routes: APIRouter, app: App, home: Path) -> None:
    """The routes."""
    registry = Registry(app.database, home)

    @routes.get("/runs")
    def runs(limit: Limit = 50, after: After = None) -> dict[str, Any]:
        """Training runs by name; `serves` says whose adapter answers, whose tagger marks."""
        found = sorted(registry.list(), key=_name)
        return page(behind(found, _name, after, limit), limit, shown, _name)

    @routes.post("/runs/{name}/promote")
    def promote(name: str, given: Promotion | None = None) -> dict[str, Any]:
        """Let the adapter or tagger of a finished run serve from the next turn on."""
        wanted = given or Promotion.model_validate({})
        champion = registry.promote(name, wanted.share, force=wanted.force, reason=wanted.reason)
        return {"serves": champion.name, "share": champion.share}

    @routes.post("/runs/rollback")
    def rollback(task: Task = "dialogue") -> dict[str, Any]:
        """What served before serves again; `null` is the base model, or no tagger."""
        champion = registry.rollback(task)
        return {"serves": champion.name if champion else None}

    def shown(run: Run) -> dict[str, Any]:
        kept = {name: value for name, value in asdict(run).items() if name not in HIDDEN}
        return {**kept, "change": run.change, "serves": registry.serves(run)}


def _name(run: Run) -> str:
    return run.name
