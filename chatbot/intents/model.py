"""What serves: linear scores, nearness to the examples, and how sure both together are.

Scores come from a linear support vector machine, one intent against the rest, so that a turn can
carry several intents. Probabilities are a logistic function of the score, of its lead over the
next intent, and of the nearest examples (Platt 1999, with a prior). Whether a turn is any of the
intents at all is judged from the best score, its lead and the distance to the neighbours.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chatbot.errors import ModelError
from chatbot.intents.features import Block, Features, Floats
from knowledge.types import Vectors

NEIGHBOURS = 5
SEVERAL = 0.5  # probability from which a further intent of the same turn is named
AT_ONCE = 512  # texts scored at once: their cosines with all examples are kept meanwhile
FIELDS = ("margin", "near", "around")
FORM = 1  # of the file; another one is not read

Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The examples as unit rows, by intent."""

    rows: Floats  # (n, d)
    order: Integers  # (m,) rows by intent; m > n where an example has several intents
    starts: Integers  # (k,) where each intent begins in `order`

    def cosines(self, dense: Floats) -> Floats:
        """(q, d) to (q, n), -1..1."""
        found: Floats = unit(dense) @ self.rows.T
        return found

    def nearest(self, cosines: Floats) -> Floats:
        """(q, n) to (q, k): the best cosine with an example of each intent."""
        best: Floats = np.maximum.reduceat(cosines[:, self.order], self.starts, axis=1)
        return best


@dataclass(frozen=True, slots=True)
class Scores:
    """What is known of q texts before it is calibrated."""

    margin: Floats  # (q, k) of the linear model
    near: Floats  # (q, k) best cosine with an example of the intent
    around: Floats  # (q,) mean cosine of the nearest examples of all

    def evidence(self) -> Doubles:
        """(q, k, 4): score, its lead over the best other, and both again for nearness."""
        parts = (self.margin, lead(self.margin), self.near, lead(self.near))
        return np.stack(parts, axis=2).astype(np.float64)

    def belonging(self) -> Doubles:
        """(q, 4): best score, its lead, best nearness, neighbourhood."""
        ordered = np.sort(self.margin, axis=1)
        top = ordered[:, -1]
        gap = top - ordered[:, -2] if ordered.shape[1] > 1 else np.zeros_like(top)
        parts = (top, gap, self.near.max(1), self.around)
        return np.stack(parts, axis=1).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Logistic:
    """Weights of some evidence, the last one the bias."""

    weights: Doubles

    def odds(self, evidence: Doubles) -> Doubles:
        found: Doubles = evidence @ self.weights[:-1] + self.weights[-1]
        return found


@dataclass(frozen=True, slots=True)
class Floors:
    """Chosen from data, see training.py."""

    scope: float  # below it a turn is none of the intents
    confidence: float  # probability from which an intent may decide the route
    gap: float  # and its lead over the runner-up's
    near: float  # best nearness below which a turn is far from every example


@dataclass(frozen=True, slots=True)
class Judged:
    """Probabilities of q texts."""

    intents: Doubles  # (q, k) 0..1 each; they need not sum to 1
    scope: Doubles  # (q,) 0..1 that the text is any of the intents


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model; numbers only."""

    names: tuple[str, ...]  # (k,) ascending
    features: Features
    weights: Floats  # (f + d, k)
    bias: Floats  # (k,)
    neighbourhood: Neighbourhood
    intent: Logistic  # 4 kinds of evidence
    offsets: Doubles  # (k,) of each intent, added to its odds
    scope: Logistic  # 4 kinds of evidence
    floors: Floors
    embedder: str  # whose vectors it was trained on
    keys: Integers  # (n,) of the examples; 0 is a name or a description

    def scores(self, texts: Sequence[str], vectors: Mapping[str, Vectors]) -> Scores:
        """`vectors`: (q, d) per encoder."""
        parts = []
        for start in range(0, len(texts), AT_ONCE):
            some = slice(start, start + AT_ONCE)
            parts.append(self.examine(texts[some], {n: v[some] for n, v in vectors.items()})[0])
        margins, near, neighbours = ([getattr(p, n) for p in parts] for n in FIELDS)
        return Scores(np.concatenate(margins), np.concatenate(near), np.concatenate(neighbours))

    def examine(
        self, texts: Sequence[str], vectors: Mapping[str, Vectors]
    ) -> tuple[Scores, Floats]:
        """The scores, and (q, n) the cosines with all examples."""
        grams, dense = self.features.grams(texts), self.features.dense(texts, vectors)
        split = self.weights.shape[0] - dense.shape[1]
        margin = grams @ self.weights[:split] + dense @ self.weights[split:] + self.bias
        cosines = self.neighbourhood.cosines(dense)
        return Scores(margin, self.neighbourhood.nearest(cosines), around(cosines)), cosines

    @property
    def encoders(self) -> tuple[str, ...]:
        return tuple(block.name for block in self.features.blocks)

    def judge(self, scores: Scores) -> Judged:
        odds = self.intent.odds(scores.evidence()) + self.offsets
        return Judged(sigmoid(odds), sigmoid(self.scope.odds(scores.belonging())))


def unit(rows: Floats) -> Floats:
    """Rows of length 1; a zero row stays zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = rows / np.maximum(lengths, 1e-9)
    return scaled


