"""The continual loop: from accepted lessons to a candidate that began as the champion.

The lessons alone would teach a model to forget the rest (McCloskey & Cohen 1989), so a share of
what the champion learnt from is replayed with them, and the weights are pulled back towards the
champion's (L2-SP, Li et al. 2018).
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import Any

from finetune.errors import DatasetError
from finetune.job import Job
from finetune.lessons import SOURCE, Lessons, replies_in
from finetune.registry import Registry
from finetune.transcripts.conversation import Conversation, Talk, Turn, conversation

SEED = 1


@dataclass(frozen=True, slots=True)
class Course:
    """What one run of the loop learns from; its texts are nowhere but in the run's own data."""

    conversations: tuple[Conversation, ...]
    lessons: int  # accepted replies
    replayed: int  # replies of the champion's own data
    champion: str  # name of the run that it begins with; "" begins with the base

    def table(self) -> dict[str, Any]:
        """The figures, ready for JSON."""
        return {"lessons": self.lessons, "replayed": self.replayed, "champion": self.champion}


def course(lessons: Lessons, registry: Registry, replay: float) -> Course:
    """What was accepted, and a share (0 to below 1) of all replies from the champion's data.

    Raises DatasetError when nothing is accepted.
    """
    if not 0 <= replay < 1:
        raise DatasetError(f"The share that is replayed must be 0 or above and below 1: {replay}.")
    new = lessons.conversations()
    count = replies_in(new)
    if not count:
        raise DatasetError("No lesson is accepted yet. `zhike learn list` shows what is proposed.")
    champion = registry.serving()
    old = (
        _replayed(registry, champion.name, round(count * replay / (1 - replay))) if champion else []
    )
    return Course((*new, *old), count, len(old), champion.name if champion else "")


def job_of(job: Job, lessons: Lessons, registry: Registry, replay: float) -> tuple[Job, Course]:
    """The job that learns what course() says, with the preset and models of `job`."""
    found = course(lessons, registry, replay)
    path = registry.show(found.champion).path if found.champion else None
    return replace(job, transcripts=(), lessons=True, replay=replay, start=path or ""), found


def _replayed(registry: Registry, name: str, wanted: int) -> list[Conversation]:
    """A random choice of the replies that a run learnt from, the same in every call."""
    path = registry.folder(name) / "dataset" / "train.jsonl"
    if not path.exists() or not wanted:
        return []
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    able = [row for row in rows if not row.get("abstains")]  # made anew from the others
    chosen = random.Random(SEED).sample(able, min(wanted, len(able)))
    return [_conversation(row) for row in chosen]


def _conversation(row: dict[str, Any]) -> Conversation:
    said = [Turn("customer" if role == "user" else "bot", text) for role, text in row["history"]]
    turns = [*said, Turn("customer", row["question"]), Turn("agent", row["reply"])]
    return conversation(Talk(row["conversation"], turns), SOURCE)
