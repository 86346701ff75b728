"""A conversation as every importer gives it, and the report of rows that could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from chatbot.language import detect

Speaker = Literal["customer", "agent", "bot", "note"]  # note: said by the help desk itself
LANGUAGES = ("zh-Hans", "zh-Hant", "en")  # preferred when a short text could be several
DETECTED = 2_000  # characters of a conversation that tell its language


@dataclass(frozen=True, slots=True)
class Turn:
    """One message, as written."""

    speaker: Speaker
    text: str
    time: str = ""  # as in the export, mostly ISO 8601
    author: str = ""  # the writer's name, where the export tells; masked before training


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
class BadRow:
    """A row that was skipped."""

    file: str
    line: int  # 1-based; of a JSON array: the number of its item
    reason: str


class RowError(ValueError):
    """Why this row is skipped; caught by the importer, which knows file and line."""


Report = Callable[[BadRow], None]


def conversation(
    id: str,
    turns: list[Turn],
    source: str,
    csat: float | None = None,
    resolved: bool | None = None,
) -> Conversation:
    """A conversation with its language. Raises RowError when nobody says anything in it."""
    spoken = [turn.text for turn in turns if turn.speaker != "note"]
    if not any(turn.speaker == "customer" for turn in turns):
        raise RowError("no turn of a customer")
    language = detect("\n".join(spoken)[:DETECTED], LANGUAGES)
    return Conversation(id, language, tuple(turns), csat, resolved, source)


WORDS = {"非常满意": 5, "满意": 4, "一般": 3, "不满意": 2, "非常不满意": 1}


def satisfaction(value: object) -> float | None:
    """1..5 from a number or a Chinese rating word; None when it tells nothing."""
    text = str(value).strip() if value is not None else ""
    if text in WORDS:
        return float(WORDS[text])
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 1 <= number <= 5 else None
