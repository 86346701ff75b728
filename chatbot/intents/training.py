"""Training in seconds: a linear model on frozen features, calibrated on withheld rows.

Every fold withholds a fifth of the examples, to calibrate probabilities, and a fifth of the
intents altogether, whose examples then are near strangers: siblings that the model does not know.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from chatbot.intents import calibration
from chatbot.intents.calibration import Mask, Part
from chatbot.intents.features import Features, Floats, learned
from chatbot.intents.machine import few, machines
from chatbot.intents.model import (
    Integers,
    Judged,
    Model,
    Neighbourhood,
    Scores,
    around,
    sigmoid,
    unit,
)
from chatbot.intents.report import Report, measured
from knowledge.types import Vectors

FOLDS = 5
ENOUGH = 3_000  # withheld rows; then further folds would only cost time

Table = Mapping[str, Vectors]
"""(n, d) vectors per encoder."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts and their vectors."""

    texts: Sequence[str]
    vectors: Table

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class Examples:
    """What a model learns from."""

    names: tuple[str, ...]  # (k,) of the intents, ascending
    rows: Texts  # n examples
    labels: Mask  # (n, k)
    keys: Integers  # (n,) of the examples; 0: a name or description, learned from, not measured on

    @property
    def counted(self) -> Mask:
        return self.keys > 0


def fit(
    examples: Examples,
    strangers: Texts,
    embedder: str,
    validation: tuple[Texts, Mask] | None = None,
) -> tuple[Model, Report]:
    """`strangers`: texts about anything else. `validation`: rows that choose the floors instead
    of the withheld ones, with their labels (n, k).
    """
    begin = time.perf_counter()
    features = learned(examples.rows.texts, examples.rows.vectors, strangers.vectors)
    every = _Rows.of(features, examples.rows)
    far = _Rows.of(features, strangers)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Liblinear failed to converge")
        warnings.filterwarnings("ignore", message="The number of unique classes is greater")
        together = few(every.joined, examples.labels)
        weights, bias = machines(every.joined, every.dense, examples.labels, together)
        parts = _parts(every, far, examples, together)
    intent, offsets = calibration.intents(parts, examples.labels)
    model = Model(
        names=examples.names,
        features=features,
        weights=weights,
        bias=bias,
        neighbourhood=neighbourhood(every.dense, examples.labels),
        intent=intent,
        offsets=offsets,
        scope=calibration.scope(parts),
        floors=calibration.CAUTIOUS,
        embedder=embedder,
        keys=examples.keys,
    )
    model, report = _with_floors(model, parts, examples, validation)
    report.seconds = round(time.perf_counter() - begin, 2)
    return model, report


def _with_floors(
    model: Model, parts: list[Part], examples: Examples, validation: tuple[Texts, Mask] | None
) -> tuple[Model, Report]:
    withheld = [(part, judged_by(model, part)) for part in parts]
    far = np.concatenate([np.empty(0), *(part.far.near.max(1) for part in parts)])
    if validation is not None:
        texts, labels = validation
        judged = model.judge(model.scores(texts.texts, texts.vectors))
    else:
        judged, labels = _inside(withheld, examples.labels)
    model = replace(model, floors=calibration.floors(judged, labels, far))
    return model, measured(model, withheld, examples.labels, examples.keys)


def judged_by(model: Model, part: Part) -> Judged:
    """The rows of a part, over the intents that its partial model knew."""
    odds = model.intent.odds(part.scores.evidence()) + model.offsets[part.kept]
    belonging = model.scope.odds(part.scores.belonging())
    return Judged(sigmoid(odds), sigmoid(belonging))


