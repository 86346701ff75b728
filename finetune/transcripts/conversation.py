"""A conversation as every importer gives it, and the report of rows that could not be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatbot.language import detect
from finetune.transcripts.speakers import Speaker

LANGUAGES = ("zh-Hans", "zh-Hant", "en")  # preferred when a short text could be several
DETECTED = 2_000  # characters of a conversation that tell its language


@dataclass(frozen=True, slots=True)
class Turn:
    """One message, as written."""

    speaker: Speaker
    text: str
    time: str = ""  # ISO 8601 with the zone of the export, or as written when it is another form
    author: str = ""  # the writer's name, where the export tells; masked before training
    person: str = ""  # who wrote it: the export's id, else the name; a hash after masking
    context: bool = False  # history only: an example of it is (or was) learnt elsewhere


@dataclass(frozen=True, slots=True)
class Conversation:
    """One contact of one customer, oldest turn first."""

    id: str
    language: str  # zh-Hans, zh-Hant, en, … of most of its text
    turns: tuple[Turn, ...]
    csat: float | None = None  # customer satisfaction, 1..5, 5 is best
    resolved: bool | None = None
    source: str = ""  # name of the file


@dataclass(frozen=True, slots=True)
class Talk:
    """What a row of an export says, before anybody looked whether it can be used."""

    id: str  # "" gets one from the text
    turns: Sequence[Turn]
    csat: float | None = None
    resolved: bool | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was skipped."""

    file: str
    line: int  # 1-based; of a JSON array or a sheet: the number of its item or row
    reason: str


def ignored(count: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read, and its name as people know it (`export.zip/chats.csv`)."""

    path: Path
    name: str
    seen: Callable[[int], None] = ignored  # called with the number of bytes that were read


class RowError(ValueError):
    """Why this row is skipped; caught by the importer, which knows file and line."""


Report = Callable[[BadRow], None]


def conversation(talk: Talk, source: str) -> Conversation:
    """A conversation with its language. Raises RowError when nobody says anything in it."""
    turns = tuple(turn for turn in talk.turns if turn.text.strip())
    spoken = [turn.text for turn in turns if turn.speaker != "note"]
    if not any(turn.speaker == "customer" for turn in turns):
        raise RowError("no turn of a customer")
    language = detect("\n".join(spoken)[:DETECTED], LANGUAGES)
    id = talk.id or _digest(turns)
    return Conversation(id, language, turns, talk.csat, talk.resolved, source)


def _digest(turns: Sequence[Turn]) -> str:
    """A stable id for a row without one: the same text gets the same id in every import."""
    text = "\n".join(f"{turn.speaker}: {turn.text}" for turn in turns)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
