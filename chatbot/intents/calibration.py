"""From scores to probabilities and floors, on rows that the model did not learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbot.intents.model import Doubles, Floors, Integers, Judged, Logistic, Scores, sigmoid

BINS = 15
STEPS = 50  # of Newton; it needs about ten
CANDIDATES = 8  # intents per row that calibration looks at; further ones are never close
STRENGTH = 3.0  # of the priors, in rows of curvature 1: a hundred examples outweigh them
OFFSET_STRENGTH = 8.0  # of "no offset" for one intent
# Fitted once on the packaged intents and rounded: what counts while a team has few examples.
INTENT_PRIOR = Logistic(np.array([1.5, 2.5, 2.0, 3.5, -1.0]))
SCOPE_PRIOR = Logistic(np.array([1.8, 0.1, 3.8, 4.3, -3.5]))
REJECTED = 0.06  # of the turns that are one of the intents, at most so many are called unknown
WRONG = 0.03  # of the turns whose intent decides the route, at most so many are wrong
FEWEST = 30  # held-out rows from which floors are chosen; with fewer these serve:
CAUTIOUS = Floors(scope=0.4, confidence=0.8, gap=0.3, near=0.3)
FAR = 0.95  # of the far strangers lie below the floor of nearness
SHARES = (0.25, 0.25)  # weight of near and of far rows beside the intents' own half

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that one partial model scored without having learned from them."""

    kept: Integers  # (j,) which of the k intents that model knew
    rows: Integers  # (r,) of the training data
    inside: Mask  # (r,) False: the row's own intents were withheld, so it is a near stranger
    scores: Scores  # of these rows, over `kept`
    far: Scores  # of the far strangers, over `kept`


def logistic(evidence: Doubles, truth: Mask, prior: Logistic, weight: Doubles) -> Logistic:
    """Newton's method on the weighted log loss, drawn to the prior. (n, e), (n,), (n,)."""
    rows = np.concatenate([evidence, np.ones((len(evidence), 1))], 1)

    def loss(theta: Doubles) -> float:
        odds = rows @ theta
        missed = np.logaddexp(0, np.where(truth, -odds, odds))
        return float(weight @ missed + STRENGTH / 2 * ((theta - prior.weights) ** 2).sum())

    theta, now = prior.weights, loss(prior.weights)
    for _ in range(STEPS):
        chance = sigmoid(rows @ theta)
        gradient = rows.T @ (weight * (chance - truth)) + STRENGTH * (theta - prior.weights)
        curvature = (rows * (weight * chance * (1 - chance))[:, None]).T @ rows
        step = np.linalg.solve(curvature + STRENGTH * np.eye(len(theta)), gradient)
        while (reached := loss(theta - step)) > now and np.abs(step).max() > 1e-6:
            step = step / 2  # a full step overshoots where the odds are large
        if np.abs(step).max() <= 1e-6:
            break
        theta, now = theta - step, reached
    return Logistic(theta)


def intents(parts: list[Part], labels: Mask) -> tuple[Logistic, Doubles]:
    """The common weights, and what each intent adds to its odds. labels: (n, k)."""
    evidence, truth, intent = [np.empty((0, 4))], [np.empty(0, bool)], [np.empty(0, np.int64)]
    for part in parts:
        own = labels[part.rows[part.inside]][:, part.kept]
        found = part.scores.evidence()[part.inside]
        count = min(CANDIDATES, len(part.kept))
        close = np.argpartition(-found[:, :, 0], count - 1, axis=1)[:, :count]
        looked_at = own.copy()
        np.put_along_axis(looked_at, close, True, axis=1)
        row, column = np.nonzero(looked_at)
        evidence.append(found[row, column])
        truth.append(own[row, column])
        intent.append(part.kept[column])
    z, y, k = np.concatenate(evidence), np.concatenate(truth), np.concatenate(intent)
    weights = logistic(z, y, INTENT_PRIOR, np.ones(len(z)))
    return weights, _offsets(weights.odds(z), y, k, labels.shape[1])


