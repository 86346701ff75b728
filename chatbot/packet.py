"""What an agent sees first of a conversation: made once, when a person is called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from chatbot.entities import entities
from chatbot.types import Action, Entity, HandoffReason, Noticing

MOST_TRIED = 5  # the latest replies; earlier ones stand in the conversation below
MOST_FOUND = 3  # passages of each
LOOKED = frozenset({Action.ANSWER, Action.QUOTE, Action.REFUSE, Action.HAND_OVER})


@dataclass(frozen=True, slots=True)
class Tried:
    """One reply of the assistant, and what it found for it."""

    question: str
    action: str  # a value of Action
    confidence: float  # 0..1, that what was found answers
    found: tuple[tuple[int, float], ...]  # (passage id, rank score 0..1), best first


@dataclass(frozen=True, slots=True)
class Packet:
    """Extracted, never written by a model: every word was said by customer or assistant."""

    reason: HandoffReason
    since: str  # ISO 8601, UTC
    language: str | None
    questions: int  # messages of the customer since the last solution
    first: str
    last: str
    note: str = ""  # the customer's words with the call
    mood: Literal["", "angry"] = ""  # empty: not known
    tried: tuple[Tried, ...] = ()
    entities: tuple[Entity, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Packet:
        raw = json.loads(text)
        tried = tuple(
            Tried(t["question"], t["action"], t["confidence"], tuple(map(tuple, t["found"])))
            for t in raw.pop("tried")
        )
        known = tuple(Entity(**e) for e in raw.pop("entities"))
        reason = HandoffReason(raw.pop("reason"))
        return cls(**raw, reason=reason, tried=tried, entities=known)


def summarise(
    said: Sequence[dict[str, Any]],
    replies: Sequence[dict[str, Any]],
    reason: HandoffReason,
    since: str,
    language: str | None,
    note: str,
    noticing: Noticing = entities,
) -> Packet:
    """`said`: the customer's messages (`id`, `text`), `replies`: rows of that table, both oldest
    first."""
    asked = {row["id"]: row["text"] for row in said}
    texts = [row["text"] for row in said]
    tried = [_tried(row, asked.get(row["question_id"], "")) for row in replies]
    tried = [t for t in tried if t.action in LOOKED and t.found]
    angry = reason is HandoffReason.ANGER
    return Packet(
        reason=reason,
        since=since,
        language=language,
        questions=len(texts),
        first=texts[0] if texts else "",
        last=texts[-1] if texts else "",
        note=note,
        mood="angry" if angry else "",
        tried=tuple(tried[-MOST_TRIED:]),
        entities=noticing([*texts, note], datetime.fromisoformat(since).date(), language),
    )


def _tried(row: dict[str, Any], question: str) -> Tried:
    found = [(int(id_), float(score)) for id_, score in json.loads(row["found"] or "[]")]
    return Tried(question, row["action"], row["confidence"], tuple(found[:MOST_FOUND]))
