"""The continual loop: from accepted lessons to a candidate that began as the champion.

The lessons alone would teach a model to forget the rest (McCloskey & Cohen 1989), so a share of
what the champion learnt from is replayed with them, and the weights are pulled back towards the
champion's (L2-SP, Li et al. 2018).
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.errors import DatasetError
from finetune.job import Job
from finetune.lessons import Lessons, pairs_in
from finetune.registry import Registry

SEED = 1
FOLDER = "lessons"  # under <home>/runs: what the next run learns from


@dataclass(frozen=True, slots=True)
class Course:
    """What one run of the loop learns from."""

    lessons: int  # accepted replies
    replayed: int  # replies of the champion's own data
    champion: str  # name of the run that it begins with; "" begins with the base


def job_of(job: Job, lessons: Lessons, registry: Registry, replay: float) -> tuple[Job, Course]:
    """The job that learns what was accepted; `job` gives home, models and preset.

    replay: share (0 to below 1) of all replies that come from the champion's data. The transcripts
    are written under the home's runs, and read by the run from there. Raises DatasetError when
    nothing is accepted.
    """
    if not 0 <= replay < 1:
        raise DatasetError(f"The share that is replayed must be 0 or above and below 1: {replay}.")
    rows = lessons.conversations()
    new = pairs_in(rows)
    if not new:
        raise DatasetError("No lesson is accepted yet. `zhike learn list` shows what is proposed.")
    champion = registry.serving()
    run = registry.show(champion.name) if champion else None
    old = _replayed(registry.folder(run.name), round(new * replay / (1 - replay))) if run else []
    file = registry.folder(FOLDER) / "transcripts.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False) for row in (*rows, *old))
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    course = Course(new, len(old), run.name if run else "")
    return (
        Job(
            home=job.home,
            models=job.models,
            transcripts=(file,),
            preset=job.preset,
            name=job.name,
            model=job.model,
            revision=job.revision,
            all_languages=job.all_languages,
            finetune=job.finetune,
            knowledge=job.knowledge,
            start=run.path or "" if run else "",
        ),
        course,
    )


def _replayed(folder: Path, wanted: int) -> list[dict[str, Any]]:
    """A random choice of the replies that a run learnt from, the same in every call."""
    path = folder / "dataset" / "train.jsonl"
    if not path.exists() or not wanted:
        return []
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    able = [row for row in rows if not row.get("abstains")]  # made anew from the others
    chosen = random.Random(SEED).sample(able, min(wanted, len(able)))
    return [_conversation(row) for row in chosen]


def _conversation(row: dict[str, Any]) -> dict[str, Any]:
    history: Sequence[tuple[str, str]] = row["history"]
    said = [("user" if role == "user" else "bot", text) for role, text in history]
    messages = [*said, ("user", row["question"]), ("agent", row["reply"])]
    return {
        "id": row["conversation"],
        "messages": [{"role": role, "content": text} for role, text in messages],
    }