def _offsets(odds: Doubles, truth: Mask, intent: Integers, count: int) -> Doubles:
    """Newton's method for all intents at once."""
    offsets = np.zeros(count)
    for _ in range(10):
        chance = sigmoid(odds + offsets[intent])
        gradient = np.bincount(intent, chance - truth, count) + OFFSET_STRENGTH * offsets
        curvature = np.bincount(intent, chance * (1 - chance), count) + OFFSET_STRENGTH
        offsets -= gradient / curvature
    return offsets


def scope(parts: list[Part]) -> Logistic:
    """The intents' own rows against near strangers (intents withheld) and far ones."""
    kinds: list[list[Doubles]] = [[], [], []]
    for part in parts:
        rows = part.scores.belonging()
        for kind, found in zip(
            kinds, (rows[part.inside], rows[~part.inside], part.far.belonging()), strict=True
        ):
            kind.append(found)
    joined = [np.concatenate([np.empty((0, 4)), *kind]) for kind in kinds]
    evidence = np.concatenate(joined)
    shares = (1 - sum(SHARES), *SHARES)
    weight = np.concatenate(
        [
            np.full(len(r), s * len(evidence) / max(len(r), 1))
            for r, s in zip(joined, shares, strict=True)
        ]
    )
    truth = np.arange(len(evidence)) < len(joined[0])
    return logistic(evidence, truth, SCOPE_PRIOR, weight)


def floors(judged: Judged, labels: Mask, far: Doubles) -> Floors:
    """For rows that are inside; `far`: best nearness of far strangers.

    The floor of scope is a quantile; of confidence and gap the pair counts that lets most turns
    decide the route while at most WRONG of these would be wrong; where none reaches that, the
    pair that comes nearest.
    """
    if len(labels) < FEWEST or not len(far):
        return CAUTIOUS
    lowest = float(np.quantile(judged.scope, REJECTED))
    inside = judged.scope >= lowest
    ordered = np.sort(judged.intents, axis=1)
    top = ordered[:, -1]
    gap = top - (ordered[:, -2] if ordered.shape[1] > 1 else 0)
    right = labels[np.arange(len(labels)), judged.intents.argmax(1)]
    best, chosen = (0.0, 0.0), (CAUTIOUS.confidence, CAUTIOUS.gap)
    for confidence in np.arange(0.3, 0.96, 0.05):
        for distance in np.arange(0.0, 0.91, 0.05):
            taken = inside & (top >= confidence) & (gap >= distance)
            count, wrong = int(taken.sum()), int((taken & ~right).sum())
            # One more wrong turn than was seen: a floor that was lucky on few rows is not taken.
            share = (wrong + 1) / (count + 2)
            rank = (1.0, float(count)) if share <= WRONG else (1 - share, 0.0)
            if rank > best:
                best, chosen = rank, (float(confidence), float(distance))
    return Floors(lowest, *chosen, near=float(np.quantile(far, FAR)))


def calibration_error(chance: Doubles, right: Mask) -> float:
    """Expected calibration error over BINS bins of equal width (Guo et al. 2017)."""
    missed = sum(b["count"] * abs(b["chance"] - b["right"]) for b in bins(chance, right))
    return float(missed) / max(len(right), 1)


def bins(chance: Doubles, right: Mask) -> list[dict[str, Any]]:
    """Mean probability and share of right answers of every bin that is not empty."""
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    return [
        {
            "chance": float(chance[place == b].mean()),
            "right": float(right[place == b].mean()),
            "count": int((place == b).sum()),
        }
        for b in range(BINS)
        if (place == b).any()
    ]


def auroc(inside: Doubles, outside: Doubles) -> float | None:
    """Chance that a row inside scores higher than one outside; None without both."""
    if not len(inside) or not len(outside):
        return None
    from sklearn.metrics import roc_auc_score

    truth = np.arange(len(inside) + len(outside)) < len(inside)
    return float(roc_auc_score(truth, np.concatenate([inside, outside])))
