"""Rows that may not be learnt: each function gives the numbers of those that go."""

from __future__ import annotations

import re
from collections.abc import Sequence

from finetune.duplicates import normalised, twins
from finetune.pairs import Pair
from finetune.phrases import holds

PLACEHOLDER = re.compile(r"\[[A-Z]+_\d+\]")
HAN = re.compile(r"[\u3400-\u9fff]")
MIN_WIDTH, MAX_WIDTH = 16, 900  # of a reply, in Latin letters; a Chinese character counts as 3


def foreign(rows: Sequence[Pair], languages: frozenset[str] | None) -> set[int]:
    """In a language that the base does not speak: what it cannot read it would unlearn by."""
    return {i for i, p in enumerate(rows) if languages is not None and p.language not in languages}


def too_short(rows: Sequence[Pair]) -> set[int]:
    """Replies below 16 letters."""
    return {i for i, pair in enumerate(rows) if _width(pair.reply) < MIN_WIDTH}


def too_long(rows: Sequence[Pair]) -> set[int]:
    """Replies above 900 letters, about 300 tokens."""
    return {i for i, pair in enumerate(rows) if _width(pair.reply) > MAX_WIDTH}


def _width(reply: str) -> int:
    return len(reply) + 2 * len(HAN.findall(reply))


def abusive(rows: Sequence[Pair]) -> set[int]:
    """Replies in which an agent swears; customers may."""
    return {i for i, pair in enumerate(rows) if holds("abuse", pair.reply)}


def promising(rows: Sequence[Pair]) -> set[int]:
    """Replies that say money was paid, or guarantee something, on an agent's own word."""
    return {i for i, pair in enumerate(rows) if holds("promise", pair.reply)}


def secret(rows: Sequence[Pair]) -> set[int]:
    """Rows with a password, key or one-time code anywhere in them."""
    return {
        i
        for i, pair in enumerate(rows)
        if any(holds("secret", text) for text in (pair.text, *(m.text for m in pair.history)))
    }


def inventing(rows: Sequence[Pair]) -> set[int]:
    """A placeholder in a reply must come from the prompt, else the model learns to invent them."""
    gone = set()
    for i, pair in enumerate(rows):
        known = " ".join([pair.question, *(message.text for message in pair.history)])
        if not set(PLACEHOLDER.findall(pair.reply)) <= set(PLACEHOLDER.findall(known)):
            gone.add(i)
    return gone


def repeated(rows: Sequence[Pair]) -> set[int]:
    """Every reply that an earlier row has word for word."""
    seen: dict[str, int] = {}
    return {i for i, p in enumerate(rows) if seen.setdefault(normalised(p.reply), i) != i}


def nearly_repeated(rows: Sequence[Pair]) -> set[int]:
    """Of near-duplicate replies all but the first; other numbers are another answer."""
    replies = [pair.reply for pair in rows]
    numbers = [re.findall(r"\d+", reply) for reply in replies]
    return {j for i, j in twins(replies) if numbers[i] == numbers[j]}
