"""Two arms into one score: how near a passage's meaning is, and how much of the question it holds.

A sum of numbers that mean the same for every question and every embedder, after Bruch, Gai &
Ingber 2023 (An Analysis of Fusion Functions for Hybrid Retrieval): they found such sums better
than reciprocal ranks, and so do we (benchmarks/retrieval.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from knowledge.weights import Floats

KEYWORD = 0.9  # weight of the words beside the meaning's 1; from .6 to 1.2 the sets hardly differ
EXACT = 1.8  # the same when the question names something by its code, or quotes
TITLE = 0.3  # weight of the meaning of the page's title
SIBLINGS = 0.1  # weight of what else the page has to say
NEXT = 3  # further passages of a page that count,
FADING = 0.5  # each half as much as the one before it

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


def fuse(meanings: Floats, titles: Floats, shares: Floats, keyword: float) -> Floats:
    """(n,) 0..1. meanings, titles: see meaning(), of the passage and of its page's title; shares:
    0..1, how much of the question's words, weighed by rarity, it holds; keyword: their weight."""
    total = meanings + TITLE * titles + keyword * np.clip(shares, 0.0, 1.0)
    fused: Floats = total / (1.0 + TITLE + keyword)
    return fused


def with_page(scores: Floats, pages: Sequence[str]) -> Floats:
    """(n,) 0..1: a little more for a passage whose page has other good ones.

    pages: the document of each passage.
    """
    best: dict[str, list[float]] = {}
    for i in np.argsort(-scores, kind="stable"):
        best.setdefault(pages[i], []).append(float(scores[i]))
    more = {
        page: sum(score * FADING**n for n, score in enumerate(found[1 : NEXT + 1], 1))
        for page, found in best.items()
    }
    most = 1.0 + SIBLINGS * sum(FADING**n for n in range(1, NEXT + 1))
    added = np.array([more[page] for page in pages])
    raised: Floats = (scores + SIBLINGS * added) / most
    return raised