def around(cosines: Floats) -> Floats:
    """(q, n) to (q,): the mean of the best NEIGHBOURS."""
    count = min(NEIGHBOURS, cosines.shape[1])
    best: Floats = np.partition(cosines, -count, axis=1)[:, -count:].mean(1)
    return best


def lead(values: Floats) -> Floats:
    """(q, k): each value minus the best of the others; with one intent the value itself."""
    if values.shape[1] < 2:
        return values
    ordered = np.sort(values, axis=1)
    best, second = ordered[:, -1:], ordered[:, -2:-1]
    ahead: Floats = values - np.where(values == best, second, best)
    return ahead


def sigmoid(odds: Doubles) -> Doubles:
    probability: Doubles = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return probability


def save(model: Model, path: Path) -> str:
    """Write one compressed .npz of plain arrays and return its SHA-256."""
    table: dict[str, Any] = {
        "form": np.array(FORM),
        "names": np.array(model.names),
        "columns": model.features.columns,
        "idf": model.features.idf,
        "weights": model.weights,
        "bias": model.bias,
        "rows": model.neighbourhood.rows.astype(np.float16),
        "order": model.neighbourhood.order,
        "starts": model.neighbourhood.starts,
        "intent": model.intent.weights,
        "offsets": model.offsets,
        "scope": model.scope.weights,
        "floors": np.array(astuple(model.floors)),
        "embedder": np.array(model.embedder),
        "keys": model.keys,
        "encoders": np.array([block.name for block in model.features.blocks]),
    }
    for block in model.features.blocks:
        table[f"mean.{block.name}"], table[f"scale.{block.name}"] = block.mean, block.scale
    temporary = path.with_suffix(".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary.open("wb") as file:
        np.savez_compressed(file, **table)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    return sha256(path)


def load(path: Path, expected: str) -> Model:
    """The model in the file. Raises ModelError when it is missing, changed or of another form."""
    try:
        if sha256(path) != expected:
            raise ValueError("its SHA-256 is not the one that was stored")
        with zipfile.ZipFile(path):  # np.load() would take a lone array, and pickles, as well
            pass
        with np.load(path, allow_pickle=False) as stored:
            return _model(dict(stored))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelError(
            f"{path}: the intent model cannot be read ({error}). Run `zhike intents train`."
        ) from error


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _model(table: dict[str, Any]) -> Model:
    if int(table["form"]) != FORM:
        raise ValueError(f"it has form {int(table['form'])}, not {FORM}")
    encoders = tuple(str(name) for name in table["encoders"])
    blocks = tuple(Block(n, table[f"mean.{n}"], table[f"scale.{n}"]) for n in encoders)
    return Model(
        names=tuple(str(name) for name in table["names"]),
        features=Features(table["columns"], table["idf"], blocks),
        weights=table["weights"],
        bias=table["bias"],
        neighbourhood=Neighbourhood(
            table["rows"].astype(np.float32), table["order"], table["starts"]
        ),
        intent=Logistic(table["intent"]),
        offsets=table["offsets"],
        scope=Logistic(table["scope"]),
        floors=Floors(*map(float, table["floors"])),
        embedder=str(table["embedder"]),
        keys=table["keys"],
    )
