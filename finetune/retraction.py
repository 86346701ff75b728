"""Taking a conversation back: its texts leave the data of every run, and the runs are marked.

What a model has learnt cannot be taken out of its weights; who decides whether it may go on serving
must see it, so `promote` refuses a marked run and `runs list` names it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatbot.golden import case_id
from finetune import checkpoints
from finetune.lessons import PREFIX, Lessons
from finetune.registry import Registry
from knowledge.database import Database


@dataclass(frozen=True, slots=True)
class Retracted:
    """What taking back did."""

    lessons: int
    runs: tuple[str, ...]  # that learnt from it, newest first
    serving: bool  # one of them is promoted


def retract(lessons: Lessons, registry: Registry, conversation: str, by: str) -> Retracted:
    """Take a conversation back, of our own (id of its session) or of an imported file."""
    taken = lessons.retract(conversation, by)
    runs = forget(registry, {conversation, f"{PREFIX}{conversation}"})
    champion = registry.serving()
    return Retracted(taken, runs, champion is not None and champion.name in runs)


def forget(registry: Registry, conversations: Iterable[str]) -> tuple[str, ...]:
    """Remove these conversations from the data that runs keep; mark and return the runs.

    Also of a run that is being made, or was interrupted: it goes on without them, and marked.
    """
    ids = frozenset(conversations)
    marked = []
    for run in registry.list():
        removed = [_without(path, ids) for path in _files(registry.folder(run.name))]
        gone = frozenset().union(*(found for found, _ in removed))
        if gone:
            questions = frozenset().union(*(asked for _, asked in removed))
            registry.mark_retracted(run.name, gone, questions)
            marked.append(run.name)
    return tuple(marked)


def forget_sessions(
    database: Database, registry: Registry, sessions: Sequence[str]
) -> tuple[str, ...]:
    """The same for conversations of our own that are about to be erased.

    What gates say was lost on their golden cases goes too.
    """
    sql = "SELECT id FROM replies WHERE session_id IN (SELECT value FROM json_each(?))"
    rows = database.rows(sql, json.dumps(list(sessions)))
    registry.forget_cases({case_id(row["id"]) for row in rows})
    return forget(registry, [f"{PREFIX}{session}" for session in sessions])


def settle(database: Database, registry: Registry, name: str) -> frozenset[str]:
    """Forget what was taken back or erased while the run `name` was being made.

    Returns the held-out questions that are left: only they may be shown on its card.
    """
    learnt: set[str] = set()
    for path in _files(registry.folder(name)):
        for row in _rows(path):
            learnt |= _conversations(row)
    gone = {id_ for id_ in learnt if id_.startswith(PREFIX)}
    if gone:  # a home in which only files were learnt has no conversations
        rows = database.rows("SELECT id FROM sessions")
        gone -= {f"{PREFIX}{row['id']}" for row in rows}
    taken = Lessons(database).retracted()
    forget(registry, gone | (learnt & (taken | {f"{PREFIX}{id_}" for id_ in taken})))
    held_out = registry.folder(name) / "dataset" / "held_out.jsonl"
    return frozenset(str(row["question"]) for row in _rows(held_out))


def _files(run: Path) -> Iterator[Path]:
    """Everything of a run in which texts of conversations stand."""
    for folder in ("dataset", checkpoints.FOLDER):
        yield from sorted((run / folder).glob("*.jsonl"))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _conversations(row: dict[str, Any]) -> set[str]:
    """The conversations that a row is from: two, where one reply lost against another."""
    row = row.get("pair", row)
    return {row.get("conversation", ""), row.get("rejected_conversation", "")} - {""}


def _without(path: Path, ids: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Rewrite the file without rows of these conversations; their ids and questions."""
    kept, gone, questions = [], set(), set()
    for row in _rows(path):
        if found := _conversations(row) & ids:
            gone |= found
            pair = row.get("pair", row)
            if pair.get("conversation") in ids:  # else only the reply that lost is from there
                questions.add(str(pair["question"]))
        else:
            kept.append(json.dumps(row, ensure_ascii=False))
    if gone:
        part = path.with_name(f"{path.name}.part")
        with part.open("w", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in kept))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    return frozenset(gone), frozenset(questions)
