"""One linear machine per intent against the rest: a linear support vector machine each.

With a handful of examples per intent all of them are learned together instead, by softmax
regression: an intent of one example can be told from the others better than from the rest.

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
FEW = 12  # examples per intent, its name and description among them: fewer are learned together
WIDEST = 10_000_000  # weights learned together; L-BFGS keeps 20 times as many numbers meanwhile
SOFT_C = 10.0  # of the softmax, for which 3 to 30 make no difference
HARDEST = 600  # rows of other intents to begin with; 150 intents then need 2.1 rounds each
INSIDE = -0.99  # score above which a row left out would count; 1 % of the margin moves nothing
RIDGE = 5.0  # of the least squares, that only have to rank rows


def few(joined: Any, labels: Mask) -> bool:
    """Whether the intents are to be learned together. Decided once for all folds of a training,
    or a calibration would be that of other machines.
    """
    count = labels.shape[1]
    return bool(labels.sum() < FEW * count and joined.shape[1] * count <= WIDEST)


def machines(
    joined: Any, dense: Floats, labels: Mask, together: bool = False
) -> tuple[Floats, Floats]:
    """Weights (f + d, k) and biases (k,).

    `joined`: (n, f + d) sparse float64, as liblinear wants it; `dense`: (n, d), its right end.
    `labels`: (n, k).
    """
    if together and labels.shape[1] > 2 and labels.any(0).all():  # two are told apart anyway
        return _together(joined, labels)
    grams = joined[:, : joined.shape[1] - dense.shape[1]].astype(np.float32)
    rows = (joined, grams, dense)
    done = [_machine(rows, *pair) for pair in zip(labels.T, _begun(dense, labels), strict=True)]
    # One after the other: liblinear has a single random generator for all threads.
    return np.stack([w for w, _ in done], 1), np.array([b for _, b in done], np.float32)


def _together(joined: Any, labels: Mask) -> tuple[Floats, Floats]:
    """Softmax regression, in the scale of the others: the examples' own scores are 1 and all of
    their other scores −1 in the mean, so that one calibration reads both.
    """
    from sklearn.linear_model import LogisticRegression

    row, intent = np.nonzero(labels)  # a row of several intents is learned once for each
    learner = LogisticRegression(C=SOFT_C, max_iter=200).fit(joined[row], intent)
    scores = joined @ learner.coef_.T + learner.intercept_
    own, others = scores[labels].mean(), scores[~labels].mean()
    steep = 2 / (own - others)
    weights, bias = steep * learner.coef_.T, steep * (learner.intercept_ - others) - 1
    return weights.astype(np.float32), bias.astype(np.float32)


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


def _machine(rows: tuple[Any, Any, Floats], own: Mask, chosen: Mask) -> tuple[Floats, float]:
    """`rows`: joined, and its two halves, which score three times as fast. `own`: (n,) the rows of
    the intent; `chosen`: (n,) the rows to begin with.
    """
    from sklearn.svm import LinearSVC

    joined, grams, dense = rows
    if own.all() or not own.any():  # nothing to tell apart
        return np.zeros(joined.shape[1], np.float32), 1.0 if own.all() else -1.0
    while True:
        learner = LinearSVC(C=C, tol=1e-3, max_iter=300, random_state=0)
        learner.fit(joined[chosen], own[chosen])
        weights, bias = learner.coef_[0].astype(np.float32), float(learner.intercept_[0])
        if chosen.all():
            return weights, bias
        split = grams.shape[1]
        scores = grams @ weights[:split] + dense @ weights[split:] + bias
        if not ((scores > INSIDE) & ~chosen).any():
            return weights, bias
        chosen = chosen | (scores > -1)
