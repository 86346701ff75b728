"""What was fitted on labelled questions, per embedder and language: numbers, never pickled."""

from __future__ import annotations

import os
import zipfile
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier

from knowledge.errors import KnowledgeError
from knowledge.features import QUESTION_FEATURES, SENTENCE_FEATURES

Floats = npt.NDArray[np.float64]
TREES = 200
DRAWS = 500  # of answers by chance; their mean moves by less than .001 with another seed


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression on standardised features."""

    mean: Floats  # (features,)
    scale: Floats
    weight: Floats
    bias: float

    def probability(self, rows: Floats) -> Floats:
        """(n, features) to (n,), 0..1."""
        odds = np.clip((rows - self.mean) / self.scale @ self.weight + self.bias, -30, 30)
        probability: Floats = 1 / (1 + np.exp(-odds))
        return probability


@dataclass(frozen=True)  # no slots: the trees are grown once, on first use
class Forest:
    """Trees over question features, kept as the labelled rows they are grown from.

    The rows are a few hundred kilobytes and grow the same trees in half a second anywhere.
    """

    rows: Floats  # (questions, features)
    labels: npt.NDArray[np.bool_]  # (questions,)

    @cached_property
    def _trees(self) -> ExtraTreesClassifier:
        return grow(self.rows, self.labels)

    def warm(self) -> None:
        """Grow the trees now."""
        self._trees.n_jobs = 1

    def probability(self, row: Floats) -> float:
        """(features,) to 0..1."""
        return float(self._trees.predict_proba(row[None])[0, 1])


def grow(rows: Floats, labels: npt.NDArray[np.bool_]) -> ExtraTreesClassifier:
    """The question model. Leaves of 3 and a third of the features won on held-out folds."""
    trees = ExtraTreesClassifier(
        TREES, min_samples_leaf=3, max_features=0.3, class_weight="balanced", random_state=0
    )
    return trees.fit(rows, labels)


def reliability(probabilities: Floats, held: npt.ArrayLike, bins: int) -> Floats:
    """(bins, 3), lowest first: mean probability, share that held, how many, as many in each bin.

    probabilities, held: (n,), 0..1.
    """
    values = np.asarray(held, np.float64)
    parts = np.array_split(np.argsort(probabilities, kind="stable"), bins)
    return np.array([[probabilities[p].mean(), values[p].mean(), len(p)] for p in parts if len(p)])


def calibration_error(curve: Floats) -> float:
    """Expected calibration error, 0..1 (Naeini et al. 2015), of a curve as reliability() gives."""
    said, held, count = curve.T
    return float((np.abs(said - held) * count).sum() / count.sum())


def error_by_chance(probabilities: Floats, bins: int) -> float:
    """The calibration_error() that so many questions show on average when every probability,
    (n,), is exactly right: what is left of a measured one below this says nothing."""
    drawn = np.random.default_rng(0).random((DRAWS, len(probabilities))) < probabilities
    errors = [calibration_error(reliability(probabilities, held, bins)) for held in drawn]
    return float(np.mean(errors))


@dataclass(frozen=True, slots=True)
class LanguageWeights:
    """The sentence model of one language and the floor on a question's probability."""

    sentence: Logistic
    floor: float
    # (bins, 3): mean probability, share answerable, questions; of questions that the fit did not
    # see. Empty in weights of before.
    reliability: Floats = field(default_factory=lambda: np.empty((0, 3)))
    # The probabilities of these questions, sorted. Empty in weights of before.
    answerable: Floats = field(default_factory=lambda: np.empty(0))
    unanswerable: Floats = field(default_factory=lambda: np.empty(0))

    def shares(self, floor: float) -> tuple[float, float]:
        """Of the answerable at or above `floor`, of the unanswerable below it; 0..1 each."""
        kept = float((self.answerable >= floor).mean())
        return kept, float((self.unanswerable < floor).mean())

    @property
    def error(self) -> float | None:
        """See calibration_error(); None when it was not measured."""
        return calibration_error(self.reliability) if len(self.reliability) else None


@dataclass(frozen=True, slots=True)
class Weights:
    """What was fitted with one embedder; "zh" and "en", any other language uses "any"."""

    embedder: str
    languages: dict[str, LanguageWeights]
    question: Forest

    def of(self, language: str) -> LanguageWeights:
        return self.languages.get(language.split("-")[0], self.languages["any"])


def load(path: Path | None = None) -> Weights:
    """The weights in `path`, or those that ship with the package."""
    if path is None:
        with as_file(files("knowledge") / "data" / "evidence.npz") as packaged:
            return load(packaged)
    try:
        with zipfile.ZipFile(path):  # np.load() would take a lone array, and pickles, as well
            pass
        with np.load(path, allow_pickle=False) as stored:
            return _weights(dict(stored))
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise KnowledgeError(
            f"{path}: the evidence weights cannot be read ({error}). Remove the file, so that the "
            "packaged ones serve; `zhike knowledge calibrate` makes new ones."
        ) from error


def save(weights: Weights, path: Path) -> None:
    """As one compressed .npz of plain arrays; what was there stays until it is whole.

    Raises KnowledgeError when it cannot be written.
    """
    table: dict[str, Any] = {
        "embedder": weights.embedder,
        "languages": np.array(sorted(weights.languages)),
        "rows": weights.question.rows,
        "labels": weights.question.labels,
    }
    for name, model in weights.languages.items():
        table |= {
            f"{name}.mean": model.sentence.mean,
            f"{name}.scale": model.sentence.scale,
            f"{name}.weight": model.sentence.weight,
            f"{name}.bias": model.sentence.bias,
            f"{name}.floor": model.floor,
            f"{name}.reliability": model.reliability,
            f"{name}.answerable": model.answerable,
            f"{name}.unanswerable": model.unanswerable,
        }
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, **table)
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise KnowledgeError(
            f"{path}: the evidence weights cannot be written ({error.strerror}). "
            "Choose another file."
        ) from error


def _weights(table: dict[str, Any]) -> Weights:
    """Raises KeyError and ValueError for what is not there or was fitted on other features."""
    languages = {
        str(name): LanguageWeights(
            Logistic(
                table[f"{name}.mean"],
                table[f"{name}.scale"],
                table[f"{name}.weight"],
                float(table[f"{name}.bias"]),
            ),
            float(table[f"{name}.floor"]),
            table.get(f"{name}.reliability", np.empty((0, 3))),
            table.get(f"{name}.answerable", np.empty(0)),
            table.get(f"{name}.unanswerable", np.empty(0)),
        )
        for name in table["languages"]
    }
    widths = {m.sentence.weight.shape for m in languages.values()}
    if widths != {(len(SENTENCE_FEATURES),)} or table["rows"].shape[1:] != (
        len(QUESTION_FEATURES),
    ):
        raise ValueError("they were fitted on other features")
    if "any" not in languages:
        raise ValueError('they have no language "any"')
    return Weights(str(table["embedder"]), languages, Forest(table["rows"], table["labels"]))