def _inside(withheld: Sequence[tuple[Part, Judged]], labels: Mask) -> tuple[Judged, Mask]:
    """All rows inside, over all intents: one that a partial model did not know has 0."""
    chances, scopes = [np.empty((0, labels.shape[1]))], [np.empty(0)]
    for part, judged in withheld:
        wide = np.zeros((int(part.inside.sum()), labels.shape[1]))
        wide[:, part.kept] = judged.intents[part.inside]
        chances.append(wide)
        scopes.append(judged.scope[part.inside])
    rows = [part.rows[part.inside] for part, _ in withheld]
    joined = np.concatenate([np.empty(0, np.int64), *rows])
    return Judged(np.concatenate(chances), np.concatenate(scopes)), labels[joined]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows as numbers, twice: `dense` is also the right end of `joined`."""

    joined: Any  # (n, f + d) sparse float64, as liblinear wants it
    dense: Floats  # (n, d)

    @classmethod
    def of(cls, features: Features, texts: Texts) -> _Rows:
        dense = features.dense(texts.texts, texts.vectors)
        grams = features.grams(texts.texts)
        return cls(sparse.hstack([grams, sparse.csr_matrix(dense)], "csr", np.float64), dense)

    def __getitem__(self, chosen: Any) -> _Rows:
        return _Rows(self.joined[chosen], self.dense[chosen])


def neighbourhood(dense: Floats, labels: Mask) -> Neighbourhood:
    """The examples by intent; every intent has at least one."""
    intent, row = np.nonzero(labels.T)
    starts = np.searchsorted(intent, np.arange(labels.shape[1]))
    return Neighbourhood(unit(dense), row.astype(np.int64), starts.astype(np.int64))


def _parts(every: _Rows, far: _Rows, examples: Examples, together: bool) -> list[Part]:
    """The folds that are needed; none where no intent has two examples."""
    fold, group = _folds(examples)
    parts: list[Part] = []
    for number in range(FOLDS):
        part = _part(every, far, examples, (fold == number, group == number), together)
        if part is not None:
            parts.append(part)
        if sum(int(p.inside.sum()) for p in parts) >= ENOUGH:
            break
    return parts


def _folds(examples: Examples) -> tuple[Integers, Integers]:
    """Fold of each row, spread within its first intent, and of each intent; −1: never withheld.

    Intents are withheld only from four on: of three, two would be left.
    """
    chance = np.random.default_rng(0)
    rows, intents = examples.labels.shape
    fold, first = np.full(rows, -1), examples.labels.argmax(1)
    for intent in range(intents):
        own = np.flatnonzero((first == intent) & examples.counted)
        if len(own) > 1:  # a single one is what its intent is known by
            fold[own] = (chance.permutation(len(own)) + chance.integers(FOLDS)) % FOLDS
    group = chance.permutation(intents) % FOLDS if intents >= 4 else np.full(intents, -1)
    return fold, group


def _part(
    every: _Rows, far: _Rows, examples: Examples, left_out: tuple[Mask, Mask], together: bool
) -> Part | None:
    """left_out: (n,) rows and (k,) intents that the partial model does not learn."""
    withheld, unknown = left_out
    kept = np.flatnonzero(~unknown)
    near = np.asarray(examples.labels[:, unknown].any(1))
    train = ~withheld & ~near
    kept = kept[examples.labels[train][:, kept].any(0)]  # an intent may lose its only examples
    known = examples.labels[:, kept].any(1)
    rows = np.flatnonzero(((withheld & known) | near) & examples.counted & ~(near & known))
    if not len(kept) or not len(rows):
        return None
    labels = examples.labels[np.ix_(train, kept)]
    learnt, own = every[train], labels.any(1)
    weights, bias = machines(learnt.joined, learnt.dense, labels, together)
    places = neighbourhood(learnt.dense[own], labels[own])
    scored, strange = (_scores(r, weights, bias, places) for r in (every[rows], far))
    return Part(kept, rows, ~near[rows], scored, strange)


def _scores(rows: _Rows, weights: Floats, bias: Floats, places: Neighbourhood) -> Scores:
    cosines = places.cosines(rows.dense)
    margin = (rows.joined @ weights + bias).astype(np.float32)
    return Scores(margin, places.nearest(cosines), around(cosines))
