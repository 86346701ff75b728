"""Which reply to a question did best, by what the customer did then and what it says."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from finetune.duplicates import groups, twins
from finetune.pairs import Pair
from finetune.phrases import holds

UNHAPPY = 2.0  # csat, 1..5: a conversation rated this or lower teaches nothing good
MIN_WORDS = 4  # of a question that is compared: "yes please" means something else each time
# Nats. A reply whose rarest words together say less than this could stand under any question:
# one word of one reply in e**3 = 20 is already above it.
INFORMATION = 3.0
WORD = re.compile(r"[\u3400-\u9fff]|[a-z]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A reply that lost against another to the same question: for preference training."""

    question: str
    chosen: str
    rejected: str
    language: str
    conversation: str = ""  # of the chosen reply
    rejected_conversation: str = ""


def unhappy(rows: Sequence[Pair]) -> set[int]:
    """Of conversations that the customer rated 2 or lower; unrated ones stay."""
    return {i for i, pair in enumerate(rows) if pair.csat is not None and pair.csat <= UNHAPPY}


def unhelpful(rows: Sequence[Pair]) -> set[int]:
    """Those whose customer's next turn complains about the reply or asks the same again."""
    return {i for i, pair in enumerate(rows) if pair.after and _complains(pair)}


def _complains(pair: Pair) -> bool:
    if holds("unhelped", pair.after):
        return True
    repeated = len(words(pair.question)) >= MIN_WORDS and bool(twins([pair.question, pair.after]))
    return repeated and not holds("thanks", pair.after)


def words(text: str) -> list[str]:
    """Latin words and numbers in lower case, Chinese characters one by one."""
    return [word.lower() for word in WORD.findall(text)]


def information(rows: Sequence[Pair]) -> list[float]:
    """Per reply, in nats: Σ log(N / n) over its distinct words, n replies of N have the word."""
    said = [set(words(pair.reply)) for pair in rows]
    frequency = Counter(word for found in said for word in found)
    return [sum(math.log(len(rows) / frequency[word]) for word in found) for found in said]


def uninformative(rows: Sequence[Pair]) -> set[int]:
    """Replies that hold only what most replies hold, or only send the customer elsewhere."""
    if len(rows) < 20:  # too few to tell which words are common
        return set()
    mass = information(rows)
    return {
        i
        for i, pair in enumerate(rows)
        if mass[i] < INFORMATION or holds("deflection", pair.reply.strip())
    }


def score(pair: Pair, mass: float) -> float:
    """Higher is better: outcome first (each about 1), then what it says (below 1)."""
    points = 0.0
    if pair.resolved is not None:
        points += 1 if pair.resolved else -1
    if pair.csat is not None:
        points += (pair.csat - 3) / 2
    if pair.after and holds("thanks", pair.after):
        points += 1
    if pair.reply.rstrip().endswith(("?", "？")):
        points -= 0.5  # it asks back where another reply answered
    return points + mass / (mass + 50)


def runners_up(rows: Sequence[Pair]) -> dict[int, int]:
    """Row → the better row, for replies to the same opening question (Jaccard ≥ .8).

    Only questions that open a conversation are compared, with the same numbers in them: later
    ones mean what the turns before made of them.
    """
    opening = [
        i for i, p in enumerate(rows) if not p.history and len(words(p.question)) >= MIN_WORDS
    ]
    texts = [rows[i].question for i in opening]
    near = [
        (a, b)
        for a, b in twins(texts)
        if _numbers(texts[a]) == _numbers(texts[b])
        and rows[opening[a]].language == rows[opening[b]].language
    ]
    mass = information(rows)
    lost: dict[int, int] = {}
    for group in groups(len(texts), near):
        ranked = sorted((opening[i] for i in group), key=lambda i: -score(rows[i], mass[i]))
        lost.update((i, ranked[0]) for i in ranked[1:])
    return lost


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)
