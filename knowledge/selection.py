"""Which of the ranked passages are shown: not twice the same, not one document only, not too many.

Every rule is off at 0; a rule never changes the order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from knowledge.keywords import terms
from knowledge.types import Passage

Cut = Literal["score", "duplicate", "document", "budget", "limit"]
"""Why a passage is left out: too far below the best, the same words again, its document has
enough, no room in the budget, later than the limit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a result reaches."""

    passages: int  # at most
    cut: float = 0.0  # 0..1: lowest score, as a share of the best passage's
    per_document: int = 0  # passages of one document
    duplicates: float = 0.0  # 0..1: share of common words from which two passages are the same
    tokens: int = 0  # of all texts together; the first passage is always shown


def select(
    ranked: Sequence[Passage], limits: Limits, count: Callable[[str], int]
) -> list[Cut | None]:
    """For each passage, best first: None when it is shown, else why not. count: tokens of a text"""
    verdicts: list[Cut | None] = []
    shown: list[Passage] = []
    words: list[Counter[str]] = []
    documents: Counter[str] = Counter()
    room = limits.tokens
    for passage in ranked:
        own = Counter(terms(passage.text)) if limits.duplicates else Counter()
        verdict: Cut | None = None
        if len(shown) >= limits.passages:
            verdict = "limit"
        elif shown and passage.score < limits.cut * shown[0].score:
            verdict = "score"
        elif limits.duplicates and any(alike(own, w) >= limits.duplicates for w in words):
            verdict = "duplicate"
        elif limits.per_document and documents[passage.document_id] >= limits.per_document:
            verdict = "document"
        elif limits.tokens and (size := count(passage.text)) > room and shown:
            verdict = "budget"
        elif limits.tokens:
            room -= size
        verdicts.append(verdict)
        if verdict is None:
            shown.append(passage)
            words.append(own)
            documents[passage.document_id] += 1
    return verdicts


def alike(one: Counter[str], other: Counter[str]) -> float:
    """0..1: the words of both, of all words of either; 0 when their numbers or codes differ.

    "E1: dry boil" and "E2: dry boil" are two facts.
    """
    if _codes(one) != _codes(other):
        return 0.0
    every = (one | other).total()
    return (one & other).total() / every if every else 0.0


def _codes(words: Counter[str]) -> set[str]:
    return {word for word in words if any(c.isdigit() for c in word)}
