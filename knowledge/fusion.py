"""Two arms into one score: how near a passage's meaning is, and how much of the question it holds.

A sum of numbers that mean the same for every question and every embedder, after Bruch, Gai &
Ingber 2023 (An Analysis of Fusion Functions for Hybrid Retrieval): they found such sums better
than reciprocal ranks, and so do we (benchmarks/retrieval.py).
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from knowledge.weights import Floats

Bools = npt.NDArray[np.bool_]

KEYWORD = 0.9  # weight of the words beside the meaning's 1; from .6 to 1.2 the sets hardly differ
EXACT = 1.8  # the same when the question names something by its code, or quotes
TITLE = 0.15  # weight of the meaning of the page's title,
FOREIGN_TITLE = 0.5  # and where question and passage share no words, being of two languages

CODE = re.compile(
    r"(?<![\w.-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*(?![\w-])"
    r"|(?<![\w.,:-])\d{5,}(?![\w-])",
    re.ASCII,
)
QUOTED = re.compile(r"[\"“]([^\"“”]{2,80})[\"”]|「([^」]{2,80})」|『([^』]{2,80})』|`([^`]{2,80})`")


def exact(question: str) -> tuple[str, ...]:
    """What the question wants letter by letter: order numbers, error codes, models, quotations."""
    quoted = (next(filter(None, match)) for match in QUOTED.findall(question))
    return tuple(dict.fromkeys([*quoted, *CODE.findall(question)]))


def meaning(cosines: Floats, background: float) -> Floats:
    """(n,) cosines to 0..1: 0 is as near as the average passage of the whole index, 1 the same.

    Cosines of one embedder fill .7..1, of another -.1..1; measured from the background they agree.
    """
    span = max(1.0 - background, 1e-6)
    scaled: Floats = np.clip((cosines - background) / span, 0.0, 1.0)
    return scaled


def fuse(
    meanings: Floats, titles: Floats, shares: Floats, foreign: Bools, keyword: float
) -> Floats:
    """(n,) 0..1. meanings, titles: see meaning(), of the passage and of its page's title; shares:
    0..1, how much of the question's words, weighed by rarity, it holds; foreign: whether it is of
    another language than the question; keyword: the weight of the words."""
    title = np.where(foreign, FOREIGN_TITLE, TITLE)
    total = meanings + title * titles + keyword * np.clip(shares, 0.0, 1.0)
    fused: Floats = total / (1.0 + FOREIGN_TITLE + keyword)
    return fused
