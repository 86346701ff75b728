"""Conversations as JSON, one a line or in one array: ShareGPT and OpenAI (ChatML) messages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.transcripts.conversation import (
    BadRow,
    Conversation,
    Report,
    RowError,
    Speaker,
    Turn,
    conversation,
    satisfaction,
)

SPEAKERS: dict[str, Speaker] = {
    "human": "customer",
    "user": "customer",
    "customer": "customer",
    "visitor": "customer",
    "gpt": "agent",  # in transcripts of people the model's place is the agent's
    "assistant": "agent",
    "agent": "agent",
    "bot": "bot",
    "chatbot": "bot",
    "system": "note",
    "developer": "note",
    "note": "note",
    "tool": "note",
    "function": "note",
    "observation": "note",
}
IDS = ("id", "conversation_id")
TIMES = ("time", "timestamp", "created_at")


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """Where a format keeps the turns of a row, and in a turn the speaker and the text."""

    turns: str
    speaker: str
    text: str

    def read(self, path: Path, report: Report) -> Iterator[Conversation]:
        """One conversation a row; a bad row is reported and skipped."""
        for line, row in rows(path, report):
            try:
                yield self._conversation(row, path)
            except RowError as error:
                report(BadRow(path.name, line, str(error)))

    def _conversation(self, row: Any, path: Path) -> Conversation:
        if not isinstance(row, dict) or not isinstance(row.get(self.turns), list):
            raise RowError(f"no list {self.turns!r}")
        turns = [turn for item in row[self.turns] if (turn := self._turn(item, row)) is not None]
        given = next((str(row[key]) for key in IDS if row.get(key) not in (None, "")), None)
        resolved = row.get("resolved")
        return conversation(
            given or _digest(turns),
            turns,
            path.name,
            satisfaction(row.get("csat")),
            resolved if isinstance(resolved, bool) else None,
        )

    def _turn(self, item: Any, row: dict[str, Any]) -> Turn | None:
        if not isinstance(item, dict):
            raise RowError(f"an item of {self.turns!r} is not an object")
        name, text = item.get(self.speaker), _text(item.get(self.text))
        if not isinstance(name, str) or name.lower() not in SPEAKERS:
            raise RowError(f"unknown {self.speaker} {name!r}; known: {', '.join(SPEAKERS)}")
        speaker = SPEAKERS[name.lower()]
        author = row.get("agent") if speaker == "agent" else row.get("customer")
        time = next((str(item[key]) for key in TIMES if item.get(key)), "")
        if not text.strip():
            return None
        return Turn(speaker, text, time, author if isinstance(author, str) else "")


SHAREGPT = JsonFormat("conversations", "from", "value")
MESSAGES = JsonFormat("messages", "role", "content")


def rows(path: Path, report: Report) -> Iterator[tuple[int, Any]]:
    """(line, object) of JSON Lines, or (number, item) of a file that is one array."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        if first_character(path) == "[":
            try:
                yield from enumerate(json.load(file), 1)
            except ValueError as error:
                report(BadRow(path.name, 1, f"not valid JSON ({error})"))
            return
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield number, json.loads(line)
            except ValueError as error:
                report(BadRow(path.name, number, f"not valid JSON ({error})"))


def first_character(path: Path) -> str:
    """The first character that is not white space; "" for an empty file."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file:
            if line.strip():
                return line.strip()[0]
    return ""


def format_of(path: Path) -> Callable[[Path, Report], Iterator[Conversation]] | None:
    """The importer for this file by its first readable row; None when it is another format."""
    if first_character(path) not in ("{", "["):
        return None
    for _, row in rows(path, lambda bad: None):
        for known in (SHAREGPT, MESSAGES):
            if isinstance(row, dict) and isinstance(row.get(known.turns), list):
                return known.read
    return None


def _text(content: Any) -> str:
    """The text of a message; of a list of parts, that of its text parts."""
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def _digest(turns: list[Turn]) -> str:
    """A stable id for a row without one: the same text gets the same id in every import."""
    text = "\n".join(f"{turn.speaker}: {turn.text}" for turn in turns)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
