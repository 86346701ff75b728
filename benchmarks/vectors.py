"""Vectors that lie as passages of multilingual-e5-small do, as many as wanted.

A passage is the common direction of all text, plus its topic, its page and what is its own, each
drawn from one Gaussian whose standard deviations fall as i^-0.46 over randomly turned axes, with
35, 25 and 40 % of the variance; 100 passages a topic and 8 a page in the mean. Chosen so that
likeness() comes near what 3,141 real passages of this project's test sets have:

                              real    made (3,141 rows)
    length of the mean        .875    .880
    cosine of two passages    .766    .774
    to the nearest            .939    .927
    to the 10th               .883    .890
    to the 50th               .859    .858
    local dimension          11.9    12.5
"""

from __future__ import annotations

import numpy as np

from knowledge.types import Vectors

DIMENSION = 384
DECAY = 0.46
SHARES = (0.35, 0.25, 0.40)  # of topic, page and passage
TOPIC, PAGE = 100, 8  # passages
MEAN = 0.875
PIECE = 100_000  # rows at a time


def passages(count: int, queries: int, seed: int = 0) -> tuple[Vectors, Vectors]:
    """(count, 384) to be searched and (queries, 384) held out, unit rows."""
    chance = np.random.default_rng(seed)
    total = count + queries
    spread = np.arange(1, DIMENSION + 1, dtype=np.float32) ** -DECAY
    spread *= np.sqrt(1 / MEAN**2 - 1) / np.linalg.norm(spread)
    turn = np.linalg.qr(chance.normal(size=(DIMENSION, DIMENSION)))[0].astype(np.float32)
    mean = _unit(chance.normal(size=(1, DIMENSION)))[0]
    topics = chance.normal(size=(total // TOPIC + 1, DIMENSION)).astype(np.float32)
    pages = np.sqrt(SHARES[1]) * chance.normal(size=(total // PAGE + 1, DIMENSION))
    pages = pages.astype(np.float32)
    pages += np.float32(np.sqrt(SHARES[0])) * topics[chance.integers(len(topics), size=len(pages))]
    page = chance.integers(len(pages), size=total)
    rows = np.empty((total, DIMENSION), np.float32)
    for start in range(0, total, PIECE):
        some = page[start : start + PIECE]
        own = chance.standard_normal((len(some), DIMENSION), np.float32)
        own *= np.float32(np.sqrt(SHARES[2]))
        own += pages[some]
        own *= spread
        rows[start : start + PIECE] = _unit(own @ turn + mean)
    return rows[queries:], rows[:queries]


def likeness(rows: Vectors) -> dict[str, float]:
    """What the docstring compares; (n, 384) unit rows, n of a few thousand."""
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, np.nan)
    near = -np.sort(-np.nan_to_num(cosines, nan=-1.0), axis=1)[:, :50]
    distance = np.sqrt(2 - 2 * near[:, :20])
    # Levina & Bickel 2004, 20 neighbours
    dimension = -1 / np.log(distance[:, :19] / distance[:, 19:]).mean(axis=1)
    return {
        "mean_length": float(np.linalg.norm(rows.mean(axis=0))),
        "cosine": float(np.nanmean(cosines)),
        "nearest": float(np.median(near[:, 0])),
        "tenth": float(np.median(near[:, 9])),
        "fiftieth": float(np.median(near[:, 49])),
        "local_dimension": float(np.median(dimension)),
    }


def _unit(rows: Vectors) -> Vectors:
    made: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return made
