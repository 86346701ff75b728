"""One linear machine per intent against the rest: a linear support vector machine each.

Only examples at or inside the margin shape such a machine, 3 to 5 % of thousands of them. So each
one learns from its own examples and from those others that a least-squares fit finds the hardest,
is asked about all the rest, and learns again with whichever of them it does not keep outside of
its margin. What is left out then changes nothing: the machines are those of all rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chatbot.intents.calibration import Mask
from chatbot.intents.features import Floats

C = 0.3  # inverse strength of regularisation, of the published recipe
HARDEST = 1_000  # rows of other intents to begin with; 77 intents then need 2.1 rounds each
RIDGE = 5.0  # of the least squares, that only have to rank rows


def machines(joined: Any, dense: Floats, labels: Mask) -> tuple[Floats, Floats]:
    """Weights (f + d, k) and biases (k,).

    `joined`: (n, f + d) sparse float64, as liblinear wants it; `dense`: (n, d), its right end.
    `labels`: (n, k).
    """
    done = [_machine(joined, *pair) for pair in zip(labels.T, _begun(dense, labels), strict=True)]
    # One after the other: liblinear has a single random generator for all threads.
    return np.stack([w for w, _ in done], 1), np.array([b for _, b in done], np.float32)


def _begun(dense: Floats, labels: Mask) -> Iterator[Mask]:
    """(n,) for each intent: its own rows and the HARDEST of the others."""
    if len(labels) <= HARDEST:
        yield from np.ones_like(labels.T)
        return
    rows = np.concatenate([dense, np.ones((len(dense), 1), np.float32)], 1)
    wanted = np.where(labels, np.float32(1), np.float32(-1))
    square = rows.T @ rows + RIDGE * np.eye(rows.shape[1], dtype=np.float32)
    guessed = rows @ np.linalg.solve(square, rows.T @ wanted)
    for own, guess in zip(labels.T, guessed.T, strict=True):
        chosen, others = own.copy(), np.flatnonzero(~own)
        count = min(HARDEST, len(others))
        chosen[others[np.argsort(-guess[others], kind="stable")[:count]]] = True
        yield chosen


def _machine(joined: Any, own: Mask, chosen: Mask) -> tuple[Floats, float]:
    """`own`: (n,) the rows of the intent; `chosen`: (n,) the rows to begin with."""
    from sklearn.svm import LinearSVC

    if own.all() or not own.any():  # nothing to tell apart
        return np.zeros(joined.shape[1], np.float32), 1.0 if own.all() else -1.0
    while True:
        learner = LinearSVC(C=C, tol=1e-3, max_iter=300, random_state=0)
        learner.fit(joined[chosen], own[chosen])
        if chosen.all():
            break
        inside = joined @ learner.coef_[0] + learner.intercept_[0] > -1
        if not (inside & ~chosen).any():
            break
        chosen = chosen | inside
    return learner.coef_[0].astype(np.float32), float(learner.intercept_[0])
