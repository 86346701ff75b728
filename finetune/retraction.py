"""Taking a conversation back: its texts leave the data of every run, and the runs are marked.

What a model has learnt cannot be taken out of its weights; who decides whether it may go on serving
must see it, so `promote` refuses a marked run and `runs list` names it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.lessons import PREFIX, Lessons
from finetune.registry import Registry

FILES = ("train", "held_out", "unanswerable", "dropped", "rejected")


@dataclass(frozen=True, slots=True)
class Retracted:
    """What taking back did."""

    lessons: int
    runs: tuple[str, ...]  # that learnt from it, newest first
    serving: bool  # one of them is promoted


def retract(lessons: Lessons, registry: Registry, conversation: str, by: str) -> Retracted:
    """Take a conversation back, of our own (id of its session) or of an imported file."""
    sessions = {conversation, f"{PREFIX}{conversation}"}
    taken = lessons.retract(conversation, by)
    runs = forget(registry, sessions)
    champion = registry.serving()
    return Retracted(taken, runs, champion is not None and champion.name in runs)


def forget(registry: Registry, conversations: Iterable[str]) -> tuple[str, ...]:
    """Remove these conversations from the data that runs keep; mark and return the runs."""
    ids = frozenset(conversations)
    marked = []
    for run in registry.list():
        folder = registry.folder(run.name) / "dataset"
        removed = [_without(folder / f"{name}.jsonl", ids) for name in FILES]
        seen = set().union(*(found for found, _ in removed))
        if not seen:
            continue
        questions = {question for _, found in removed for question in found}
        registry.mark_retracted(run.name, sorted(seen), questions)
        marked.append(run.name)
    return tuple(marked)


def forget_sessions(registry: Registry, sessions: Sequence[str]) -> tuple[str, ...]:
    """The same for erased conversations of our own."""
    return forget(registry, [f"{PREFIX}{session}" for session in sessions])


def _without(path: Path, ids: frozenset[str]) -> tuple[set[str], set[str]]:
    """Rewrite the file without rows of these conversations; their ids and questions."""
    if not path.exists():
        return set(), set()
    kept, gone, questions = [], set(), set()
    for line in path.read_text("utf-8").splitlines():
        row: dict[str, Any] = json.loads(line)
        if row.get("conversation") in ids:
            gone.add(str(row["conversation"]))
            questions.add(str(row.get("question", "")))
        else:
            kept.append(line)
    if gone:
        part = path.with_name(f"{path.name}.part")
        with part.open("w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in kept))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    return gone, questions
