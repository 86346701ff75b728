"""Which of the customers' own messages are worth a label: where the model is unsure, and each
unlike the ones chosen before (uncertainty with k-center diversity, Sener & Savarese 2018)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chatbot.intent import IntentModel, by_pattern
from chatbot.intents.features import plain
from chatbot.types import EVALUATION
from knowledge.database import Database
from knowledge.types import Vectors

READ = 2_000  # latest messages
AT_ONCE = 200  # messages; with all examples of a big team, their cosines are 48 MB
SHORTEST, LONGEST = 4, 200  # characters; "ok" teaches nothing, a letter is about many things
ALIKE = 0.97  # cosine from which two messages are the same for this purpose


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A message, masked, with what the model makes of it now."""

    text: str
    uncertainty: float  # 0..1; 1: one of the intents is as likely as not
    gap: float  # 0..1, lead of the best intent over the next
    guesses: tuple[tuple[str, float], ...]  # (intent, 0..1), best first


def suggestions(database: Database, intents: IntentModel, count: int = 20) -> list[Suggestion]:
    """At most `count`, the most useful first; none without a model or without messages.

    Takes about 10 ms a message: nothing of what customers wrote is kept for the next time.
    """
    model = intents.serving()
    known = {_bare(example.text) for example in intents.store.examples()}
    texts = [text for text in _messages(database) if _bare(text) not in known]
    if model is None or not texts:
        return []
    rows, told = [], []
    for start in range(0, len(texts), AT_ONCE):
        some = intents.archive.embedded(texts[start : start + AT_ONCE], keep=False)
        scores, _ = model.examine(some.texts, some.vectors)
        rows.append(some.vectors["e5"])
        told.append(model.judge(scores).intents)
    chances = np.concatenate(told)
    # 1 at even odds, 0 at 0 and 1. Of all intents: also where the first is sure, but not whether
    # a second one is meant as well.
    uncertain = (1 - np.abs(2 * chances - 1)).max(1)
    return [
        _suggestion(texts[i], float(uncertain[i]), model.names, chances[i])
        for i in _spread(np.concatenate(rows), uncertain, count)
    ]


def _suggestion(
    text: str, uncertain: float, names: Sequence[str], chances: np.ndarray
) -> Suggestion:
    best = [(names[k], round(float(chances[k]), 4)) for k in np.argsort(-chances)[:2]]
    gap = best[0][1] - (best[1][1] if len(best) > 1 else 0.0)
    return Suggestion(text, round(uncertain, 4), round(gap, 4), tuple(best))


def _messages(database: Database) -> list[str]:
    """Distinct masked messages of customers, the latest first; no small talk, no evaluations."""
    rows = database.rows(
        "SELECT m.text FROM messages m JOIN sessions s ON s.id = m.session_id "
        "WHERE m.role = 'user' AND s.channel != ? ORDER BY m.number DESC LIMIT ?",
        EVALUATION,
        READ,
    )
    texts = {_bare(row["text"]): row["text"] for row in reversed(rows)}
    return [
        text
        for text in texts.values()
        if SHORTEST <= len(text) <= LONGEST and by_pattern(text) is None
    ]


def _bare(text: str) -> str:
    """Without punctuation and case."""
    return " ".join(re.findall(r"\w+", plain(text)))


def _spread(vectors: Vectors, uncertain: np.ndarray, count: int) -> Sequence[int]:
    """Greedily the most uncertain one, weighed by its distance to those chosen already."""
    rows = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    # Cosines of e5 lie between .7 and 1; what counts is how far below 1.
    distance = np.ones(len(rows))
    chosen: list[int] = []
    while len(chosen) < min(count, len(rows)):
        worth = uncertain * distance
        worth[chosen] = -1
        i = int(worth.argmax())
        if worth[i] <= 0:
            break
        chosen.append(i)
        near = rows @ rows[i]
        distance = np.minimum(distance, np.where(near >= ALIKE, 0.0, 1 - near))
    return chosen
