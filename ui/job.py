"""The job of a run, from the settings: the base that serves is the base that is tuned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetune.job import MODEL, Job
from ui.settings import Settings


def job_of(settings: Settings, transcripts: tuple[Path, ...] = (), **others: Any) -> Job:
    """`others`: fields of Job. Without `model` the one that serves, else the packaged one."""
    chatbot = settings.chatbot
    if not others.get("model"):
        served = chatbot.generator != "none"
        others["model"] = chatbot.generator if served else MODEL
        others["revision"] = chatbot.generator_revision if served else ""
    return Job(
        settings.home,
        settings.models,
        transcripts,
        finetune=settings.finetune,
        knowledge=settings.knowledge,
        **others,
    )
